"""The doctor's checks of what is reached over the network: broker, ClickHouse, registry, our processes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from awoooi.parts import ready_url, reasons
from connectors.http import HttpClient
from connectors.kafka.config import KafkaConfig
from schemas.catalog import event_classes
from schemas.errors import BrokerAway

if TYPE_CHECKING:
    from connectors.kafka.admin import Difference

MOST_NAMED = 5
PROBE_ROWS = "INSERT INTO rejected (project_id) SELECT 'doctor' WHERE 0"  # nothing, if it were allowed
UNPROVEN = """
SELECT count() AS n FROM v_rejected WHERE reason = 'bad_stamp' AND recorded_at > now() - INTERVAL 1 HOUR
"""
NOT_ALLOWED = {164, 497}  # ClickHouse: READONLY, ACCESS_DENIED


async def topics(loaded: Loaded) -> list[Finding]:
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

    from connectors.kafka.unreached import away, told_by_us

    admin = AIOKafkaAdminClient(**kafka.client_options())
    with told_by_us() as unreached:
        try:
            await admin.start()
            return set(await admin.list_topics())
        except (KafkaError, OSError) as error:
            raise BrokerAway(away(kafka.bootstrap_servers, error, unreached)) from error
        finally:
            await admin.close()


async def clickhouse(loaded: Loaded) -> list[Finding]:
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


async def reader(loaded: Loaded) -> list[Finding]:
    """It can read, and it cannot write."""
    from sinks.clickhouse.client import connected
    from sinks.clickhouse.errors import Away, Refused

    config = loaded.settings.clickhouse.reader()
    async with connected(config) as client:
        unproven = (await client.ask(UNPROVEN))[0]["n"]
        findings = [_stamps(unproven)]
        try:
            await client.command(PROBE_ROWS)
        except (Away, Refused) as error:
            if error.code in NOT_ALLOWED:
                return [*findings, Finding("reader", Verdict.OK, f"{config.user} can read and cannot write")]
            raise
    todo = "give it the read-only profile and grants of deploy/clickhouse"
    return [*findings, Finding("reader", Verdict.WRONG, f"{config.user} can write", todo)]


def _stamps(unproven: int) -> Finding:
    """Whether two processes hold one secret shows in what one of them makes of the other's stamps."""
    if not unproven:
        return Finding("stamps", Verdict.OK, "every stamp of the last hour was verified")
    what = f"{unproven} records of the last hour carried a stamp that does not verify"
    todo = "give gateway and worker the same AWOOOI_GATEWAY_STAMP_SECRET, then `awoooi replay rejected`"
    return Finding("stamps", Verdict.WRONG, what, todo)


async def gateway(loaded: Loaded) -> list[Finding]:
    gateway = loaded.settings.gateway
    return [await _ready("gateway", gateway.host, gateway.port)]


async def worker(loaded: Loaded) -> list[Finding]:
    health = loaded.settings.health
    return [await _ready("worker", health.host, health.ingest_port)]


async def sink(loaded: Loaded) -> list[Finding]:
    health = loaded.settings.health
    return [await _ready("sink", health.host, health.sink_port)]


async def _ready(part: str, host: str, port: int) -> Finding:
    url = ready_url(host, port)
    async with HttpClient(timeout_secs=3.0) as http:
        reply = await http.get(url)
    if reply.ok:
        return Finding(part, Verdict.OK, f"{url} says it is ready")
    return Finding(part, Verdict.WRONG, f"not ready: {reasons(reply.body)}", f"its log says more; {url}")


async def registry(loaded: Loaded) -> list[Finding]:
    given = loaded.settings.registry
    if given.url is None:
        return [Finding("registry", Verdict.OK, "none is used: events carry their schema's fingerprint")]
    ca_file = None if given.ca_file is None else str(given.ca_file)
    async with HttpClient(timeout_secs=5.0, basic_auth=given.login(), ca_file=ca_file) as http:
        reply = await http.get(f"{given.url.rstrip('/')}/subjects")
    if not reply.ok:
        what = f"{given.url} answers {reply.status}"
        return [Finding("registry", Verdict.WRONG, what, "correct AWOOOI_REGISTRY_URL, _USER, _PASSWORD")]
    known = set(reply.json())
    missing = [event.record_name() for event in event_classes().values() if event.record_name() not in known]
    if missing:
        todo = "start any process of AWOOOI: it registers its schemas"
        return [Finding("registry", Verdict.WARNING, f"not registered yet: {_some(missing)}", todo)]
    return [Finding("registry", Verdict.OK, f"{given.url} knows every schema")]


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(names[:MOST_NAMED])
    return shown if len(names) <= MOST_NAMED else f"{shown} and {len(names) - MOST_NAMED} more"
