"""Where personal and secret values stand in a text.

Kubernetes names, versions, timestamps and image hashes are no personal values and stay readable.
In doubt a value is covered: a label too many costs a reader a moment, one too few cannot be taken back.
"""
# ruff: noqa: E501 - a pattern reads best on one line

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator, Sequence

from agents.known_keys import dotted_keys, known_keys, may_hold_dotted
from agents.named_secrets import holds_any, in_addresses, named_keys, passwords

Span = tuple[int, int]
Finding = tuple[int, int, str]  # start, end, kind
_Search = Callable[[str], Iterator[Span]]

IP, EMAIL, UUID, API_KEY, JWT, PASSWORD, PRIVATE_KEY = (
    "IP", "EMAIL", "UUID", "API_KEY", "JWT", "PASSWORD", "PRIVATE_KEY",
)  # fmt: skip
KINDS = (IP, EMAIL, UUID, API_KEY, JWT, PASSWORD, PRIVATE_KEY)
_SECRETS = (API_KEY, PASSWORD)
FORGED = "FORGED"  # a label that the sender wrote: it must not be taken for one of ours

_NOT_IN_WORD = (
    r"(?:(?<![0-9A-Za-z.])|(?<=%[0-9A-Fa-f][0-9A-Fa-f]))"  # a word may begin after %22 in an address
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(
    rf"{_NOT_IN_WORD}(?!(?<=[A-Za-z]/)[0-9]+\.0\.0\.0\b)(?:{_OCTET}\.){{3}}{_OCTET}(?:/[0-9]{{1,2}}(?![0-9]))?(?![0-9A-Za-z])(?!\.[0-9])"
    rf"|{_NOT_IN_WORD}(?:10|127|192\.168|172\.{_OCTET}|10\.{_OCTET})\.{_OCTET}\.{_OCTET}(?=\.[0-9]\b)"
)
# Four numbers may be a version too. One in a range that only addresses come from is none.
_RESERVED = re.compile(
    r"(?:10|127|192\.168|169\.254|172\.(?:1[6-9]|2[0-9]|3[01])|100\.(?:6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7]))\."
)
_SMALL = re.compile(r"[0-4]?[0-9]\.")
_SAID_VERSION = re.compile(
    r"(?:version|\bver|release|build|chart|revision|firmware)[ \t:=\"'(]{1,4}$|[\w-]/[\w.-]{1,100}:$",
    re.IGNORECASE,
)
_GOES_ON_AS_VERSION = re.compile(
    r"[-+.](?:alpha|beta|rc|snapshot|release|final|dev|pre|build|git)", re.IGNORECASE
)
_NAMED_VERSION = re.compile(r"[A-Za-z][-_]$")
_LOOKED_BACK = 40
_IPV6 = re.compile(
    r"(?:(?<![\w:.])|(?<=[g-zG-Z]:)(?!:))(?=[0-9A-Fa-f.]{0,15}:[0-9A-Fa-f.]{0,15}:)[0-9A-Fa-f:.]{2,45}(?:%[\w.-]{1,20})?(?:/[0-9]{1,3}(?![0-9]))?(?![\w:])"
)
_EUI64 = re.compile(r"(?:[0-9A-Fa-f]{2}:){7}[0-9A-Fa-f]{2}")  # of hardware: a WWN, a port's GUID
_EMAIL = re.compile(
    r"(?:(?<=%[0-9A-Fa-f]{2})|(?<![\w.+'-])(?<!%(?=[0-9A-Fa-f]{2})))[\w.+'&^~-]{1,64}(?:@|%40)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+(?!service\b|socket\b|timer\b|mount\b|target\b|slice\b|scope\b|png\b|jpe?g\b|svg\b|gif\b|webp\b|json\b|ya?ml\b|txt\b|log\b|conf\b|tgz\b|html?\b|css\b)[^\W\d_][\w-]{1,30}"
    r"|(?<![\w.])\"[^\"\s@]{1,64}\"@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,30}"
)
_UUID = re.compile(r"(?<![0-9A-Za-z-])[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}(?![0-9A-Za-z-])")
_JWT = re.compile(r"(?<![\w.-])eyJ[\w-]{10,}\.[\w-]{10,}(?:\.[\w-]*){0,3}")
_KEY_LINE = r"(?:\\[nr]|\s)+"
_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY[A-Z ]{0,10}-----.*?(?:-----END [^-]{0,60}-----|\Z)"
    rf"|(?<![A-Za-z0-9+/=])(?:[A-Za-z0-9+/=]{{16,4000}}{_KEY_LINE}){{0,60}}(?:[A-Za-z0-9+/=]{{2,76}}{_KEY_LINE})?-----END [A-Z0-9 ]{{0,40}}PRIVATE KEY[A-Z ]{{0,10}}-----"
    rf"|Private-Lines: [0-9]+(?:{_KEY_LINE}[A-Za-z0-9+/=]{{16,}})+",
    re.DOTALL,
)
_FORGED = re.compile(rf"\[(?:{'|'.join(KINDS)})_[0-9]+\]")

_SAY_SECRET = (
    "pass", "pwd", "kennwort", "senha", "secret", "token", "key", "bearer", "auth", "signature", "sig=", "code=", "sess",
    " -p", " -u", "-user", " -a ", " -w ", "identified by",
)  # fmt: skip


# Plain beginnings that a search finds at once: most texts need not be tried by the pattern itself.
_LIKE_IPV4 = re.compile(r"\.[0-9]{1,3}\.[0-9]")
_LIKE_UUID = re.compile(r"-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-")


def find(text: str) -> Sequence[Finding]:
    """All values in order, none overlapping; where two patterns claim a place, the more telling wins."""
    found: list[Finding] = []
    for search, kind in _searches(text):
        for start, end in search(text):
            clash = [other for other in found if start < other[1] and other[0] < end]
            if not clash:
                found.append((start, end, kind))
            elif kind in _SECRETS and len(clash) == 1 and start <= clash[0][0] and clash[0][1] <= end:
                found[found.index(clash[0])] = (start, end, clash[0][2])  # the whole, not its known half
    return sorted(found) if found else ()


def _searches(text: str) -> Iterator[tuple[_Search, str]]:
    """Those searches that can find something at all: most texts hold no sign of any."""
    lower = text.lower()
    if "private" in lower and ("-----" in text or "private-lines" in lower):
        yield _of(_PRIVATE_KEY), PRIVATE_KEY
    if "eyJ" in text:
        yield _of(_JWT), JWT
    if "@" in text:
        yield in_addresses, PASSWORD
    yield known_keys, API_KEY
    if may_hold_dotted(text):
        yield dotted_keys, API_KEY
    if holds_any(lower, _SAY_SECRET) or not text.isascii():
        yield passwords, PASSWORD
        yield named_keys, API_KEY
    if "@" in text or "%40" in text:
        yield _of(_EMAIL), EMAIL
    if "::" in text or text.count(":") > 5:
        yield _ipv6, IP
    if _LIKE_IPV4.search(text):
        yield _ipv4, IP
    if _LIKE_UUID.search(text):
        yield _of(_UUID), UUID
    if "_" in text and "[" in text:
        yield _of(_FORGED), FORGED


def _of(pattern: re.Pattern[str]) -> _Search:
    def search(text: str) -> Iterator[Span]:
        for match in pattern.finditer(text):
            yield match.span()

    return search


def _ipv4(text: str) -> Iterator[Span]:
    for match in _IPV4.finditer(text):
        start, end = match.span()
        if _RESERVED.match(text, start, end) or not _is_version(text, start, end):
            yield start, end


def _is_version(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _LOOKED_BACK) : start]
    if _SAID_VERSION.search(before) or _GOES_ON_AS_VERSION.match(text, end):
        return True
    return _SMALL.match(text, start, end) is not None and _NAMED_VERSION.search(before) is not None


def _ipv6(text: str) -> Iterator[Span]:
    for match in _IPV6.finditer(text):
        address = match[0].rstrip(".")
        if address.endswith(":") and not address.endswith("::"):
            address = address[:-1]  # of the sentence
        if _EUI64.fullmatch(address):
            continue
        try:
            ipaddress.IPv6Address(address.partition("/")[0])
        except ValueError:
            continue
        yield match.start(), match.start() + len(address)
