"""`awoooi doctor`: every address, permission and schema, in plain words, and what to do about each fault."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import asdict

from awoooi import check_actions as named
from awoooi import check_audit as proving
from awoooi import check_clusters as clusters
from awoooi import check_executor as acting
from awoooi import check_log_in as entering
from awoooi import check_mcp as calling
from awoooi import check_prometheus as measuring
from awoooi import checks_here as here
from awoooi import checks_models as answering
from awoooi import checks_there as there
from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from awoooi.logs import quiet
from awoooi.printing import print_json
from schemas.errors import AwoooiError

PATIENCE_SECS = 20
HERE = (here.files, here.keys, here.tokens, here.sources, here.signers, proving.audit, here.disk)
THERE = (
    there.topics,
    there.clickhouse,
    there.reader,
    there.gateway,
    entering.log_in,
    there.worker,
    there.sink,
    there.registry,
    answering.models,
    measuring.prometheus,
    clusters.kubernetes,
    acting.executor,
    named.actions,
    calling.mcp,
)
# Where a check cannot even be made.
TODO = {
    "sources": "correct AWOOOI_SOURCES, AWOOOI_MAPPINGS_FILE, or the package that is named",
    "topics": "start the broker, or name one with AWOOOI_KAFKA_BOOTSTRAP_SERVERS",
    "audit": "correct AWOOOI_AUDIT_KEY_FILE, _PUBLIC_KEY_FILE, _HEADS_FILE",
    "clickhouse": "start it (here: `awoooi store`), or correct AWOOOI_CLICKHOUSE_URL, _USER, _PASSWORD",
    "reader": "start it, or correct AWOOOI_CLICKHOUSE_READER_USER, _READER_PASSWORD",
    "gateway": "start it: `awoooi gateway`, or `awoooi up` for everything",
    "log-in": "correct AWOOOI_OIDC_ISSUER",
    "worker": "start it: `awoooi worker ingest`, or `awoooi up` for everything",
    "sink": "start it: `awoooi sink`, or `awoooi up` for everything",
    "registry": "correct AWOOOI_REGISTRY_URL, _USER, _PASSWORD",
    "kubernetes": "look at its API server, or correct AWOOOI_KUBERNETES_CLUSTERS",
    "executor": "look at its API server, or correct AWOOOI_EXECUTOR_CLUSTERS",
    "actions": "correct AWOOOI_ACTIONS_FILE, AWOOOI_EXECUTORS, AWOOOI_EXECUTOR_OPTIONS",
    "mcp": "correct AWOOOI_MCP_SERVERS, or what its server needs",
    "prometheus": "correct AWOOOI_PROMETHEUS_URL or its log-in",
    "models": "correct the settings named, or leave the provider out of AWOOOI_MODELS_ORDER",
}

Check = Callable[[Loaded], Awaitable[Sequence[Finding]]]


def run(loaded: Loaded, *, as_json: bool) -> int:
    """Exit status: 1 where something is wrong; a warning alone is none."""
    quiet()
    findings = asyncio.run(_examine(loaded))
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        show(findings)
    return 1 if any(finding.verdict is Verdict.WRONG for finding in findings) else 0


def show(findings: Sequence[Finding]) -> None:
    """What needs somebody stands last, where it is seen."""
    for verdict in Verdict:
        lines = [line for finding in findings if finding.verdict is verdict for line in _lines(finding)]
        if lines:
            print(*lines, sep="\n", end="\n\n")
    wrong = sum(finding.verdict is Verdict.WRONG for finding in findings)
    print(f"{wrong} of {len(findings)} checks failed." if wrong else "All is well.")


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.verdict.value:8} {finding.part:16} {finding.what}"
    if finding.todo:
        yield f"{'':25} → {finding.todo}"


async def _examine(loaded: Loaded) -> list[Finding]:
    """All at once; a check that cannot be made is a finding of its own."""
    found = await asyncio.gather(*(_made(check, loaded) for check in (*HERE, *THERE)))
    return [finding for findings in found for finding in findings]


async def _made(check: Check, loaded: Loaded) -> Sequence[Finding]:
    name = check.__name__
    try:
        async with asyncio.timeout(PATIENCE_SECS):
            return await check(loaded)
    except AwoooiError as error:
        return [Finding(name, Verdict.WRONG, str(error), TODO.get(name, ""))]
    except TimeoutError:
        return [Finding(name, Verdict.WRONG, f"no answer within {PATIENCE_SECS} s", TODO.get(name, ""))]
