"""What is set rather than what happens: projects, revisions of the policy and of playbooks, services."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from connectors.gateway.reading import MOST_CONTRACTS, ContractFilter, Projects
from connectors.gateway.shown import Listed
from connectors.gateway.shown_rest import Contract, LifeCycle, Mode, Project
from schemas.topology import ServiceObserved
from sinks.clickhouse.asking import asked_within, within
from sinks.clickhouse.contracts import contracts_sql
from sinks.clickhouse.story import Ask, Row

MOST_SERVICES = 20_000
Budgets: TypeAlias = Callable[[str], float]
"""what a project's models may cost a day by the settings; 0: no limit"""
_PROJECTS = """
SELECT project_id, display_name, mode, usd_limit, active, created_at
FROM v_projects WHERE {whose} ORDER BY project_id
"""
_SERVICES = """
SELECT argMax(payload, (recorded_at, kafka_offset)) AS told
FROM events
WHERE type = 'topology.observed' AND (project_id = '' OR {whose})
GROUP BY JSONExtractString(payload, 'subject')
LIMIT {most}
"""


async def projects(ask: Ask, whose: Projects, budgets: Budgets) -> Listed[Project]:
    """Those the record has heard of, and those of the caller of which it has not yet."""
    rows = await ask(_PROJECTS.format(whose=within(whose)), asked_within(whose))
    known = {row["project_id"]: _known(row, budgets(row["project_id"])) for row in rows}
    names = sorted({*known, *(whose or ())})
    return Listed[Project](items=tuple(known.get(name) or _unheard(name, budgets(name)) for name in names))


def _known(row: Row, usd_limit: float) -> Project:
    """The limit that is agreed for it; where none is, the one in force."""
    return Project(**{**row, "usd_limit": row["usd_limit"] or usd_limit})


def _unheard(name: str, usd_limit: float) -> Project:
    return Project(
        project_id=name, display_name=name, mode=Mode.LIVE, usd_limit=usd_limit, active=True, created_at=None
    )


async def contracts(ask: Ask, wanted: ContractFilter, whose: Projects) -> Listed[Contract]:
    """Newest first. They are everybody's: no project has a policy or a playbook of its own."""
    if wanted.project:
        return Listed[Contract](items=())
    chosen = f"SELECT * FROM ({contracts_sql(within(whose))}) WHERE {{life:String}} IN ('', life_cycle)"
    newest = "ORDER BY recorded_at DESC, contract_id, number DESC LIMIT {most:UInt32}"
    asked = {**asked_within(whose), "life": wanted.life_cycle or "", "most": MOST_CONTRACTS}
    return Listed[Contract](items=tuple(map(_contract, await ask(f"{chosen} {newest}", asked))))


def _contract(row: Row) -> Contract:
    return Contract(
        revision=row["revision"],
        contract_id=row["contract_id"],
        project_id=row["project_id"],
        family=row["family"],
        major=row["number"],
        minor=0,
        body_hash=row["hash"],
        life_cycle=LifeCycle(row["life_cycle"]),
        created_at=row["recorded_at"],
        created_by=row["actor"],
        decisions=row["decisions"],
    )


async def services(ask: Ask, whose: Projects) -> list[ServiceObserved]:
    """The latest that each observer says of each service."""
    sql = _SERVICES.replace("{whose}", within(whose)).replace("{most}", str(MOST_SERVICES))
    rows = await ask(sql, asked_within(whose))
    return [ServiceObserved.model_validate_json(row["told"]) for row in rows]
