"""`awoooi doctor`: every address, permission and schema, in plain words, and what to do about each fault."""

from __future__ import annotations

import asyncio
import shutil
import stat
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from awoooi import defaults
from awoooi.loading import Loaded
from awoooi.logs import quiet
from awoooi.parts import ready_url, reasons
from awoooi.printing import print_json
from connectors.http import HttpClient
from connectors.kafka.config import KafkaConfig
from schemas.catalog import event_classes
from schemas.errors import AwoooiError, BrokerAway

if TYPE_CHECKING:
    from connectors.kafka.admin import Difference

GIB = 1024**3
LOW_DISK_BYTES = GIB
MOST_NAMED = 5
PROBE_ROWS = "INSERT INTO rejected (project_id) SELECT 'doctor' WHERE 0"  # nothing, if it were allowed
NOT_ALLOWED = {164, 497}  # ClickHouse: READONLY, ACCESS_DENIED


class Verdict(StrEnum):
    OK = "ok"
    WARNING = "warning"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    verdict: Verdict
    what: str
    todo: str = ""


Check = Callable[[Loaded], Awaitable[Sequence[Finding]]]


def run(loaded: Loaded, *, as_json: bool) -> int:
    """Exit status: 1 where something is wrong; a warning alone is none."""
    quiet()
    findings = asyncio.run(_examine(loaded))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.verdict.value:8} {finding.part:16} {finding.what}")
            if finding.todo:
                print(f"{'':25} → {finding.todo}")
        wrong = sum(finding.verdict is Verdict.WRONG for finding in findings)
        print("\nAll is well." if not wrong else f"\n{wrong} of {len(findings)} checks failed.")
    return 1 if any(finding.verdict is Verdict.WRONG for finding in findings) else 0


async def _examine(loaded: Loaded) -> list[Finding]:
    """All at once; a check that cannot be made is a finding of its own."""
    checks = (_files, _tokens, _disk, _topics, _clickhouse, _reader, _gateway, _worker, _sink, _registry)
    found = await asyncio.gather(*(_made(check, loaded) for check in checks))
    return [finding for findings in found for finding in findings]


async def _made(check: Check, loaded: Loaded) -> Sequence[Finding]:
    name = check.__name__.strip("_")
    try:
        async with asyncio.timeout(20):
            return await check(loaded)
    except AwoooiError as error:
        return [Finding(name, Verdict.WRONG, str(error), TODO.get(name, ""))]
    except TimeoutError:
        return [Finding(name, Verdict.WRONG, "no answer within 20 s", TODO.get(name, ""))]


TODO = {
    "topics": "start the broker, or name one with AWOOOI_KAFKA_BOOTSTRAP_SERVERS",
    "clickhouse": "start it (here: `awoooi store`), or correct AWOOOI_CLICKHOUSE_URL, _USER, _PASSWORD",
    "reader": "start it, or correct AWOOOI_CLICKHOUSE_READER_USER, _READER_PASSWORD",
    "gateway": "start it: `awoooi gateway`, or `awoooi up` for everything",
    "worker": "start it: `awoooi worker ingest`, or `awoooi up` for everything",
    "sink": "start it: `awoooi sink`, or `awoooi up` for everything",
    "registry": "correct AWOOOI_REGISTRY_URL, _USER, _PASSWORD",
}


# -- files


async def _files(loaded: Loaded) -> list[Finding]:
    """Owner-readable only, and there."""
    settings, state = loaded.settings, loaded.settings.state_dir
    if not state.is_dir():
        return [Finding("state folder", Verdict.WRONG, f"{state} does not exist", "`awoooi init` makes it")]
    secret = [state / defaults.ADMIN_KEY, state / defaults.TOKEN, settings.sealing.private_key_file]
    if settings.gateway.stamp_secret_file is not None:
        secret.append(settings.gateway.stamp_secret_file)
    findings = [
        _closed(state, "state folder"),
        *(_closed(path, path.name) for path in secret if path.exists()),
    ]
    needed = [settings.sealing.public_key_file]
    if settings.gateway.stamp_secret_file is not None:
        needed.append(settings.gateway.stamp_secret_file)
    findings += [
        Finding(path.name, Verdict.WRONG, f"{path} is missing", "`awoooi init` makes it")
        for path in needed
        if not path.exists()
    ]
    return findings


def _closed(path: Path, part: str) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(part, Verdict.WRONG, f"{path} is open to others ({mode:o})", f"chmod go-rwx {path}")
    return Finding(part, Verdict.OK, f"{path}, for its owner alone")


async def _tokens(loaded: Loaded) -> list[Finding]:
    from connectors.tokens import read_tokens

    path = loaded.settings.gateway.tokens_file
    if not path.exists():
        return [
            Finding("tokens", Verdict.WRONG, f"{path} is missing", "`awoooi init` or `awoooi tokens new`")
        ]
    valid = [token for token in read_tokens(path) if token.revoked is None]
    if not valid:
        return [
            Finding("tokens", Verdict.WRONG, "no token is in force", "`awoooi tokens new NAME` makes one")
        ]
    return [_closed(path, "tokens"), Finding("tokens", Verdict.OK, f"{len(valid)} in force")]


async def _disk(loaded: Loaded) -> list[Finding]:
    place = loaded.settings.store.path if loaded.starts_store else loaded.settings.state_dir
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < LOW_DISK_BYTES:
        what = f"{free / GIB:.1f} GiB free at {place}"
        return [Finding("disk", Verdict.WARNING, what, "make room: a full disk stops the record")]
    return [Finding("disk", Verdict.OK, f"{free / GIB:.0f} GiB free at {place}")]


# -- the log and the record


async def _topics(loaded: Loaded) -> list[Finding]:
    """Of those that are there, what `topics apply` would say; it makes nothing of what is there already."""
    from awoooi.setup import all_topics
    from connectors.kafka.admin import apply_topics

    settings = loaded.settings
    kafka = settings.kafka
    names = await _topic_names(kafka)
    findings = [Finding("broker", Verdict.OK, f"{kafka.bootstrap_servers} answers")]
    wanted = all_topics(settings)
    missing = [topic.name for topic in wanted if topic.name not in names]
    if missing:
        todo = "`awoooi topics apply` makes them"
        findings.append(Finding("topics", Verdict.WRONG, f"missing: {_some(missing)}", todo))
    there = [topic for topic in wanted if topic.name in names]
    report = await apply_topics(kafka, there, settings.partitions)
    findings += [_differs(difference) for difference in report.differences]
    if len(findings) == 1:
        findings.append(Finding("topics", Verdict.OK, f"all {len(there)} as the catalogue says"))
    return findings


def _differs(difference: Difference) -> Finding:
    if difference.what == "partitions":
        return Finding("topics", Verdict.WRONG, str(difference), "set AWOOOI_PARTITIONS to what is there")
    return Finding("topics", Verdict.WARNING, str(difference), "change the topic's setting, or take note")


async def _topic_names(kafka: KafkaConfig) -> Collection[str]:
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    admin = AIOKafkaAdminClient(**kafka.client_options())
    try:
        await admin.start()
        return set(await admin.list_topics())
    except (KafkaError, OSError) as error:
        told = str(error) or type(error).__name__
        raise BrokerAway(f"Kafka at {kafka.bootstrap_servers}: {told}") from error
    finally:
        await admin.close()


async def _clickhouse(loaded: Loaded) -> list[Finding]:
    from sinks.clickhouse.client import connected
    from sinks.clickhouse.migrate import FOLDER, read_migrations

    config = loaded.settings.clickhouse.writer()
    async with connected(config) as client:
        findings = [Finding("clickhouse", Verdict.OK, f"{config.url} lets {config.user} in")]
        there = await client.ask(
            "SELECT count() AS n FROM system.tables WHERE database = {db:String} AND name = {name:String}",
            {"db": config.database, "name": "schema_migrations"},
        )
        done = set()
        if there[0]["n"]:
            rows = await client.ask("SELECT number, checksum FROM schema_migrations FINAL")
            done = {(row["number"], row["checksum"]) for row in rows}
    wanted = {(migration.number, migration.checksum) for migration in read_migrations(FOLDER)}
    todo = "`awoooi clickhouse migrate` says more, and applies what is missing"
    if missing := wanted - done:
        what = f"{len(missing)} of {len(wanted)} migrations are not applied"
        return [*findings, Finding("schema", Verdict.WRONG, what, todo)]
    if done - wanted:
        return [*findings, Finding("schema", Verdict.WRONG, "the database was made by a newer version", todo)]
    return [*findings, Finding("schema", Verdict.OK, f"{len(wanted)} migrations applied")]


async def _reader(loaded: Loaded) -> list[Finding]:
    """It can read, and it cannot write."""
    from sinks.clickhouse.client import connected
    from sinks.clickhouse.errors import Away, Refused

    config = loaded.settings.clickhouse.reader()
    async with connected(config) as client:
        await client.ask("SELECT count() AS n FROM v_incidents")
        try:
            await client.command(PROBE_ROWS)
        except (Away, Refused) as error:
            if error.code in NOT_ALLOWED:
                return [Finding("reader", Verdict.OK, f"{config.user} can read and cannot write")]
            raise
    todo = "give it the read-only profile and grants of deploy/clickhouse"
    return [Finding("reader", Verdict.WRONG, f"{config.user} can write", todo)]


# -- processes


async def _gateway(loaded: Loaded) -> list[Finding]:
    gateway = loaded.settings.gateway
    return [await _ready("gateway", gateway.host, gateway.port)]


async def _worker(loaded: Loaded) -> list[Finding]:
    health = loaded.settings.health
    return [await _ready("worker", health.host, health.ingest_port)]


async def _sink(loaded: Loaded) -> list[Finding]:
    health = loaded.settings.health
    return [await _ready("sink", health.host, health.sink_port)]


async def _ready(part: str, host: str, port: int) -> Finding:
    url = ready_url(host, port)
    async with HttpClient(timeout_secs=3.0) as http:
        reply = await http.get(url)
    if reply.ok:
        return Finding(part, Verdict.OK, f"{url} says it is ready")
    return Finding(part, Verdict.WRONG, f"not ready: {reasons(reply.body)}", f"its log says more; {url}")


async def _registry(loaded: Loaded) -> list[Finding]:
    given = loaded.settings.registry
    if given.url is None:
        return [Finding("registry", Verdict.OK, "none is used: events carry their schema's fingerprint")]
    ca_file = None if given.ca_file is None else str(given.ca_file)
    async with HttpClient(timeout_secs=5.0, basic_auth=given.login(), ca_file=ca_file) as http:
        reply = await http.get(f"{given.url.rstrip('/')}/subjects")
    if not reply.ok:
        what = f"{given.url} answers {reply.status}"
        return [Finding("registry", Verdict.WRONG, what, TODO["registry"])]
    known = set(reply.json())
    missing = [event.record_name() for event in event_classes().values() if event.record_name() not in known]
    if missing:
        todo = "start any process of AWOOOI: it registers its schemas"
        return [Finding("registry", Verdict.WARNING, f"not registered yet: {_some(missing)}", todo)]
    return [Finding("registry", Verdict.OK, f"{given.url} knows every schema")]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"
