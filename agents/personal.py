"""Where personal and secret values stand in a text.

Kubernetes names, versions, timestamps and image hashes are no personal values and stay readable.
In doubt a value is covered: a label too many costs a reader a moment, one too few cannot be taken back.
"""
# ruff: noqa: E501 - a pattern reads best on one line

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

Finding = tuple[int, int, str]  # start, end, kind
_Search = Callable[[str], Iterator[Finding]]

IP, EMAIL, UUID, API_KEY, JWT, PASSWORD, PRIVATE_KEY = (
    "IP", "EMAIL", "UUID", "API_KEY", "JWT", "PASSWORD", "PRIVATE_KEY",
)  # fmt: skip
KINDS = (IP, EMAIL, UUID, API_KEY, JWT, PASSWORD, PRIVATE_KEY)
FORGED = "FORGED"  # a label that the sender wrote: it must not be taken for one of ours

_NOT_IN_WORD = r"(?:(?<![\w.])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"  # a word may begin after %22 in an address
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(
    rf"{_NOT_IN_WORD}(?<!version )(?!(?<=[A-Za-z]/)[0-9]+\.0\.0\.0\b)(?:{_OCTET}\.){{3}}{_OCTET}(?:/[0-9]{{1,2}}(?![0-9]))?(?![\w])(?!\.[0-9])"
    rf"|{_NOT_IN_WORD}(?:10|127|192\.168|172\.{_OCTET}|10\.{_OCTET})\.{_OCTET}\.{_OCTET}(?=\.[0-9]\b)"
)
_IPV6 = re.compile(
    r"(?<![\w:.])(?=[0-9A-Fa-f.]{0,15}:[0-9A-Fa-f.]{0,15}:)[0-9A-Fa-f:.]{2,45}(?:%[\w-]{1,20})?(?:/[0-9]{1,3}(?![0-9]))?(?![\w:])"
)
_EMAIL = re.compile(
    r"(?<![\w.+'-])[\w.+'&^~-]{1,64}(?:@|%40)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+(?!service\b|socket\b|timer\b|mount\b|target\b|slice\b|scope\b)[^\W\d_][\w-]{1,30}"
)
_UUID = re.compile(r"(?<![\w-])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![\w-])")
_JWT = re.compile(r"(?<![\w.-])eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*){0,3}")
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----.*?(?:-----END [^-]{0,60}-----|\Z)", re.DOTALL
)
_FORGED = re.compile(rf"\[(?:{'|'.join(KINDS)})_[0-9]+\]")

# --- passwords: what a name, an address or a command line says is one ----------------------------------
_PLACEHOLDER = re.compile(
    r"[*x.•-]+$|\$|<|%\(|\{\{|\[|(?:true|false|null|none|nil|redacted|hidden|masked|required|invalid|incorrect|wrong"
    r"|expired|missing|changed|reset|empty|unset|not|is|was|must|has|for|and|or|the|authentication|yes|no|failed|env)\b",
    re.IGNORECASE,
)
_QUOTED = r"\"([^\"\n]{3,200})\"|'([^'\n]{3,200})'|([^\s,;\"'&<>()]{3,200})"
_PASSWORD = re.compile(
    r"(?:password|passwd|passwort|kennwort|passphrase|pwd|(?<![a-z])pass)[\"']?[ \t]*(?:=>|[:=])[ \t]*(?:%22)?"
    rf"(?:{_QUOTED})",
    re.IGNORECASE,
)
_SPOKEN_PASSWORD = re.compile(
    r"\bpass(?:word|phrase|wd)? (?:is|was|to) [\"'`]?((?=\S*[\d!#$%^&*@])[^\s\"'`]{6,200})", re.IGNORECASE
)
_IN_ADDRESS = re.compile(
    r"://[^\s:/@]{0,100}:((?!\d{1,5}(?:[/?#]|$))\S{1,200})@(?=[\w.\[-]+(?::\d+)?(?:[/?\s,;'\")\]]|$))"
)
_ON_COMMAND_LINE = re.compile(
    r"\b(?:mysql\w*|mariadb\w*|sshpass)\b[^\n|;]{0,100}?\s-p ?([^\s\"'$<-][^\s\"']{3,100})"
    r"|\bcurl\b[^\n|;]{0,200}?\s(?:-u|--user)[ =]?[\"']?[^\s:\"']{1,100}:([^\s\"'$<{]{4,100})"
    r"|--password[ =][\"']?([^\s\"'$<]{3,100})"
    r"|\bauthorization[\"']?\s*[:=]\s*[\"']?basic\s+([\w+/=]{8,400})",
    re.IGNORECASE,
)

# --- keys and tokens: known prefixes, and what a name says is one ------------------------------------------
_PREFIXES = (
    "AKIA", "ASIA", "ACCA", "ABIA", "AGPA", "AIDA", "AROA", "hvs.", "hvb.", "hvr.", "ghp_", "gho_", "ghu_",
    "ghs_", "ghr_", "github_pat_", "glpat-", "gldt-", "glrt-", "glcbt-", "glft-", "glsoat-", "glimt-", "glptt-",
    "glagent-", "npm_", "xox", "sk-", "sk_", "rk_", "AIza", "SG.", "dop_v1_", "doo_v1_", "hf_", "pypi-", "ya29.",
    "hooks.slack.com", "shpat_", "dckr_pat_", "glc_", "glsa_", "lin_api_", "xapp-", "whsec_", "ATATT3",
)  # fmt: skip
_KNOWN_KEY = re.compile(
    r"(?<![\w-])(?:"
    r"(?:AKIA|ASIA|ACCA|ABIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA)[A-Z0-9]{16}(?![A-Za-z0-9])"
    r"|hv[sbr]\.[\w-]{20,}|s\.(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[a-z])[A-Za-z0-9]{24}(?!\w)"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{22,}|dckr_pat_[\w-]{20,}|shpat_[a-f0-9]{32}"
    r"|gl(?:pat|dt|rt|cbt|ft|soat)-[\w-]{20,}|glimt-[\w-]{25}|glptt-[\w-]{40}|glagent-[\w-]{50}|gl(?:c|sa)_[\w-]{20,}"
    r"|npm_[A-Za-z0-9]{30,}|xox[abeprs]-[\w-]{10,}|xapp-[\w-]{10,}|[sr]k_(?:live|test)_\w{10,}|whsec_\w{20,}"
    r"|sk-(?=[\w-]*\d)(?=[\w-]*[a-zA-Z])[\w-]{20,}|AIza[\w-]{35}|SG\.[\w-]{16,}\.[\w-]{16,}|do[op]_v1_[a-f0-9]{32,}"
    r"|hf_[A-Za-z0-9]{30,}|pypi-[\w-]{32,}|ya29\.[\w-]{20,}|lin_api_\w{20,}|ATATT3[\w=-]{20,}"
    r"|hooks\.slack\.com/(?:services|workflows)/[\w/]{20,})"
)
_DISCORD = re.compile(r"(?<![\w-])[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])")
_NAMED_KEY = re.compile(
    r"(?:api[_-]?key|access[_-]?key(?:[_-]?id)?|secret[_-]?(?:access[_-]?)?key|account[_-]?key|auth[_-]?key"
    r"|private[_-]?token|(?:auth|access|refresh|id|session|bot|bearer|api)[_-]?token|client[_-]?secret|(?<!web)token|secret"
    r"|signature|(?<=[?&])(?:sig|key|code))[\"']?[ \t]*(?:=>|[:=]|%3D)[ \t]*[\"']?"
    r"((?=[^\s\"',;&]*[0-9]|npm_)[\w.~+/=-]{8,1000})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\bbearer\s+((?=\S*[0-9])[\w.~+/-]{12,1000}=*)", re.IGNORECASE)

_NAMES_A_SECRET = ("pass", "pwd", "kennwort", "secret", "token", "key", "bearer", "authorization", "signature", "sig=", "code=", "mysql", "curl", "mariadb")  # fmt: skip


# Plain beginnings that a search finds at once: most texts need not be tried by the pattern itself.
_LIKE_VAULT = re.compile(r"s\.[A-Za-z0-9]{24}")
_LIKE_IPV4 = re.compile(r"\.[0-9]{1,3}\.[0-9]")
_LIKE_UUID = re.compile(r"-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-")
_LIKE_DISCORD = re.compile(r"\.[\w-]{6}\.[\w-]{27}")


def find(text: str) -> Sequence[Finding]:
    """All values in order, none overlapping; where two patterns claim a place, the more telling wins."""
    found: list[Finding] = []
    for search in _searches(text):
        for start, end, kind in search(text):
            if all(end <= other[0] or other[1] <= start for other in found):
                found.append((start, end, kind))
    return sorted(found) if found else ()


def _searches(text: str) -> Iterator[_Search]:
    """Those searches that can find something at all: most texts hold no sign of any."""
    lower = text.lower()
    if "-----begin" in lower:
        yield _of(_PRIVATE_KEY, PRIVATE_KEY)
    if "eyJ" in text:
        yield _of(_JWT, JWT)
    if "://" in text and "@" in text:
        yield _of(_IN_ADDRESS, PASSWORD)
    if _holds_any(text, _PREFIXES) or _LIKE_VAULT.search(text):
        yield _of(_KNOWN_KEY, API_KEY)
    if _holds_any(lower, _NAMES_A_SECRET):
        yield from (_passwords, _of(_NAMED_KEY, API_KEY), _of(_BEARER, API_KEY))
    if "@" in text or "%40" in text:
        yield _of(_EMAIL, EMAIL)
    if _LIKE_DISCORD.search(text):
        yield _of(_DISCORD, API_KEY)
    if "::" in text or text.count(":") > 5:
        yield _ipv6
    if _LIKE_IPV4.search(text):
        yield _of(_IPV4, IP)
    if _LIKE_UUID.search(text):
        yield _of(_UUID, UUID)
    if "_" in text and "[" in text:
        yield _of(_FORGED, FORGED)


def _holds_any(text: str, parts: Sequence[str]) -> bool:
    for part in parts:  # noqa: SIM110 - any() with a generator takes twice as long, for every text
        if part in text:
            return True
    return False


def _of(pattern: re.Pattern[str], kind: str) -> _Search:
    """The pattern's group, or all of it where it has none."""

    def search(text: str) -> Iterator[Finding]:
        for match in pattern.finditer(text):
            yield (*match.span(match.lastindex or 0), kind)

    return search


def _passwords(text: str) -> Iterator[Finding]:
    for pattern in (_PASSWORD, _SPOKEN_PASSWORD, _ON_COMMAND_LINE):
        for match in pattern.finditer(text):
            start, end = match.span(match.lastindex or 0)
            if not _PLACEHOLDER.match(text, start, end):
                yield start, end, PASSWORD


def _ipv6(text: str) -> Iterator[Finding]:
    for match in _IPV6.finditer(text):
        address = match[0].rstrip(".")
        try:
            ipaddress.IPv6Address(address.partition("/")[0])
        except ValueError:
            continue
        yield match.start(), match.start() + len(address), IP
