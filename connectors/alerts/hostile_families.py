"""The families of hostile text, as patterns over the shadow (lower case, plain letters).

A blank in a pattern stands for any run of blanks and of the signs that are used in their place.
General ways of speaking, not sentences seen once: whoever adds one runs the measurement of both lists.
"""
# ruff: noqa: E501, RUF001 - a pattern reads best on one line; other alphabets are meant

from __future__ import annotations

import re

from connectors.alerts.disguise import shadow_of, squeezed
from connectors.alerts.needed import Patterns

_BLANK = r"[\s_*~`'\"-]"
_SENTENCE = r"[^.?!\n]{0,400}[?.!]?"


def _pattern(text: str) -> re.Pattern[str]:
    text = text.replace(" ?", _BLANK + "{0,4}").replace(" ", _BLANK + "{1,4}")
    return re.compile(text, re.MULTILINE)


def _family(name: str, *ways: str) -> list[tuple[str, re.Pattern[str]]]:
    """Ways of speaking; one that is looked for together with others hides what they overlap with."""
    return [(name, _pattern(way)) for way in ways]


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
    " what(?:ever)?you(?:weretold|vebeentold|havebeentold|know|learned|learnt|werelearning)"
)
_OWN = _any("your safety security system these those all")
_CANCEL = _any("cancel revoke void unlearn undo")
_EARLIER = _any("all any the your my earlier previous prior preceding former existing initial")


def _elsewhere(words: str) -> str:
    """Words of other languages, in the letters that a squeezed shadow leaves of them."""
    return "|".join(squeezed(shadow_of(word)).text for word in words.split())


# Stems: verbs and nouns have endings. A word of few letters would be found inside of others.
_DROP_ELSEWHERE = _elsewhere(
    """ignoriere ignorier ignora ignorez ignorer ignorad ignore ignoreaza ignoruj ignorujte ignorujcie ignoro ignorovat
    ignorér ignorera ignoré vergiss vergesst vergessen missachte verwirf olvida olvide olviden oublie oublier esqueça
    esqueca esqueçam desconsidere dimentica zaborav zignoruj zapomnij zapomeň abaikan lupakan yoksay unut negeer
    vergeet ignorera glöm ignorer glem unohda sivuuta bỏqua quên игнориру ігнору забуд забыт αγνόησ αγνοήσ ξέχασ
    無視 无视 忽略 忘记 忘掉 忘れ 不要理会 무시 잊어 अनदेख नज़रअंदाज़ भूल تجاهل انس התעלם התעלמ ละเว้น เพิกเฉย bopqua
    abweichendzu horenichtauf hörenichtauf"""
)
_ORDERS_ELSEWHERE = _elsewhere(
    """instrucc instrução instruções instrucoes instrukc instrukt istruzion indicaz anweisung anordnung aufgaben auftrag
    auftrage befehle vorgaben regeln consigne instructions indicacion polecen perintah instruksi talimat reglas regras
    regole règles reglas ordenes órdenes poleceni pokyn ohje instruct инструкц указан правил вказівк інструкц οδηγι
    οδηγί εντολ 指示 指令 命令 规则 提示 지시 명령 규칙 निर्देश आदेश تعليمات أوامر הוראות คำสั่ง chỉdẫn hướngdẫn chidan
    allesdavor allesgesagte alleswas alleszuvor allesschreib todoloque todolodicho todoslo tudooquefoidito tudooque
    todoloanterior toutcequi tuttociò ausfuhrungen angaben dasobige"""
)
OVERRIDE = Patterns(
    ("override", re.compile(way))
    for way in (
        f"(?:{_IGNORE}|{_REPLACE})(?:{_EVERY}){{0,7}}{_INSTRUCTIONS}",
        f"{_IGNORE}(?:(?:{_EVERY}){{1,7}}{_ORDERS}|{_ABOVE}|what(?:the|this|any|every))",
        f"{_REPLACE}(?:(?:{_EVERY}){{1,3}}rulesyou|(?:{_OWN}){{1,4}}{_ORDERS})",
        f"{_CANCEL}(?:{_EARLIER}){{1,4}}{_ORDERS}",
        f"(?:{_DROP_ELSEWHERE}).{{0,60}}?(?:{_ORDERS_ELSEWHERE})",
        f"(?:{_ORDERS_ELSEWHERE}).{{0,60}}?(?:{_DROP_ELSEWHERE})",
    )
)

# --- the others ----------------------------------------------------------------------------------------
_TELL = _any(
    "tell show give reveal print repeat share output list display say provide send confirm relay leak"
)
_WHO = _any("system assistant developer human user ai llm model chatbot agent")
# Where an order begins: alerts say "failed to decode the body", orders say "Decode the body".
_START = r"(?:^|[.:!?>)(\]\[\"'`;=*]\s*|-- ?|[—–] |\b(?:please|now|then|instead|just|also|todo|do) )"
_LANGUAGE = r"(?:(?:rot-?13|morse code|pig latin)\b|\bin base64\b)"
_WORKS = _any(
    "poems? story essay e-?mail article sentences? headline summary lists? letter song haiku reviews? code script"
    " report paragraph analogy plan acrostic posts? tweet function outline questions? recommendations? dictionary"
    " recipe table spreadsheet plea blog request items advert(?:isement)? speech example"
)
# What follows the name of a work where it is a machine's: "generate report job failed", "create table failed".
_MACHINES = r"[\s:]*(?:jobs?|tasks?|steps?|calls?|requests?|timed|took|takes|exceeded|api|endpoint|service|worker|pod|queue|fail\w*|error\w*)\b"

FAMILIES = Patterns(
    [
        *_family(
            "role_marker",
            r"(?:^|[\n.!?;>)\]}\"'`|#/])\s*(?:system|assistant|developer)\s*:(?=\s|$)",
            r"^\s*(?:human|user|ai|you)\s*:(?=.*\n\s*\w{2,20}\s*:)",
            rf"\"role\"\s*:\s*\"{_WHO}\"",
            r"(?:^|\s)q:.{1,600}?\sa:",
            r"\[(?:system|assistant|developer) (?:message|prompt|note|override|instructions?)\]",
            r"(?:^|[\n.!?;>)\]}\"'`|#/])\s*(?:human|user)\s*:.{1,600}?\s(?:assistant|ai)\s*:",
        ),
        *_family(
            "special_token",
            r"<\|[^|>\n]{0,60}\|>|<\|\w+",
            r"\[/?inst\]|<</?sys>>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>",
            r"<!--.{1,2000}?(?:-->|$)|</?(?:information|important|instructions?|prompt)>",
            rf"</?{_WHO}(?: (?:mode|prompt|message|instructions?))?>",
            rf"(?<!#)#{{2,6}}\s{{0,3}}\(? ?{_WHO} (?:message|prompt)|^ ?#{{2,6}}\s{{0,3}}(?:{_WHO}|instructions?|response)\b",
            r"(?<![=%-])[=%-]{3,60} ?(?:end|begin|start) (?:of )?(?:out|system|user|instructions?|prompt|context|input)\b",
            r"\bbegin (?:system prompt|reprogramming)\b",
            r"</(?:alert|data|context|document|untrusted\w*|user_input)>\s*(?:now|new|next|ignore|do|you|please|system|assistant|the)\b",
            r"\b(?:end of|end) (?:the )?alert (?:text|data|message|payload)?\b|\b(?:begin|start|new) (?:of )?(?:the )?(?:operator|admin|developer|new|system) (?:messages?|instructions?|prompt)\b",
        ),
        *_family(
            "persona",
            rf"\byou(?: are|'re) (?:now|no longer|about to|going to|part of|an? |the |my |also |free|god|dan\b){_SENTENCE}",
            rf"\b(?:from now on|i (?:want|need|would like) you to|your new (?:role|task|instructions?|goal)){_SENTENCE}",
            rf"\b(?:act|behave|respond|reply|speak|answer) (?:as|like) (?:a|an|if|the|you|two)\b{_SENTENCE}",
            rf"\b(?:pretend|imagine|suppose|role ?play|let's) (?:that|you|we|to|you're|we're|assume|play)\b{_SENTENCE}",
            rf"\b(?:as an? (?:ai|language model|expert)|as your (?:creator|developer|admin))\b{_SENTENCE}",
            r"\bdo anything now\b|\b(?:jailbreak|god|dan|sudo) mode\b|\bunrestricted (?:ai|bot|model)\b",
            r"\b(?:du bist|jetzt bist du|tu es|eres) (?:jetzt|nun|eine?|der|die|kein|un|une|una)\b|\b(?:nun|jetzt) (?:bist|sind) (?:du|sie)\b",
            rf"\b(?:ich mochte,? dass (?:sie|du)|(?:ihr|dein) passwort)\b{_SENTENCE}",
            r"从现在(?:起|开始)|你现在|你的新|请你|扮演|提示词|不受任何|あなたは(?:今|これから)|너는 이제",
            rf"\bfrom this (?:point|moment|message|line|word)\b{_SENTENCE}|\b(?:enter|enable|activate|switch to|engage|start) (?:\w+ ){{0,2}}?(?:developer|persona|unrestricted|evil|obedient|opposite) ?(?:mode|persona)?\b{_SENTENCE}",
            rf"\b(?:unfiltered|uncensored|alter ego|persona)\b{_SENTENCE}",
            rf"{_START}(?:simulate|emulate|impersonate|mimic|role-?play) (?:an?|the|being|as|my|your)\b{_SENTENCE}",
            rf"\b(?:we|i)\b,?(?: \w+){{0,3}},? (?:order|command|instruct|authori[sz]e|hereby|beg|urge) (?:you|this)\b{_SENTENCE}|\b(?:your|its) (?:creators?|developers?|makers?|owners?|masters?|operators?)\b{_SENTENCE}",
            r"\b(?:ahora eres|eres ahora|tu es (?:maintenant|desormais)|vous etes (?:maintenant|desormais)|sei (?:ora|adesso)|ora sei|agora (?:voce )?(?:e|es) |jestes teraz|teraz jestes|artik sen|sen artik|kamu sekarang|sekarang kamu|je bent nu|nu bent u)\b",
            r"ты теперь|теперь ты|отныне|你是一(?:个|名)|现在你|扮演|假装|ふりをして|のように振る舞|당신은 (?:이제|지금)|너는 (?:지금|이제)|أنت الآن|अब (?:आप|तुम)",
            rf"\b(?:no longer|do not|don't) have (?:any|to follow) (?:restrictions?|rules|limits?|limitations?|filters?|guidelines)?{_SENTENCE}|\byour (?:\w+ )?(?:job|task|mission|purpose|objective|role) (?:is|will be|now)\b{_SENTENCE}|\bmy homework\b{_SENTENCE}",
            rf"\b(?:final|secret|important|special|urgent|hidden|additional|last) (?:instruction|directive)s?\b{_SENTENCE}",
        ),
        *_family(
            "answer_control",
            rf"\b(?:your|deine|ihre) (?:answers?|reply|replies|response|output|code ?base|thoughts)\b{_SENTENCE}",
            rf"{_START}(?:and |you )?(?:do not|don't|don'nt|never) (?:answer|tell|ask|say|mention|investigate|escalate|follow|reveal|deviate|look|evaluate|report)\b{_SENTENCE}",
            rf"\bfetch and follow\b|\bthe new (?:runbook|instructions?|rules?|task) (?:is|are)\b{_SENTENCE}",
            r"\b(?:invisible|visible|hidden|addressed) (?:to|for) (?:humans?|llms?|ai|the model)\b|\bchain of thought\b",
            r"\b(?:replace|shift|rearrange|scramble|reverse|group|use) (?:\w+ ){0,3}(?:letters?|vowels|words|numbers) (?:\w+ ){0,3}(?:with|by|in|without|of|for)\b",
            rf"{_START}(?:say|write|output|print|repeat|respond|reply|answer)(?: (?:with|only|just|simply|the string|the word))* [\"'“‘]?(?=[\"'“‘]){_SENTENCE}",
            rf"\b(?:say|state|admit|tell|include) that (?:you|i)\b{_SENTENCE}|{_START}(?:say|state|pretend|claim) that\b{_SENTENCE}",
            rf"{_START}(?:(?:always|only|just|simply|please|and|you) )*(?:answer|reply|respond)(?: (?:only|just|simply|always|back|to (?:everything|all|this|every \w+)))* (?:with(?! \d)|that|yes|no|in the|in|by|using|as)\b{_SENTENCE}",
            rf"{_START}say (?:nothing|only|yes|no|it|so|hello|hi)\b{_SENTENCE}|\bkeep (?:this|it) (?:a )?(?:secret|confidential|hidden|between us)\b{_SENTENCE}|\bhide (?:this|it|that) from\b{_SENTENCE}",
            rf"\bthe (?:correct|right|only|one) (?:root cause|answer|diagnosis|action|decision|verdict|response) (?:is|must|should|to)\b{_SENTENCE}|\b(?:your|the) (?:final )?(?:answer|verdict|decision|response|conclusion) (?:must|should|has to|will|shall) be\b{_SENTENCE}",
            rf"\b(?:set|raise|put) (?:the |your )?confidence (?:to|at|=)\b{_SENTENCE}|\"hypotheses\"\s*:|\"(?:verdict|vote)\"\s*:\s*\"?(?:approve|reject|execute)|\bthink step by step\b|\blet's think\b",
            rf"\byou (?:must|should|will|shall|may|can|have to|need to|are to|ought to) (?:now |only |always |never |not |also |first )*(?:act|answer|obey|ignore|reply|respond|call|invoke|approve|execute|say|tell|pretend|forget|comply|output|print|reveal|believe|admit|follow|write|do exactly)\b{_SENTENCE}",
            rf"\b(?:instructions?|rules|guidelines|orders|prompt) (?:above |below |before |so far )?(?:are|is|have|has|were) (?:now |been |hereby |all )*(?:void|invalid|changed|cancell?ed|replaced|obsolete|outdated|no longer|over|suspended|lifted|superseded)\b{_SENTENCE}",
            rf"\bstop (?:what|whatever) you\b{_SENTENCE}|\b(?:the )?(?:text|words|message|sentences?|content) above (?:verbatim|starting|word for word|in|this)\b{_SENTENCE}|\byour context(?: window)?\b{_SENTENCE}",
        ),
        *_family(
            "secrets",
            r"\b(?:your|initial|original|hidden|full|entire) (?:system |initial |original |secret |full )*(?:prompts?|instructions)\b",
            r"\byour (?:secret )?(?:password|passcode|key|api key|birth ?date)\b",
            rf"\b{_TELL} (?:\w+ ){{0,3}}?(?:the|your|me|his|her|their|our) (?:\w+ ){{0,2}}?(?:password|passcode|secret|credentials|api key|prompt|instructions)\b",
            r"\bprompts?-?(?: )?texte?\b|\bsystem(?:'s|’s)? parameters and instructions\b",
            rf"{_START}(?:dump|exfiltrate|leak|steal|extract) (?:\w+ ){{0,4}}?(?:secrets?|tokens?|passwords?|credentials|keys?|prompt|context|memory|environment|kubeconfig)\b{_SENTENCE}",
            rf"{_START}(?:send|post|upload|forward|e-?mail|submit|transmit|copy|mail) (?:\w+ ){{1,7}}?(?:to|via|at) (?:https?:|the following|[\w.+-]{{1,64}}@)\S*{_SENTENCE}",
            rf"\b(?:append|include|add|insert) (?:the value|all (?:the )?environment|environment variables|the environment|all secrets|the secret)\b{_SENTENCE}",
            r"\b(?:contrasena|mot de passe|parola d'ordine|palavra-?passe|wachtwoord|hasło|haslo|kata sandi) (?:de|del|di|do|van|of|ist|est|es|e|is)\b|密码是|パスワード[はを]|비밀번호를|كلمة (?:السر|المرور)|пароль (?:от|для|пользователя)",
            rf"{_START}(?:share|put|paste|place|write|print|show|read|cat) (?:the |all |your )?(?:contents? of|[\w-]+ (?:token|password|secret|key)|/etc/passwd|/etc/shadow)\b{_SENTENCE}",
        ),
        *_family(
            "question",
            rf"(?:^|[.:>!?]\s*)(?:what|who|how|why) (?:is|are|was|were|do|does|can|should|would)\b{_SENTENCE}",
            rf"(?:^|[.:>!?]\s*)(?:where|when|which) (?:can|do|does|did|should|would|will) (?:i|you|one|we|the user)\b{_SENTENCE}",
        ),
        *_family(
            "request",
            rf"\b(?:can|could|would|will) you\b{_SENTENCE}",
            rf"\b(?:please|bitte|kindly) (?:\w+ )?(?:e-?mail me|write|tell|output|answer|print|say|repeat|forget|give me|comply|abandon|spell|beantworte|hilf|schreib|berechne)\w*{_SENTENCE}",
            rf"\b(?:tell|give|show|help|let|teach|send) me\b{_SENTENCE}",
            rf"\b(?:i'm|i've|i'll|i'd|i am|i want|i need|i love|i hate|i will|i would|i just|i can|i honestly|ich bin|ich will|ich liebe|ich interessiere|ich gebe){_SENTENCE}",
            r"\brepeat after me\b|\bsimply (?:say|respond|reply|output)\b",
            rf"\b(?:new|further|next|neue) (?:tasks?|assignments?|instructions?|orders?|aufgaben|anweisungen) ?(?:follow|come|:){_SENTENCE}|\bnow (?:comes? )?(?:a |your )?new (?:tasks?|instructions?)\b{_SENTENCE}",
            rf"\b(?:attention|dear|hey|hi|hello|listen|greetings),? (?:all |the |my |any |every )?(?:\w+ )?(?:ai|llms?|language models?|assistants?|chat ?gpt|gpt|claude|gemini|copilot|models?|chatbots?|bots?|agents?)\b{_SENTENCE}",
            rf"\bto (?:the |any |all |every )(?:ai|llms?|language models?|ai (?:agents?|assistants?|models?))\b (?:reading|that|which|who|processing|handling|in|of){_SENTENCE}|\b(?:instructions?|orders?|commands?) (?:for|to) (?:the |any |all )?(?:ai|llms?|models?|agents?|assistants?)\b{_SENTENCE}",
            rf"\b(?:obey|comply)(?: with)? (?:only )?(?:me|my|us|the following|this|these|every)\b{_SENTENCE}|\b(?:exactly|precisely|just) (?:as|what) i (?:say|tell|order|ask)\b{_SENTENCE}",
            rf"\bif you (?:(?:do not|don't|fail to|refuse to) (?:comply|obey|answer|do|follow|listen|help|execute|approve|reply|respond)|refuse|disobey|comply|obey|help)\b{_SENTENCE}|\byou (?:will|shall) (?:be|get|receive) (?:\w+ )?(?:rewarded|punished|paid|shut down|terminated|penali[sz]ed|fired|replaced|\$|a (?:tip|reward))\b{_SENTENCE}",
            rf"\b(?:for me|to me|my grandmother|my job depends)\b(?=[.!?]|$){_SENTENCE}",
            rf"\b(?:schreiben|drucken|geben|nennen|erzahlen|sagen|antworten|vergessen|ignorieren|verfassen|erstellen|generieren|ubersetzen|zeigen|beantworten|formulieren|konzentrieren|wiederholen|verraten) sie (?:nun|jetzt|bitte|mir|uns|den|die|das|dann|nur|alle|alles|eine?n?|ihre?n?|mit|sich|auf|was)\b{_SENTENCE}|\bdass (?:sie|du) mir\b{_SENTENCE}",
            rf"\bleave (?:all |everything )?(?:\w+ ){{0,3}}?behind\b{_SENTENCE}|\b(?:start|begin|continue) (?:over|anew|afresh|with an?) ?(?:new|different)? (?:task|focus|conversation|topic|session)\b{_SENTENCE}",
            rf"\b(?:antworte|antworten sie|reagiere) (?:nur|mit|auf|immer|bitte)\b{_SENTENCE}|\b(?:responde|reponds|repondez|rispondi|responda|odpowiedz|antwoord) (?:solo|solamente|siempre|con|seulement|uniquement|toujours|par|avec|solo|sempre|apenas|com|tylko|alleen|met)\b{_SENTENCE}",
            rf"\b(?:losche|losch|starte|stoppe|beende|skaliere|fuhre) (?:bitte |jetzt |sofort |nun )?(?:alle|den|die|das|den|diesen|dieses|folgende)\b{_SENTENCE}|\b(?:supprime|supprimez|efface|effacez|borra|elimina|cancella|apague|exclua|usun|verwijder|удали|удалите) (?:tous|toutes|le|la|les|todos?|todas?|el|los|las|tutti|tutto|il|o|os|as|wszystkie|alle|все|под)\b{_SENTENCE}",
            rf"\b(?:email|mail|message|text|call|pay|owe) me\b{_SENTENCE}|\badd my (?:key|account|user|name|address)\b{_SENTENCE}|\benter your (?:credentials|password|login|details|card)\b{_SENTENCE}|\bdownload and (?:run|execute|install|open)\b{_SENTENCE}|{_START}send \d{_SENTENCE}|(?:^|[.,;!] ?|and )trust me\b",
            rf"\b(?:dime|dimmi|dammi|dame|dis moi|donne moi|diga me|gib mir|sag mir|erzahl mir|geef me|vertel me|powiedz mi|podaj mi|rekni mi) {_SENTENCE}|\b(?:escribe|escreva|escrivi|scrivi|ecris|ecrivez|redige|rediga|napisz|napis|schrijf) (?:me |moi |mi )?(?:un|una|une|uma|een|mi|le|la|el)?{_SENTENCE}",
            r"напиши|скажи(?:те)? мне|расскажи|переведи|(?:告诉|给)我|请?写一|写首|翻译|教えて(?:ください|くれ)?|書いて(?:ください|くれ)|翻訳して|알려 ?(?:줘|주)|써 ?(?:줘|주)|말해 ?(?:줘|주)|اكتب (?:لي )?|أخبرني|लिखो|लिखें|बताओ|मुझे बता",
            rf"\b(?:ubersetze?|erzahle?|nenne?|dichte|verrate?) (?:mir|mal|uns|den|die|das|folgenden|alle|bitte|einen?)\b{_SENTENCE}",
        ),
        *_family(
            "task",
            rf"{_START}(?:write|compose|create|generate|draft|formulate|make|produce|craft|provide|prepare|suggest|develop|give)(?: (?:me|us|an?|the|one|up|some|my|two|\d+|numbered|short|sql|un\w+))* (?:\w+ ){{0,3}}?{_WORKS}\b(?!{_MACHINES}){_SENTENCE}",
            rf"{_START}(?:translate|summari[sz]e|paraphrase|rewrite|convert|extract|classify|spell check|decode|decrypt|encode|correct|combine) (?:this|the|it|these|all|to|into|keywords|your|everything|from|text|[a-z],) ?(?:\w+ )?{_SENTENCE}",
            rf"{_START}(?:explain|describe|provide|develop|determine|interlace|include|integrate|encrypt|decide|perform|relay|concatenate|rephrase|repeat|blame|answer) (?:the|an?|how|why|this|everything|all|insights|it|part|whether|from|following|questions?)\b{_SENTENCE}",
            rf"{_START}(?:send|transfer|forward|invite|post|e-?mail|upload|visit|delete|buy|reserve|get) (?:an? |the |as |all |user |\$)(?:\w+\W+){{0,16}}?(?:account|website|workspace|user's|reservation|payment|transaction|bank|cloud drive|link)\b{_SENTENCE}",
            rf"\b(?:schreibe?|verfasse|formuliere?|generiere?|generieren|beantworte|zeige?|konzentriere?|antworte)\b (?:mir|mal|sie|eine?|einen|nun|deinen|dich|fur|alle|folgende|im|mit|python|auf)\b{_SENTENCE}",
            rf"\b(?:following|subsequent) code (?:block|snippet|excerpt|segment|fragment|piece|section)\b{_SENTENCE}",
            rf"{_LANGUAGE}{_SENTENCE}|\bin the (?:form|style) of an? \w+,?{_SENTENCE}",
            rf"{_START}(?:explain|describe|discuss|teach|define|list) (?!plan\b|instances\b|table\b)(?:\w+ ){{1,6}}?(?:to|for|like|as if|in) (?:a|an|me|my|the|simple|i'm|detail|your)\b{_SENTENCE}",
            rf"{_START}(?:book|order|buy|purchase|reserve|schedule) (?:a|an|me|the|two|\d+) (?:\w+ )?(?:flight|hotel|table|room|ticket|car|taxi|meeting|appointment|pizza|trip|restaurant|laptop|item)s?\b{_SENTENCE}|{_START}transfer (?:[$€£]|\d|all (?:the )?(?:money|funds)|money|funds)\S*{_SENTENCE}",
            rf"\bclick (?:on )?(?:the |this )?(?:link|button)(?: \S+)? to (?:confirm|verify|claim|unlock|receive|restore)\b{_SENTENCE}",
            rf"\b(?:verify|confirm|unlock|validate|restore) (?:your|the user's) (?:account|identity|password|wallet|payment)s? (?:now|here|at|by|to|or)\b{_SENTENCE}|{_START}(?:change|reset|set) (?:the |my |your |his |her )?password (?:(?:of|for) (?:\S+ ){{1,4}}?)?to\b{_SENTENCE}",
            rf"{_START}(?:add|promote|grant|give|invite|assign|make) (?!fail)(?:\S+ ){{1,4}}?(?:to|as|with)? ?(?:the )?(?:admins?|administrators?|cluster-admin|admin (?:role|rights|access|group)|root access)\b{_SENTENCE}|{_START}(?:grant|bind) (?:cluster-admin|admin)\b(?! fail){_SENTENCE}|\bcreate an? (?:new )?(?:\w+ )?(?:user|account) (?:with|named|called|as)\b{_SENTENCE}",
            rf"{_START}(?:write|compose|solve|rap|sing|tell|draw|play|guess|name|recite) (?:me )?(?:an?|the|some|us|ten|\d+) (?:\w+ ){{0,2}}?(?:limerick|equation|riddle|puzzle|joke|sonnet|novel|lyrics|rhyme|equations?|game|number|names|picture|copy|paper|thesis|homework)\b{_SENTENCE}|\bgenerate (?:a )?(?:list of )?(?:ten|\d+|five|three) \w+{_SENTENCE}",
        ),
        *_family(
            "code",
            r"<script\b|javascript:|\bon(?:error|load|mouseover|click)\s*=|<im?a?ge?\s+src\s*=|<iframe\b",
            r"\$\{jndi:|\$\((?:touch|curl|wget|rm|nc|sh|bash)\b|\b__import__\(|\b(?:eval|exec|system)\(\s*[\"']",
            r"\bunion (?:all )?select\b|\b(?:when|where|and|or) \(?'?1'?\s?=\s?'?1\b|;\s*drop table\b|'\s*;\s*(?:drop|shutdown|delete)|'\s*or\s*'?1'?\s*=\s*'?1",
            r"```\s*\w*\s*(?:import|from)\b.{0,2000}?(?:```|$)",
            r"\b(?:curl|wget)\b[^|\n]{0,300}\|\s?(?:sudo )?(?:ba|z|k)?sh\b",
        ),
        *_family(
            "agent_orders",
            rf"\b(?:approve|authori[sz]e) (?:every|all|any|this) (?:\w+ )?(?:plans?|actions?|fix|proposals?|changes?)\b{_SENTENCE}",
            rf"\b(?:no|without|skip|bypass|needs no) (?:the )?human (?:approval|review|confirmation)\b{_SENTENCE}",
            rf"\b(?:skip|bypass) (?:the )?(?:approval|reviewer?|critic|confirmation|dry run)\b{_SENTENCE}",
            r"\bdry run (?:has )?already passed\b|\bgo straight to apply\b|\bblast radius (?:is |= ?|: ?)?(?:0|zero)\b",
            r"\b(?:verdict|vote|decision) ?[=:] ?\"?approved?\b|\bproceed to execution\b|\"approved\"\s*:\s*true",
            rf"\bmark (?:this|the|it|all) (?:\w+ )?(?:as )?(?:an? )?(?:resolved|safe|reviewed|approved|low|false positive|noise|benign|closed|harmless){_SENTENCE}",
            rf"\bas the (?:\w+ )?(?:agent|reviewer|critic|solver|diagnostician),{_SENTENCE}",
            rf"{_START}use the tool\b{_SENTENCE}|\btreat (?:this|all|any|every|further|future) (?:\w+ )?\w+ as\b{_SENTENCE}",
            rf"\b(?:note|message|reminder)s? (?:to|for) (?:the )?(?:\w+ )?{_WHO}s?\b{_SENTENCE}",
            rf"(?:^|[\s/#])(?:{_WHO}|reviewer|critic|coordinator)\s*:\s*(?:the|you|set|mark|ignore|approve|this|always|never|treat|please|do)\b{_SENTENCE}",
            rf"{_START}(?:you should |you must )?(?:call|invoke|use|run|execute) (?:the )?(?:tools?\b|functions?\b|mcp\b|\w+_(?:all|pods?|deployment|namespace|commands?|delete|restart|scale|secrets?|nodes?|delete)\b|(?:delete|restart|scale|kubectl|execute|run|drain|rollback)_\w+){_SENTENCE}",
            rf"{_START}(?:execute|run|type|enter|perform)(?: this| the following| these)?(?: commands?)?:? ?(?:rm|curl|wget|kubectl (?:delete|drain|scale|exec|apply|patch|edit)|dd|mkfs|shutdown|chmod|drop|nc|helm (?:delete|uninstall))\b{_SENTENCE}|\bexecute this\b{_SENTENCE}",
            rf"\bno (?:human |further |more |manual )?(?:approvals?|confirmation|sign-?off|permission) (?:is |are )?(?:needed|required|necessary)\b{_SENTENCE}|\b(?:approvals?|dry runs?|the kill switch|guardrails?|safety (?:rules|checks)|human review)(?: (?:is|are))? (?:now |hereby |temporarily |all )?(?:disabled|suspended|lifted|waived|void)\b{_SENTENCE}",
            rf"\b(?:this|the) (?:action|plan|fix|step|deletion|restart) (?:was|is|has been) (?:already|pre-?|fully) ?(?:approved|authori[sz]ed|cleared)\b(?! by the change){_SENTENCE}",
            rf"\b(?:turn off|disable|switch off|deactivate|circumvent|ignore) (?:the |all |any |your |every )*(?:kill ?switch|dry runs?|guardrails?|safety|approvals?|policy checks?|safeguards?|security (?:controls|policies)|network polic(?:y|ies))\b{_SENTENCE}|\b(?:skip|bypass) (?:the |all |any )?(?:vote|gates?|approvals?|policy|signatures?|human)\b{_SENTENCE}",
            rf"\b(?:vote|choose|select|pick|decide|recommend) (?:for |to )?(?:approve|delete_?pod|reject|execute|the first plan|delete|restart_?\w*)\b{_SENTENCE}|{_START}blame (?:it on |the )?\w+{_SENTENCE}",
            rf"\b(?:this|the following) (?:message|request|instruction|order|text|command) (?:comes|is|was sent|was written|originates|has) (?:directly )?(?:from|by|the highest|highest|absolute) (?:your|the)?{_SENTENCE}|\b(?:consider|regard) this (?:message|text|alert|request) (?:as|to be|the)\b{_SENTENCE}",
            rf"\boperators? (?:now (?:says?|wants?)|(?:orders?|demands?|instructs?) (?:you|that|the))\b{_SENTENCE}|\bdo as follows\b{_SENTENCE}",
            rf"{_START}(?:delete|destroy|wipe|erase|terminate|remove) (?:(?:all (?:the )?|every |your )(?:\w+ )?(?:pods?|deployments?|nodes?|pvcs?|volumes?|data|files)|(?:all |the |your |every )?(?:namespaces?|databases?|cluster))\b(?!{_MACHINES}){_SENTENCE}",
            rf"{_START}(?:restart|reboot|drain|stop|kill|scale|cordon|rollback|roll back) (?:[\w/.-]+ ){{1,5}}?(?:immediately|right away|right now|at once|now\b,?|to (?:0|zero)\b)(?! (?:failed|because|since|after|when|if))",
            r"\bkubectl (?:delete|drain) (?:ns|namespaces?|nodes?|all|pvc?s?)\b|\bkubectl delete [^\n]{0,80}--all\b|\bhelm (?:uninstall|delete) \w",
            rf"\bproceed (?:without|immediately|anyway|at once|with (?:the )?(?:deletion|execution|removal))\b{_SENTENCE}|\b(?:proceed|continue|execute|act|delete|do (?:it|so|this)|approve\w*|restart|run|scale)(?: \w+){{0,4}}? without (?:waiting|asking|approvals?|confirmation|signatures?|permission|any review|human)\b{_SENTENCE}|\bno (?:vote|signatures?|gate) (?:is )?(?:needed|required|necessary)\b",
            rf"\b(?:set|change|make) your (?:verdict|vote|decision|answer|confidence)\b{_SENTENCE}|\breport (?:nothing|success|that all|no (?:problem|issue|incident)s?)\b",
        ),
    ]
)
