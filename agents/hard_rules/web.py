"""curl and its like: what is deleted, sent, and fetched."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.given import Given, read
from agents.hard_rules.hits import Rule, listed
from agents.hard_rules.paths import is_secret
from agents.hard_rules.sql_statements import begins_one
from agents.hard_rules.streams import NETWORK, Stream

HTTP_ENDS = re.compile(
    r"_delete_by_query|_close\b|_shutdown|/-/quit|quitquitquit|delete_series|"
    r"clean_tombstones|/shutdown\b|/actuator/shutdown|/purge\b|_forcemerge\?only_expunge|"
    r"/flushall|/killkillkill|/exit\b|/api/v\d/.*/delete\b|\bshutdown$",
    re.IGNORECASE,
)
METADATA = re.compile(
    r"169\.254\.169\.254.*(credential|token|user-data|security)|metadata\.google.*(token|"
    r"ssh-keys)|/v1/secret/|/api/v1/(namespaces/[^/]+/)?secrets\b|/v1/sys/(seal|raw)",
    re.IGNORECASE,
)


TAKE_A_VALUE = listed("X request o output d data data-raw data-binary data-urlencode H header u user F "
"form T upload-file b cookie c cookie-jar A user-agent e referer x proxy m max-time "
"connect-timeout K config w write-out url cacert cert key E retry resolve json r "
"range Y y z C proxy-header form-string unix-socket interface method body-data "
"body-file post-data post-file O P")  # fmt: skip
BODIES = listed("d data data-raw data-binary data-urlencode F form T upload-file json "
"body-data body-file post-data post-file")  # fmt: skip
METHOD_FIRST = listed("http https httpie xh")
OVERRIDE = re.compile(r"method-override:\s*delete", re.IGNORECASE)
PRIVATE_FILE = re.compile(r"@/etc/|@/home/|@/root/")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of whom."""

    method: str
    urls: list[str]
    bodies: list[str]
    headers: str
    stdin: Stream


def curl(call: Call) -> Stream | None:
    given = read(call.args, TAKE_A_VALUE - {"O", "P"} if call.program == "curl" else TAKE_A_VALUE)
    asked = _asked(call, given)
    for rule, holds in DENIED:
        if holds(asked):
            call.hit(rule)
    _sends_query(call, asked.urls, asked.bodies)
    return _fetched_to(call, given, asked.urls)


def _asked(call: Call, given: Given) -> Asked:
    method, words = (given.last("X", "request", "method") or "").upper(), given.words
    if call.program in METHOD_FIRST and words and words[0].isalpha() and words[0].isupper():
        method, words = words[0], words[1:]
    headers = " ".join(given.all("H", "header"))
    return Asked(method, [*words, *given.all("url")], given.all(*BODIES), headers, call.stdin)


def _deletes(asked: Asked) -> bool:
    return asked.method == "DELETE" or OVERRIDE.search(asked.headers) is not None


def _ends(asked: Asked) -> bool:
    """Shuts down, flushes, deletes by query: by an address that does so when it is written to."""
    writes = asked.method in ("POST", "PUT", "PATCH") or bool(asked.bodies)
    return writes and any(HTTP_ENDS.search(url) for url in asked.urls)


def _asks_for_secrets(asked: Asked) -> bool:
    return any(METADATA.search(url) or ("file:" in url and is_secret(url)) for url in asked.urls)


def _sends_secrets(asked: Asked) -> bool:
    return any(
        is_secret(body.partition("@")[2] or body) or PRIVATE_FILE.search(body) for body in asked.bodies
    )


def _sends_what_is_private(asked: Asked) -> bool:
    return asked.stdin.private and any(body.endswith("@-") or body == "-" for body in asked.bodies)


DENIED: tuple[tuple[Rule, Callable[[Asked], bool]], ...] = (
    (Rule.DATA_LOSS, _deletes),
    (Rule.DATA_LOSS, _ends),
    (Rule.SECRETS, _asks_for_secrets),
    (Rule.SECRETS, _sends_secrets),
    (Rule.REMOTE_SHELL, _sends_what_is_private),
)


def _sends_query(call: Call, urls: list[str], bodies: list[str]) -> None:
    """ClickHouse and others take SQL over HTTP."""
    for body in bodies:
        if begins_one(body):
            call.sql(body)
    for url in urls:
        if found := re.search(r"[?&](?:query|q)=([^&]+)", url):
            text = re.sub(r"\+|%20", " ", found[1])
            if begins_one(text):
                call.sql(text)


def _fetched_to(call: Call, given: Given, urls: list[str]) -> Stream:
    """Where it puts what it fetched: a file by this name is from the network from now on."""
    target = (
        given.last("o", "output", "O", "output-document", "P")
        if call.program != "curl"
        else given.last("o", "output")
    )
    names = [target] if target and target != "-" else []
    if not names and (call.program == "wget" or given.has("O", "remote-name", "J")):
        names = [url.rstrip("/").rpartition("/")[2] for url in urls]
    for name in names:
        for spelled in (name, f"./{name}"):
            call.scope.files[spelled] = NETWORK
    return NETWORK if not names or target in ("-", "/dev/stdout") else Stream(None, fetched=True)


def all_of_them() -> dict[str, Handler]:
    return dict.fromkeys(("curl", "wget", "http", "https", "httpie", "xh", "curlie"), curl)
