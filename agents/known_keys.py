"""Keys and tokens that tell by their own form what they are: vendors give them a beginning of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from agents.named_secrets import Span, holds_any

# Every one of these is a long run of letters, digits, _ and -, so runs are looked for first, and only
# where one begins the forms are tried.
_RUN = re.compile(r"\b[\w-]{20,}", re.ASCII)
_HEX = "[0-9a-fA-F]"
_ANY = "[A-Za-z0-9]"
_FORM = re.compile(
    r"(?:"
    # clouds
    rf"(?:AKIA|ASIA|ACCA|ABIA|AGPA|AIDA|AROA|AIPA|ANPA|ANVA|A3T[A-Z0-9])[A-Z0-9]{{16}}(?!{_ANY})|ABSK[\w+/]{{80,}}|bedrock-api-key-[\w+/]{{40,}}"
    rf"|AIza[\w-]{{35}}|GOCSPX-[\w-]{{20,}}|LTAI{_ANY}{{12,24}}(?![\w-])|AKID(?=\w*[0-9]){_ANY}{{32}}|AQVN[\w-]{{35,}}|YC[\w-]{{38}}(?![\w-])"
    rf"|do[opr]_v1_{_HEX}{{32,}}|HRKU-[\w-]{{30,}}|tk-us-[\w-]{{40,}}|fo1_[\w-]{{40,}}|fm[12]r?_{_ANY}{{60,}}|exo[a-z]{{2}}-[\w-]{{24,}}"
    # code, packages, builds
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{22,}|gl(?:pat|dt|rt|rtr|cbt|ft|ffct|soat|wt)-[\w-]{20,}|glimt-[\w-]{25}|glptt-[\w-]{40}|glagent-[\w-]{50}|GR1348941[\w-]{20}"
    rf"|npm_[A-Za-z0-9]{{30,}}|pypi-[\w-]{{32,}}|rubygems_{_HEX}{{48}}|oy2[a-z0-9]{{43}}(?!\w)|CLOJARS_[a-z0-9]{{60}}|cio[A-Za-z0-9]{{32}}(?!\w)|dckr_[a-z]{{1,3}}at_[\w-]{{20,}}"
    rf"|CCI(?:PAT|PRJ)_[\w-]{{30,}}|bkua_{_HEX}{{40}}|AKCp{_ANY}{{60,}}|(?:AKC|APA)(?=\w*[0-9]){_ANY}{{30,}}|sq[apu]_{_HEX}{{40}}|sgp_(?:(?:{_HEX}{{16}}|local)_)?{_HEX}{{40}}|pul-{_HEX}{{40}}|pnu_[a-z0-9]{{36}}|API-[A-Z0-9]{{25,}}(?!\w)|snyk_[\w-]{{30,}}"
    r"|ATATT3[\w=-]{20,}|ATCTT3[\w=-]{20,}|ATBB[A-Za-z0-9]{28,}|BBDC-[\w+/]{40,}|lin_(?:api|oauth)_\w{20,}|figd_[\w-]{30,}|ntn_[0-9]{11}[A-Za-z0-9]{35}|secret_[A-Za-z0-9]{43}|PMAK-[0-9a-f]{24}-[0-9a-f]{34}"
    # watching
    r"|gl(?:c|sa)_[\w-]{20,}|NR(?:AK|AL|JS|IQ|II|RA|SP)-[A-Za-z0-9_-]{18,}|[0-9a-f]{36}NRAL|sntryu_[0-9a-f]{60,}|sntrys_[\w+/=-]{40,}|hcai[ck]_[a-z0-9]{50,}|dd[pt]?_[0-9a-f]{32,}|phc_[A-Za-z0-9]{30,}|phx_[A-Za-z0-9]{30,}"
    # messages and mail
    rf"|xox[abceoprs]-[\w-]{{10,}}|xapp-[\w-]{{10,}}|xwfp-[\w-]{{20,}}|SK{_HEX}{{32}}(?!\w)|AC{_HEX}{{32}}(?!\w)|xkeysib-{_HEX}{{64}}-[a-zA-Z0-9]{{16}}|key-[0-9a-f]{{32}}(?!\w)|pubkey-[0-9a-f]{{32}}(?!\w)|[0-9a-f]{{32}}-us[0-9]{{1,2}}(?!\w)"
    # money
    r"|[sr]k_(?:live|test|prod)_\w{10,}|whsec_[\w+/]{20,}|sq0[a-z]{3}-[\w-]{22,}|EAAA[\w-]{60}|shp(?:at|ca|pa|ss|tka|ltc|rt)_[0-9a-fA-F]{32}|rzp_(?:live|test)_\w{10,}|FLW(?:SECK|PUBK)[_A-Z]*-[\w-]{12,}|EZ[AT]K[A-Za-z0-9]{54}|duffel_(?:test|live)_[\w-]{40,}|shippo_(?:live|test)_[0-9a-f]{40}|access_token\$production\$[\w$]{30,}|access-(?:sandbox|development|production)-[0-9a-f-]{36}|(?:live|test)_[0-9a-f]{35}(?!\w)"
    # models
    r"|sk-(?=[\w-]*\d)(?=[\w-]*[a-zA-Z])[\w-]{20,}|(?:hf|api_org)_[A-Za-z0-9]{30,}|gsk_[A-Za-z0-9]{40,}|xai-[A-Za-z0-9]{60,}|pplx-[A-Za-z0-9]{40,}|r8_[A-Za-z0-9]{30,}|nvapi-[\w-]{40,}|pcsk_[\w-]{40,}|rpa_[A-Z0-9]{40,}|tvly-[\w-]{20,}|fw_[A-Za-z0-9]{24}(?!\w)"
    # data and the rest
    rf"|dapi{_HEX}{{32}}|pscale_(?:tkn|pw|oauth)_[\w=.-]{{30,}}|sb[ps]_{_HEX}{{40}}|sb_(?:secret|publishable)_[\w-]{{20,}}|tskey-[\w-]{{20,}}|nfp_[\w-]{{36,}}|CFPAT-[\w-]{{40,}}|rdme_[a-z0-9]{{60,}}|tfp_[\w.=-]{{40,}}|dnkey-[\w-]{{50,}}|fio-u-[\w=-]{{50,}}|ico-[A-Za-z0-9]{{32}}|p8e-[A-Za-z0-9]{{32}}|sm_(?:pat|aat|sat)_[A-Za-z0-9]{{16}}|\w{{6}}_\w{{29}}_mmk|EAA[MC][A-Za-z0-9]{{80,}}|AGE-SECRET-KEY-1[0-9A-Z]{{50,}}|ops_eyJ[\w-]{{40,}}|A3-[A-Z0-9]{{6}}-[A-Z0-9-]{{26,}}"
    r")"
)

# These have a dot, a colon or a slash within; each has a sign that a plain search finds.
_SIGNS = (
    "hv",
    "SG.",
    "ya29.",
    "dp.",
    "dt0",
    "atlasv1.",
    "hook",
    ":AA",
    "Q~",
    "256~",
    ".eyJ",
    "t1.",
    "v1.0-",
    "pat.",
    "sat.",
)
_LIKE_VAULT = re.compile(r"s\.[A-Za-z0-9]{24}")
_LIKE_DISCORD = re.compile(r"\.[\w-]{6}\.[\w-]{27}")
_DOTTED = re.compile(
    r"(?<![\w-])(?:"
    r"hv[sbr]\.[\w-]{20,}|s\.(?=[A-Za-z0-9]*[0-9])(?=[A-Za-z0-9]*[A-Z])(?=[A-Za-z0-9]*[a-z])[A-Za-z0-9]{24}(?!\w)"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|ya29\.[\w-]{20,}|dp\.(?:pt|st|ct|sa|scim|audit)\.(?:[\w-]{2,35}\.)?[A-Za-z0-9]{40,}|dt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}"
    r"|[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{40,}|[0-9]{8,10}:AA[\w-]{33}|[\w~.]{3}[0-9]Q~[\w~.-]{31,34}|sha256~[\w-]{43}|[sp]k\.eyJ[\w-]{20,}\.[\w-]{20,}"
    r"|t1\.[\w-]{3,}={0,2}\.[\w-]{86}={0,2}|v1\.0-[0-9a-f]{24}-[0-9a-f]{100,}"
    r"|[MNO][\w-]{23,25}\.[\w-]{6}\.[\w-]{27,40}(?![\w-])|[ps]at\.[\w-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/[\w/]{20,}|discord(?:app)?\.com/api/(?:v[0-9]+/)?webhooks/[0-9]{15,}/[\w-]{40,}"
    r"|[\w.-]{1,60}\.webhook\.office\.com/webhookb2/[\w@/-]{40,}|hooks\.zapier\.com/hooks/catch/[\w/]{10,}"
    r")"
)

# Of no vendor that is known here, but nothing that people name has capitals, small letters and digits in
# such a mix: names of types and of things change their kind of letter only where a word begins.
_MIXED = re.compile(r"[A-Za-z0-9]{32,}(?![\w-])", re.ASCII)
_ALL_SORTS = re.compile(r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])[^0-9]*[0-9]")
_CHANGE = re.compile(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[A-Z])(?=[a-z0-9])|(?<=[0-9])(?=[A-Za-z])")
_CHANGES_OF_A_RANDOM = 0.4
_HASH = re.compile(r"[0-9A-Fa-f]*")
_NO_KEY_AFTER = re.compile(
    r"sha[0-9]{1,3}-$|(?:public|pub)[ _-]?(?:key|token)\W{1,6}$|digest\W{1,4}$|fingerprint\W{1,4}$",
    re.IGNORECASE,
)
_LOOKED_BACK = 40
_SHORTEST_MIXED = 32
# Base64 is cut by its own signs: a line of a key that lost its beginning and end has 64 of them or 76.
_JOINS = ("+", "/")
_BASE64 = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_LONGEST_SHOWN = 56


def known_keys(text: str) -> Iterator[Span]:
    done = 0
    for run in _RUN.finditer(text):
        start, end = run.span()
        if start < done:
            continue
        found = _FORM.match(text, start)
        if found:
            yield found.span()
        elif text[end : end + 1] in _JOINS or text[max(0, start - 1) : start] in _JOINS:
            if not run[0].isalnum():
                continue
            start, done = _base64_around(text, start, end)
            if done - start >= _LONGEST_SHOWN and _is_key(text, start, done):
                yield start, done
        elif end - start >= _SHORTEST_MIXED and _MIXED.match(text, start) and _is_key(text, start, end):
            yield start, end


def _base64_around(text: str, start: int, end: int) -> Span:
    """The whole of it, which + and / cut into runs."""
    while start and text[start - 1] in _BASE64:
        start -= 1
    while end < len(text) and text[end] in _BASE64:
        end += 1
    while text[end : end + 1] == "=":
        end += 1
    while text[start] == "/":  # of an address
        start += 1
    return start, end


def _is_key(text: str, start: int, end: int) -> bool:
    before = text[max(0, start - _LOOKED_BACK) : start]
    return _is_random(text[start:end]) and not _NO_KEY_AFTER.search(before)


def dotted_keys(text: str) -> Iterator[Span]:
    for found in _DOTTED.finditer(text):
        yield found.span()


def may_hold_dotted(text: str) -> bool:
    return holds_any(text, _SIGNS) or bool(_LIKE_VAULT.search(text) or _LIKE_DISCORD.search(text))


def _is_random(run: str) -> bool:
    return (
        bool(_ALL_SORTS.match(run))
        and not _HASH.fullmatch(run)
        and len(_CHANGE.findall(run)) >= _CHANGES_OF_A_RANDOM * len(run)
    )
