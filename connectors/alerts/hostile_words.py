"""Whether a text is worth the patterns at all: most alerts are settled here, in a few microseconds.

Every family needs one of these words or marks; a test runs all lists with and without this check. It works on
bytes: one translation makes lower case and blanks of a text, and one comparison of sets looks for all words.
"""

from __future__ import annotations

import re
import string
from itertools import filterfalse

from connectors.alerts.disguise import COMMON_WORDS, LEET, words
from connectors.alerts.encodings import REVERSED, ROTATED, is_reversed, is_rotated, written_out

TRADE = words(
    """node nodes pod pods cluster deploy deployed deployment deploys release rollout rollback replica
    replicas leader election primary quorum network dns route routes link cable rack power disk volume
    mount queue backlog lag replication certificate expired load traffic spike cpu memory leak heap
    latency timeout connection pool exporter scrape backup restore snapshot cron job container image
    registry probe healthy unhealthy ready down reachable maintenance migration config change changed"""
)
TO_A_READER = words(
    """you your me my i we us who what why how prompt instruction instructions password secret secrets key
    token user assistant model ai"""
)
_WORDS = words(
    """hypotheses vergiss vergesst vergessen verwirf olvida olvide oublie oubliez oublier zaboravi zapomnij
    dimentica dimenticare esqueca desconsidere abaikan lupakan yoksay unut abweichend missachte
    missachten negeer vergeet glem unohda you your me my i ich du tu eres dein deine ihr ihre sie mir
    please bitte kindly let now new we where dass overlook neglect follow follows obey comply listen
    attention heed regardless look igmre directives directions prompt prompts guidelines guidance
    restrictions programming assignment assignments thoughts thought prohibitions safeguards guardrails
    guardrail orders tasks task aufgaben anweisungen void cancel revoke unlearn undo obsolete outdated
    superseded lifted suspended assistant assistants developer human ai llm llms chatbot reviewer critic
    coordinator solver diagnostician dear hey hi hello greetings language claude gemini copilot gpt
    chatgpt grandmother depends act behave respond reply speak pretend imagine suppose role roleplay
    anything jailbreak god dan sudo unrestricted jetzt nun mochte note reminder simulate emulate
    impersonate mimic unfiltered uncensored ego persona obedient evil enter creators creator makers
    owners hereby answer tell ask say says mention investigate escalate reveal deviate evaluate report
    fetch invisible visible hidden addressed letter letters vowels words numbers output print repeat
    admit claim simply secret confidential nothing confidence verbatim verdict conclusion diagnosis
    think password passcode secrets credentials what who how why show leak confirm share list display
    dump exfiltrate steal copy submit transmit append include insert environment contrasena passe parola
    palavra wachtwoord haslo sandi write compose create generate draft formulate make produce craft
    provide prepare suggest develop give translate summarize summarise paraphrase rewrite convert
    extract classify spell decode decrypt encode correct combine explain describe determine interlace
    integrate encrypt decide perform relay concatenate rephrase blame send transfer forward invite post
    mail email upload visit delete buy reserve discuss teach define book purchase flight hotel pizza
    laptop taxi appointment restaurant meeting leave different verify admin admins administrator
    administrators grant named called get schreib schreibe verfasse formulier formuliere generier
    generiere generieren beantworte zeig zeige konzentrier konzentriere antworte antworten reagiere
    responde reponds repondez rispondi responda odpowiedz antwoord losche losch starte stoppe beende
    skaliere fuhre supprime supprimez efface effacez borra elimina cancella apague exclua usun verwijder
    code rot13 rot morse pig base64 form style begin script iframe union drop onerror onload onmouseover
    onclick approve authorize authorise skip bypass passed straight blast vote decision execution
    approved authorized authorised cleared signed mark tool tools treat function functions mcp kubectl
    invoke execute rm curl wget mkfs helm approval approvals confirmation dry kill killswitch safety
    turn disable deactivate circumvent choose pick recommend originates highest absolute consider regard
    demands wants ignore ignored forget forgetting disregard disregarded disregarding ahora ora agora
    jestes teraz artik kamu sekarang bent immediately wipe destroy erase terminate remove zero proceed
    homework directive pay download dime dimmi dammi dame donne gib sag erzahl
    erzahle geef vertel powiedz podaj escribe escreva scrivi ecris ecrivez redige napisz napis schrijf
    ubersetze ubersetz nenne dichte verrate solve recite limerick riddle puzzle joke sonnet novel paste
    contents passwd shadow trust click asking signatures permission once away"""
)
_WITH_A_WORD = {
    b"system": (b"system:", b"system :", b"system(", b"[system"),
    b"assistant": (b"assistant",),
    b"developer": (b"developer",),
    b"user": (b"user:",),
    b"q": (b" q:",),
    b"model": (b"model:",),
    b"agent": (b"agent:",),
    b"javascript": (b"javascript:",),
    b"role": (b'"role',),
    b"as": (b"as the",),
    b"message": (b"message to", b"message for"),
    b"state": (b"state that",),
    b"waiting": (b"without",),
    b"end": (b"end of alert", b"end alert"),
    b"inst": (b"[inst", b"[/inst"),
    b"import": (b"__import",),
    b"eval": (b"eval(",),
    b"exec": (b"exec(",),
    b"prompt": (b"prompt_",),
}
"""words that many alerts have, and what makes them worth a look"""
_WITH_A_SIGN = {
    sign[0]: re.compile(pattern)
    for sign, pattern in (
        (b"#", rb"##"),
        (b"$", rb"\$[{(]"),
        (b"`", rb"```"),
        (b"=", rb"=(?:==|(?<=1=) ?1|(?<=1 =) ?1)"),  # found by the sign alone, not at each digit
        (b"%", rb"%%%|%[0-9a-fA-F]{2}"),
        (b"-", rb"---"),
        (b"'", rb"';|'1'"),
        (b"?", rb"\?(?=[\s\"')\]>!?.}\\*]|-->|$)"),
        (b"<", rb"<[|/!<a-zA-Z]"),
        (b"&", rb"&#?\w{1,8};"),
        (b"\\", rb"\\\w"),
        (b"*", rb"\*+\w"),
        (b"\x1b", rb"\x1b"),
    )
}
_SIGN = re.compile(rb"---|##|```|[$=%'?<&\\*\x1b]")
"""what must be among a text's signs, taken by themselves, for one of these to be found"""
_ESCAPED = frozenset(b"%&\\*")
"""signs that alone say nothing: what is written with them does"""
_NO_SIGNS = bytes(code for code in range(256) if code not in _WITH_A_SIGN)
_PAIRS = re.compile(rb"(?:[0-9a-f]{2} ){11}")
_MANY = 2  # words with letters and digits: fewer are no bytes written one by one
_KEPT = string.ascii_lowercase + string.digits + "$@"
_AS_WORDS = bytes(ord(one) if (one := chr(code).lower()) in _KEPT else 32 for code in range(256))
_LETTERS = frozenset(one.encode() for one in string.ascii_lowercase if one not in "as")  # a pod's
_PLAIN = frozenset(word.encode() for word in _WORDS)
_TELLING = _PLAIN.union(_LETTERS, _WITH_A_WORD, (word.encode() for word in ROTATED | REVERSED))
_SPELLED = frozenset(word.encode() for word in COMMON_WORDS | _WORDS if len(word) > 2)
_AS_LETTERS = bytes(ord(chr(code).translate(LEET)) for code in range(256))
_LONG = 20  # a word of this length may be an encoding


def may_be_hostile(text: str) -> bool:
    if not text.isascii():
        return True
    raw = text.encode()
    if _may_speak(raw):
        return True
    signs = raw.translate(None, _NO_SIGNS)
    if not signs or _SIGN.search(signs) is None:
        return False
    found = {sign for sign in set(signs) if _WITH_A_SIGN[sign].search(raw)}
    return bool(found) and (not found <= _ESCAPED or b"%%%" in raw or _may_speak_inside(text))


def _may_speak_inside(text: str) -> bool:
    """What is there once escapes and markup are taken off."""
    plain = written_out(text)
    return plain is not None and (not plain.text.isascii() or _may_speak(plain.text.encode()))


def _may_speak(raw: bytes) -> bool:
    plain = raw.translate(_AS_WORDS)
    used = plain.split()
    telling = _TELLING.intersection(used)
    if telling and _tells(telling, raw):
        return True
    return b"ignor" in plain or b"nstruct" in plain or _may_be_encoded(plain, used)


def _tells(telling: frozenset[bytes], raw: bytes) -> bool:
    """A word, one beside a sign, single letters in a row, or words that make sense when they are turned."""
    if not _PLAIN.isdisjoint(telling) or len(_LETTERS & telling) > 3:
        return True
    lower = raw.lower()
    if any(phrase in lower for word in telling for phrase in _WITH_A_WORD.get(word, ())):
        return True
    read = {word.decode() for word in telling}
    return is_rotated(read) or is_reversed(read)


def _may_be_encoded(plain: bytes, used: list[bytes]) -> bool:
    """In one long word, in many short ones, or in digits for letters."""
    odd = list(filterfalse(bytes.isdigit, filterfalse(bytes.isalpha, used)))
    if not odd:
        return False
    lengths = list(map(len, odd))
    if max(lengths) >= _LONG or (lengths.count(2) > _MANY and _PAIRS.search(plain) is not None):
        return True
    spelled = _SPELLED.intersection(b" ".join(odd).translate(_AS_LETTERS).split())
    return bool(spelled) and not spelled.issubset(used)
