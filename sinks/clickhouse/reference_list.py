"""What is set rather than what happens: projects, revisions of policies, services."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import orjson

from connectors.gateway.reading import MOST_CONTRACTS, ContractFilter, Projects
from connectors.gateway.shown import Listed
from connectors.gateway.shown_rest import Contract, LifeCycle, Mode, Project
from schemas.topology import ServiceObserved
from sinks.clickhouse.asking import asked_within, within
from sinks.clickhouse.story import Ask, Row

MOST_SERVICES = 20_000
_SEEN = "SELECT project_id, min(recorded_at) AS first_at FROM incidents WHERE {whose} GROUP BY project_id"
_SWITCHES = """
SELECT JSONExtractString(payload, 'name') AS name,
       argMax(JSONExtractString(payload, 'state'), (recorded_at, kafka_offset)) AS state
FROM events FINAL
WHERE project_id = '' AND type = 'switch.set' AND JSONExtractString(payload, 'kind') = 'shadow'
GROUP BY name
"""
_POLICIES = """
SELECT toString(event_id) AS revision, project_id, actor, recorded_at, payload
FROM events FINAL
WHERE project_id = '' AND type = 'policy.applied'
ORDER BY recorded_at DESC, kafka_offset DESC LIMIT {most:UInt32}
"""
_SERVICES = """
SELECT argMax(payload, (recorded_at, kafka_offset)) AS told
FROM events
WHERE type = 'topology.observed' AND (project_id = '' OR {whose})
GROUP BY JSONExtractString(payload, 'subject')
LIMIT {most}
"""


async def projects(
    ask: Ask, whose: Projects, usd_limit: dict[str, float], usd_default: float
) -> Listed[Project]:
    """Those that have an incident, and those of the caller that have none yet."""
    seen = {
        row["project_id"]: row["first_at"]
        for row in await ask(_SEEN.format(whose=within(whose)), asked_within(whose))
    }
    shadows = {row["name"]: row["state"] for row in await ask(_SWITCHES, {})}
    names = sorted({*seen, *(whose or ())} - {""})
    items = (
        Project(
            project_id=name,
            display_name=name,
            mode=Mode.SHADOW if shadows.get(name) == "on" else Mode.LIVE,
            usd_limit=usd_limit.get(name, usd_default),
            active=name in seen,
            created_at=seen.get(name),
        )
        for name in names
    )
    return Listed[Project](items=tuple(items))


async def contracts(ask: Ask, wanted: ContractFilter) -> Listed[Contract]:
    """Newest first. A policy is everybody's: of one project there is none yet."""
    rows = () if wanted.project else await ask(_POLICIES, {"most": MOST_CONTRACTS})
    found = (contract for contract in _contracts(rows) if wanted.life_cycle in (None, contract.life_cycle))
    return Listed[Contract](items=tuple(found))


def _contracts(rows: Sequence[Row]) -> Iterator[Contract]:
    for number, row in enumerate(rows):
        told = orjson.loads(row["payload"])
        yield Contract(
            revision=row["revision"],
            contract_id=told["subject"],
            project_id=row["project_id"],
            family="policy",
            major=told["version"],
            minor=0,
            body_hash=told["hash"],
            life_cycle=LifeCycle.SUPERSEDED if number else LifeCycle.IN_FORCE,
            created_at=row["recorded_at"],
            created_by=row["actor"],
        )


async def services(ask: Ask, whose: Projects) -> list[ServiceObserved]:
    """The latest that each observer says of each service."""
    sql = _SERVICES.replace("{whose}", within(whose)).replace("{most}", str(MOST_SERVICES))
    rows = await ask(sql, asked_within(whose))
    return [ServiceObserved.model_validate_json(row["told"]) for row in rows]
