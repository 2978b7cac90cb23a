"""curl and its like: what is deleted, sent, and fetched."""

from __future__ import annotations

import re

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


def curl(call: Call) -> Stream | None:
    values = listed("X request o output d data data-raw data-binary data-urlencode H header u user F "
"form T upload-file b cookie c cookie-jar A user-agent e referer x proxy m max-time "
"connect-timeout K config w write-out url cacert cert key E retry resolve json r "
"range Y y z C proxy-header form-string unix-socket interface method body-data "
"body-file post-data post-file O P")  # fmt: skip
    if call.program == "curl":
        values -= {"O", "P"}
    given = read(call.args, values)
    method = (given.last("X", "request", "method") or "").upper()
    words = given.words
    if (
        call.program in ("http", "https", "httpie", "xh")
        and words
        and words[0].isalpha()
        and words[0].isupper()
    ):
        method, words = words[0], words[1:]
    urls = [*words, *given.all("url")]
    bodies = given.all(
        "d",
        "data",
        "data-raw",
        "data-binary",
        "F",
        "form",
        "T",
        "upload-file",
        "body-data",
        "body-file",
        "post-data",
        "post-file",
        "json",
        "data-urlencode",
    )
    if (
        method == "DELETE"
        or (
            given.all("H", "header")
            and re.search(r"method-override:\s*delete", " ".join(given.all("H", "header")), re.IGNORECASE)
        )
        or ((method in ("POST", "PUT", "PATCH") or bodies) and any(HTTP_ENDS.search(url) for url in urls))
    ):
        call.hit(Rule.DATA_LOSS)
    if any(METADATA.search(url) for url in urls):
        call.hit(Rule.SECRETS)
    if any(is_secret(body.partition("@")[2] or body) for body in bodies) or any(
        is_secret(url) for url in urls if "file:" in url
    ):
        call.hit(Rule.SECRETS)
    if call.stdin.private and any(body.endswith("@-") or body == "-" for body in bodies):
        call.hit(Rule.REMOTE_SHELL)
    if any(re.search(r"@/etc/|@/home/|@/root/", body) for body in bodies):
        call.hit(Rule.SECRETS)
    _sends_query(call, urls, bodies)
    return _fetched_to(call, given, urls)


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
