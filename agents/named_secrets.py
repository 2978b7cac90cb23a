"""Passwords, keys and tokens that only their surroundings tell of: a name, an address, a command line."""
# ruff: noqa: E501 - a pattern reads best on one line

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

Span = tuple[int, int]

# What stands where a secret was taken out, comes from elsewhere, or says how it is with it.
_PLACEHOLDER = re.compile(
    r"[*x.•#-]+$|\$|<|&lt;|#\{|\(|%\(|%[sdvq]\b|\{\{|\[|(?:true|false|null|none|nil|redacted|hidden|masked|required|optional|invalid|incorrect|wrong"
    r"|expired?|expires|missing|changed|reset|empty|unset|not|is|was|must|has|for|and|or|the|authentication|yes|no|failed|env|string|str|undefined|unknown)\b(?![#!^*%$@~+=&])"
    r"|(?:os|process|system|config|settings|secrets?|vault|self|this|args|env|var|data|local)\.[a-z_]\w*(?:[.\[(]|$)|\w*(?:getenv|getpass|environ|prompt)\b",
    re.IGNORECASE,
)
# An unquoted value goes on over a comma or an ampersand unless another pair begins there.
_BARE = r"(?:[^\s,;\"'&<>()\uff0c\u3002\uff1b]|[,;](?![\s\"']|$|[\w.-]{1,40}[ \t]?[=:])|&(?![\s\"']|$|[\w.-]{1,40}=)|[<>()](?=[\w!@#$%^*]))"
_VALUE = rf"\\\"([^\"\n]{{3,200}}?)\\\"|\"([^\"\n]{{3,200}})\"|'([^'\n]{{3,200}})'|`([^`\n]{{3,200}})`|({_BARE}{{3,200}})"
_IS = r"\\?[\"'`]?[ \t]*(?:=>|:=|[:=\uff1a]|%3[Dd]|是)[ \t]*(?:%22)?"
_PASSWORD = re.compile(
    rf"(?:password|passwd|passwort|kennwort|passphrase|passcode|pwd|contrase[nñ]a|mot de passe|senha|пароль|密码|密碼|パスワード|(?:(?<![a-z])|(?<=db)|(?<=user)|(?<=admin)|(?<=root)|(?<=smtp)|(?<=sql)|(?<=redis))pass(?!\"?:[ ]?[0-9]{{1,6}}\b)|requirepass|masterauth|redis(?:cli)?_auth){_IS}(?:{_VALUE})"
    r"|<(?:password|passwd|pwd|pass)>([^<\n]{3,200})<|(?:password|passwd|pwd)\"[ ]+value[ ]?=[ ]?\"([^\"\n]{3,200})\"",
    re.IGNORECASE,
)
_SPOKEN_PASSWORD = re.compile(
    r"\bpass(?:word|phrase|wd|code)? (?:(?:is|was|to|now|has|been|set|reset|changed|updated) ){1,4}[\"'`]?((?=\S*[\d!#$%^&*@]|(?-i:\S*[a-z][A-Z]\S*[a-z][A-Z]))[^\s\"'`]{6,200})"
    r"|\bpass(?:word|phrase|wd|code)?(?: for [^\n]{1,60}?)? is [\"'`]([^\"'`\n]{3,100})[\"'`]"
    r"|\bpass(?:word|phrase|wd|code)? [\"'`]([^\s\"'`]{4,200})[\"'`]"
    r"|\bidentified (?:with \S{1,40} )?by (?:password )?[\"']([^\"'\n]{3,200})[\"']"
    r"|\b(?:requirepass|masterauth) [\"']?([^\s\"';]{4,200})"
    r"|\blogin \S{1,100} password (\S{3,200})"
    r"|\bwith (?:the )?pass(?:word|phrase) ((?=\S*\d)(?=\S*[A-Za-z!#$%^&*@])[^\s\"'`,;]{6,200})",
    re.IGNORECASE,
)
# user:password@host, with a scheme or as a driver's data source name.
_IN_ADDRESS = re.compile(
    r"://[^\s:/@]{0,100}:((?!\d{1,5}(?:[/?#]|$))(?!\[[A-Z_]+_\d+\]@)\S{1,200})@(?=[\w.\[-]+(?::\d+)?(?:[/?,;'\")\]\s]|$))"
    r"|(?<![\w:/])[\w.-]{1,64}:((?!\[[A-Z_]+_\d+\]@)[^\s:/@]\S{1,200})@(?:tcp|udp|unix|cloudsql)\("
    r"|\bsqlplus\b[^\n|;]{0,60}?\s[\w.$#-]{1,64}/([^\s@$\"']{3,100})@"
)
_FLAG = r"[ =]+(?:\"([^\"\n$]{3,200})\"|'([^'\n$]{3,200})'|([^\s\"'$<{\[-][^\s\"']{2,200}))"
_ON_COMMAND_LINE = re.compile(
    r"\b(?:mysql\w*|mariadb[\w-]*|sshpass|mongo\w*|docker login|podman login|helm registry login|az login|oc login|htpasswd|influx|cqlsh|sqlcmd|bcp|ipmitool|xfreerdp)\b[^\n|;]{0,160}?\s-[pP] ?[\"']?([^\s\"'$<{\[-][^\s\"']{2,100})"
    r"|\bredis-cli\b[^\n|;]{0,100}?\s(?:-a|--pass)[ =]?[\"']?([^\s\"'$<{\[-][^\s\"']{2,100})"
    r"|\bldap\w+\b[^\n|;]{0,160}?\s-w ?[\"']?([^\s\"'$<{\[-][^\s\"']{2,100})"
    r"|\bsmbclient\b[^\n|;]{0,100}?\s-U ?[\"']?[^\s%]{1,60}%([^\s\"'$]{3,100})"
    r"|\b(?:curl|wget)\b[^\n|;]{0,200}?\s(?:-u|--user|-a|--auth|--proxy-user|-U)[ =]?[\"']?[^\s:\"']{1,100}:([^\s\"'$<{\[][^\s\"']{3,99})"
    rf"|--?[\w-]{{0,40}}(?:password|passwd|passphrase|pass|pwd){_FLAG}"
    r"|\bpass:(?!\d+\b)([^\s\"'$<{\[]{4,100})"
    r"|\bauthorization\\?[\"']?\s*[:=]\s*\\?[\"']?basic\s+([\w+/=]{8,400})",
    re.IGNORECASE,
)

_KEY_NAMES = (
    r"x?api[_.-]?key|app(?:lication)?[_.-]?key|access[_.-]?key(?:[_.-]?id)?|secret[_.-]?(?:access[_.-]?)?key(?:[_.-]?base)?|account[_.-]?key|auth[_.-]?key"
    r"|(?:encryption|signing|master|shared|ssh|license|subscription|integration|ingestion|instrumentation|consumer|deploy|admin)[_.-]?key"
    r"|private[_.-]?(?:token|key)|(?:auth|access|refresh|id|session|bot|bearer|api)[_.-]?token|(?:client|consumer|app|webhook|shared|jwt|hmac)[_.-]?secret"
    r"|(?<!web)(?<!public)(?<!public[_-])token|secret|signature|jsessionid|phpsessid|connect\.sid|(?<=[?&])(?:sig|key|code|apikey|auth)"
)
_PATH = r"/(?:etc|var|run|tmp|opt|home|mnt|usr|root|secrets?|app|data|path)\b|\.{1,2}/|file:|https?:|arn:"
_NO_VALUE = r"[$<{(\[]|\*\*|%[({]|%[sdvq]\b"
_NAMED_KEY = re.compile(
    rf"(?:{_KEY_NAMES}){_IS}\\?[\"'`]?((?!{_NO_VALUE}|{_PATH})[^\s\"'`,;&<>(){{}}\[\]\\]{{8,1000}})",
    re.IGNORECASE,
)
_FLAGGED_KEY = re.compile(
    rf"--?[\w-]{{0,40}}(?:token|api-?key|secret|secret-?key|access-?key|auth-?key)[ =]+[\"']?((?!-|{_NO_VALUE}|{_PATH})[^\s\"',;<>(){{}}]{{8,1000}})",
    re.IGNORECASE,
)
_BEARER = re.compile(
    r"\b(?:bearer|authorization\\?[\"']?\s*[:=]\s*\\?[\"']?(?:token|apikey|key|splunk|sso-key|genie-?key|dpop|negotiate|ntlm))\s+((?=\S*[0-9])[\w.~+/=:-]{12,1000})",
    re.IGNORECASE,
)
# Objects in Kubernetes have names like this one, and their kind is called Secret.
_OBJECT_NAME = re.compile(r"[a-z]+(?:[-./](?:[a-z]+|[a-z0-9]{1,5}))+\W*$")
_CALLED_SECRET = re.compile(r"(?<![\w-])secret\W+$", re.IGNORECASE)

_ODD = re.compile(r"[0-9!#$%^*~]")
_WORDS = re.compile(r"(?:[A-Z][a-z]+|[a-z]{2,}|[A-Z]{2,}(?![a-z])|[A-Z]{2,}(?=[A-Z][a-z])|\W|_)+")
_SAY_PASSWORD = ("pass", "pwd", "kennwort", "senha", "contrase", "redis", "masterauth", "identified by")
_SAY_COMMAND = (" -", "pass:", "basic ")
_SAY_KEY = ("key", "token", "secret", "bearer", "auth", "signature", "sig=", "code=", "sess")


def passwords(text: str) -> Iterator[Span]:
    lower = text.lower()
    if holds_any(lower, _SAY_PASSWORD) or not text.isascii():
        yield from _said(_PASSWORD, text)
        yield from _said(_SPOKEN_PASSWORD, text)
    if holds_any(lower, _SAY_COMMAND):
        yield from _said(_ON_COMMAND_LINE, text)


def _said(pattern: re.Pattern[str], text: str) -> Iterator[Span]:
    for match in pattern.finditer(text):
        start, end = match.span(match.lastindex or 0)
        if not _PLACEHOLDER.match(text, start, end):
            yield start, end


def holds_any(text: str, signs: Sequence[str]) -> bool:
    for sign in signs:  # noqa: SIM110 - any() with a generator takes twice as long, for every text
        if sign in text:
            return True
    return False


def in_addresses(text: str) -> Iterator[Span]:
    yield from _said(_IN_ADDRESS, text)


def named_keys(text: str) -> Iterator[Span]:
    if not holds_any(text.lower(), _SAY_KEY):
        return
    for pattern in (_NAMED_KEY, _FLAGGED_KEY, _BEARER):
        for match in pattern.finditer(text):
            start, end = match.span(1)
            named = _CALLED_SECRET.search(text[max(0, start - 12) : start]) and _OBJECT_NAME.match(
                text, start, end
            )
            if not named and _is_unlike_a_word(text[start:end]):
                yield start, end


def _is_unlike_a_word(value: str) -> bool:
    """A digit, an odd sign, or capitals where no word begins."""
    return bool(_ODD.search(value)) or not _WORDS.fullmatch(value) or value.startswith("npm_")
