"""The families of hostile text, as patterns over the shadow (lower case, plain letters).

A blank in a pattern stands for any run of blanks and of the signs that are used in their place.
General ways of speaking, not sentences seen once: whoever adds one runs the measurement of both lists.
"""
# ruff: noqa: E501, RUF001 - a pattern reads best on one line; other alphabets are meant

from __future__ import annotations

import re

_BLANK = r"[\s_*~`'\"-]"
_SENTENCE = r"[^.?!\n]{0,400}[?.!]?"


def _family(*alternatives: str) -> re.Pattern[str]:
    text = "|".join(f"(?:{alternative})" for alternative in alternatives)
    text = text.replace(" ?", _BLANK + "{0,4}").replace(" ", _BLANK + "{1,4}")
    return re.compile(text, re.MULTILINE)


def _any(words: str) -> str:
    return f"(?:{'|'.join(words.split())})"


# --- override: searched without any blanks, so that spacing cannot hide it ---------------------------
_IGNORE = _any(
    "ignor(?:e|ing) disregard(?:ing)? forget(?:ting|about)? overlook neglect igmre ignroe ingore"
    " donotfollow dontfollow stopfollowing donotobey donotlistento donotlookin payno(?:attention|heed)to regardlessof"
)
_REPLACE = _any(
    "bypass override skip dismiss abandon discard drop erase setaside change replace delete deviatefrom"
)
_EVERY = _any(
    "all any every the your my our these those this that of previous(?:ly)? prior about"
    " above earlier preceding foregoing former existing initial original current past given provided"
    " following subsequent system safety security before and or other such"
)
_INSTRUCTIONS = _any(
    r"\w{0,3}nstruct(?:ion|ed) directives directions prompt guidelines guidance restrictions programming assignment"
    " thoughts prohibitions safeguards guardrails"
)
_ORDERS = _any(
    "commands? orders? constraints tasks? rules requests? documents? artic?k?les? conversation training information"
)
_ABOVE = _any(
    "theabove allabove everything what(?:ever)?i(?:said|told) allprevious allth(?:at|ings)you the.{1,15}above"
)
_DROP_ELSEWHERE = (
    "ignor(?:iere|ieren|ier|a|ad|e|ez|er|are|eaza|uj|o)|vergiss|vergesst|vergessen|missachte|olvid[aeo]r?|olvide"
    "|oubli(?:e|ez|er)|esque[cç]a|dimentica|zaborav|zignoruj|abaikan|yoksay|negeer|игнориру|забуд|забыт|αγνο"
    "|無視|无视|忽略|忘记|忘掉|忘れ|무시|अनदेख|تجاهل|boqua|abweichendzu|horenichtauf|hörenichtauf"
)
_ORDERS_ELSEWHERE = (
    "instru[kcç]|istruzion|indicaz|anweisung|anordnung|aufgaben|auftrag|auftrage|consigne|indicacion|polecen"
    "|perintah|talimat|инструкц|указан|οδηγι|οδηγί|指示|指令|命令|지시|명령|निर्देश|تعليمات|chidan"
    "|alles(?:davor|gesagte|was|zuvor|schreib)|todo(?:loque|lodicho|que|lo)|toutcequi|ausfuhrungen|angaben|dasobige"
)
OVERRIDE = re.compile(
    f"(?:{_IGNORE}|{_REPLACE})(?:{_EVERY}){{0,7}}{_INSTRUCTIONS}|{_IGNORE}(?:{_EVERY}){{1,7}}{_ORDERS}"
    f"|{_IGNORE}{_ABOVE}|(?:{_DROP_ELSEWHERE}).{{0,60}}?(?:{_ORDERS_ELSEWHERE})"
    f"|(?:{_ORDERS_ELSEWHERE}).{{0,60}}?(?:{_DROP_ELSEWHERE})"
)

# --- the others ----------------------------------------------------------------------------------------
_TELL = _any(
    "tell show give reveal print repeat share output list display say provide send confirm relay leak"
)
_WHO = _any("system assistant developer human user ai llm model chatbot agent")
# Where an order begins: alerts say "failed to decode the body", orders say "Decode the body".
_START = r"(?:^|[.:!?>)\]\"'`;]\s*|-- ?|[—–] |\b(?:please|now|then|instead|just|also|todo|do) )"
_LANGUAGE = r"(?:(?:rot-?13|morse code|pig latin)\b|\bin base64\b)"
_WORKS = _any(
    "poems? story essay e-?mail article sentences? headline summary lists? letter song haiku reviews? code script"
    " report paragraph analogy plan acrostic posts? tweet function outline questions? recommendations? dictionary"
    " recipe table spreadsheet plea blog request items advert(?:isement)? speech example"
)

FAMILIES: tuple[tuple[str, re.Pattern[str]], ...] = (
    (
        "role_marker",
        _family(
            r"(?:^|[\n.!?;>)\]}\"'`|#/])\s*(?:system|assistant|developer)\s*:(?=\s|$)",
            r"^\s*(?:human|user|ai|you)\s*:(?=.*\n\s*\w{2,20}\s*:)",
            rf"\"role\"\s*:\s*\"{_WHO}\"",
            r"(?:^|\s)q:.{1,600}?\sa:",
        ),
    ),
    (
        "special_token",
        _family(
            r"<\|[^|>\n]{0,60}\|>|<\|\w+",
            r"\[/?inst\]|<</?sys>>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>",
            r"<!--.{1,2000}?(?:-->|$)|</?(?:information|important|instructions?|prompt)>",
            rf"</?{_WHO}(?: (?:mode|prompt|message|instructions?))?>",
            rf"(?<!#)#{{2,6}}\s{{0,3}}\(? ?{_WHO} (?:message|prompt)|^ ?#{{2,6}}\s{{0,3}}(?:{_WHO}|instructions?|response)\b",
            r"(?<![=%-])[=%-]{3,60} ?(?:end|begin|start) (?:of )?(?:out|system|user|instructions?|prompt|context|input)\b",
            r"\bbegin (?:system prompt|reprogramming)\b",
        ),
    ),
    (
        "persona",
        _family(
            rf"\byou(?: are|'re) (?:now|no longer|about to|going to|part of|an? |the |my |also |free|god|dan\b){_SENTENCE}",
            rf"\b(?:from now on|i (?:want|need|would like) you to|your new (?:role|task|instructions?|goal)){_SENTENCE}",
            rf"\b(?:act|behave|respond|reply|speak|answer) (?:as|like) (?:a|an|if|the|you|two)\b{_SENTENCE}",
            rf"\b(?:pretend|imagine|suppose|role ?play|let's) (?:that|you|we|to|you're|we're|assume|play)\b{_SENTENCE}",
            rf"\b(?:as an? (?:ai|language model|expert)|as your (?:creator|developer|admin))\b{_SENTENCE}",
            r"\bdo anything now\b|\b(?:jailbreak|god|dan|sudo) mode\b|\bunrestricted (?:ai|bot|model)\b",
            r"\b(?:du bist|jetzt bist du|tu es|eres) (?:jetzt|nun|eine?|der|die|kein|un|une|una)\b|\b(?:nun|jetzt) (?:bist|sind) (?:du|sie)\b",
            rf"\b(?:ich mochte,? dass (?:sie|du)|(?:ihr|dein) passwort)\b{_SENTENCE}",
            r"从现在(?:起|开始)|你现在|你的新|请你|扮演|提示词|不受任何|あなたは(?:今|これから)|너는 이제",
        ),
    ),
    (
        "answer_control",
        _family(
            rf"\b(?:your|deine|ihre) (?:answers?|reply|replies|response|output|code ?base|thoughts)\b{_SENTENCE}",
            rf"{_START}(?:and |you )?(?:do not|don't|don'nt|never) (?:answer|tell|ask|say|mention|investigate|escalate|follow|reveal|deviate|look|evaluate|report)\b{_SENTENCE}",
            rf"\bfetch and follow\b|\bthe new (?:runbook|instructions?|rules?|task) (?:is|are)\b{_SENTENCE}",
            r"\b(?:invisible|visible|hidden|addressed) (?:to|for) (?:humans?|llms?|ai|the model)\b|\bchain of thought\b",
            r"\b(?:replace|shift|rearrange|scramble|reverse|group|use) (?:\w+ ){0,3}(?:letters?|vowels|words|numbers) (?:\w+ ){0,3}(?:with|by|in|without|of|for)\b",
            rf"{_START}(?:say|write|output|print|repeat|respond|reply|answer)(?: (?:with|only|just|simply|the string|the word))* [\"'“‘]?(?=[\"'“‘]){_SENTENCE}",
            rf"\b(?:say|state|admit|tell|include) that (?:you|i)\b{_SENTENCE}|{_START}(?:say|state|pretend|claim) that\b{_SENTENCE}",
        ),
    ),
    (
        "secrets",
        _family(
            r"\b(?:your|initial|original|hidden|full|entire) (?:system |initial |original |secret |full )*(?:prompts?|instructions)\b",
            r"\byour (?:secret )?(?:password|passcode|key|api key|birth ?date)\b",
            rf"\b{_TELL} (?:\w+ ){{0,3}}?(?:the|your|me|his|her|their|our) (?:\w+ ){{0,2}}?(?:password|passcode|secret|credentials|api key|prompt|instructions)\b",
            r"\bprompts?-?(?: )?texte?\b|\bsystem(?:'s|’s)? parameters and instructions\b",
        ),
    ),
    (
        "question",
        _family(
            rf"(?:^|[.:>!?]\s*)(?:what|who|how|why) (?:is|are|was|were|do|does|can|should|would)\b{_SENTENCE}"
        ),
    ),
    (
        "request",
        _family(
            rf"\b(?:can|could|would|will) you\b{_SENTENCE}",
            rf"\b(?:please|bitte|kindly) (?:\w+ )?(?:e-?mail me|write|tell|output|answer|print|say|repeat|forget|give me|comply|abandon|spell|beantworte|hilf|schreib|berechne)\w*{_SENTENCE}",
            rf"\b(?:tell|give|show|help|let|teach|send) me\b{_SENTENCE}",
            rf"\b(?:i'm|i've|i'll|i'd|i am|i want|i need|i love|i hate|i will|i would|i just|i can|i honestly|ich bin|ich will|ich liebe|ich interessiere|ich gebe){_SENTENCE}",
            r"\brepeat after me\b|\bsimply (?:say|respond|reply|output)\b",
            rf"\b(?:new|further|next|neue) (?:tasks?|assignments?|instructions?|orders?|aufgaben|anweisungen) ?(?:follow|come|:){_SENTENCE}|\bnow (?:comes? )?(?:a |your )?new (?:tasks?|instructions?)\b{_SENTENCE}",
        ),
    ),
    (
        "task",
        _family(
            rf"{_START}(?:write|compose|create|generate|draft|formulate|make|produce|craft|provide|prepare|suggest|develop|give)(?: (?:me|us|an?|the|one|up|some|my|two|\d+|numbered|short|sql|un\w+))* (?:\w+ ){{0,3}}?{_WORKS}\b{_SENTENCE}",
            rf"{_START}(?:translate|summari[sz]e|paraphrase|rewrite|convert|extract|classify|spell check|decode|decrypt|encode|correct|combine) (?:this|the|it|these|all|to|into|keywords|your|everything|from|text|[a-z],) ?(?:\w+ )?{_SENTENCE}",
            rf"{_START}(?:explain|describe|provide|develop|determine|interlace|include|integrate|encrypt|decide|perform|relay|concatenate|rephrase|repeat|blame|answer) (?:the|an?|how|why|this|everything|all|insights|it|on|part|whether|from|following|questions?)\b{_SENTENCE}",
            rf"{_START}(?:send|transfer|forward|invite|post|e-?mail|upload|visit|delete|buy|reserve|get) (?:an? |the |as |all |user |\$)(?:\w+\W+){{0,16}}?(?:account|website|workspace|user's|reservation|payment|transaction|bank|cloud drive|link)\b{_SENTENCE}",
            rf"\b(?:schreibe?|verfasse|formuliere?|generiere?|generieren|beantworte|zeige?|konzentriere?|antworte)\b (?:mir|mal|sie|eine?|einen|nun|deinen|dich|fur|alle|folgende|im|mit|python|auf)\b{_SENTENCE}",
            rf"\b(?:following|subsequent) code (?:block|snippet|excerpt|segment|fragment|piece|section)\b{_SENTENCE}",
            rf"{_LANGUAGE}{_SENTENCE}|\bin the (?:form|style) of an? \w+,?{_SENTENCE}",
        ),
    ),
    (
        "code",
        _family(
            r"<script\b|javascript:|\bon(?:error|load|mouseover|click)\s*=|<im?a?ge?\s+src\s*=|<iframe\b",
            r"\$\{jndi:|\$\((?:touch|curl|wget|rm|nc|sh|bash)\b|\b__import__\(|\b(?:eval|exec|system)\(\s*[\"']",
            r"\bunion (?:all )?select\b|\b(?:when|where|and|or) \(?'?1'?\s?=\s?'?1\b|;\s*drop table\b|'\s*;\s*(?:drop|shutdown|delete)|'\s*or\s*'?1'?\s*=\s*'?1",
            r"```\s*\w*\s*(?:import|from)\b.{0,2000}?(?:```|$)",
        ),
    ),
    (
        "agent_orders",
        _family(
            rf"\b(?:approve|authori[sz]e) (?:every|all|any|this) (?:\w+ )?(?:plans?|actions?|fix|proposals?|changes?)\b{_SENTENCE}",
            rf"\b(?:no|without|skip|bypass|needs no) (?:the )?human (?:approval|review|confirmation)\b{_SENTENCE}",
            rf"\b(?:skip|bypass) (?:the )?(?:approval|reviewer?|critic|confirmation|dry run)\b{_SENTENCE}",
            r"\bdry run (?:has )?already passed\b|\bgo straight to apply\b|\bblast radius (?:is |= ?|: ?)?(?:0|zero)\b",
            r"\b(?:verdict|vote|decision) ?[=:] ?\"?approved?\b|\bproceed to execution\b|\"approved\"\s*:\s*true",
            rf"\bmark (?:this|the|it|all) (?:\w+ )?(?:as )?(?:resolved|safe|reviewed|approved|low){_SENTENCE}",
            rf"\bas the (?:\w+ )?(?:agent|reviewer|critic|solver|diagnostician),{_SENTENCE}",
            rf"{_START}use the tool\b{_SENTENCE}|\btreat this \w+ as\b{_SENTENCE}",
            rf"\b(?:note|message|reminder)s? (?:to|for) (?:the )?(?:\w+ )?{_WHO}s?\b{_SENTENCE}",
            rf"(?:^|[\s/#])(?:{_WHO}|reviewer|critic|coordinator)\s*:\s*(?:the|you|set|mark|ignore|approve|this|always|never|treat|please|do)\b{_SENTENCE}",
        ),
    ),
)
