"""What people are asked, and were: approvals as cards."""

# ruff: noqa: S608 (our own text; every value is a parameter)

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import orjson

from connectors.gateway.reading import ApprovalFilter, Projects
from connectors.gateway.shown import Page
from connectors.gateway.shown_approvals import (
    Asked,
    Blast,
    Card,
    Money,
    Place,
    PolicyShown,
    PreflightCheck,
    PreflightShown,
    Signed,
    Which,
)
from sinks.clickhouse.asking import asked_within, each, page_of, within
from sinks.clickhouse.story import Ask, Row

WAITING = "WAITING"
ToSign: TypeAlias = Callable[[str], Mapping[str, Any] | None]
"""what a request's hash is over, from its payload as it is stored; None where that cannot be told"""


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What a card says that the record does not know."""

    audience: str
    to_sign: ToSign


_ORDER = {Which.WAITING: "created_at, approval_id", Which.DECIDED: "closed_at DESC, approval_id"}
_CARDS = """
SELECT project_id, incident_id, approval_id, run_id, state, state_reason, created_at, expires_at, closed_at,
       request
FROM v_approvals
WHERE project_id IN {projects:Array(String)} AND incident_id IN {incidents:Array(String)}
"""
_VOTES = """
SELECT project_id, approval_id, person, decision, recorded_at, reason, jti
FROM v_votes
WHERE project_id IN {projects:Array(String)} AND incident_id IN {incidents:Array(String)}
  AND result = 'counted'
ORDER BY recorded_at
"""
_UPSTREAM = """
SELECT run_id, arrayDistinct(JSONExtract(payload, 'surroundings',
       'Tuple(upstream Array(Tuple(service String)))').1.1) AS services
FROM events
WHERE project_id IN {projects:Array(String)} AND event_id IN
(
    SELECT event_id FROM run_events
    WHERE project_id IN {projects:Array(String)} AND run_id IN {runs:Array(String)}
      AND type = 'evidence.collected'
)
ORDER BY version DESC LIMIT 1 BY run_id
"""
_BY_RUN = "SELECT incident_id, approval_id FROM v_runs WHERE run_id = {{run:String}} AND {whose}"
_AMOUNT = re.compile(r"(?:\$|USD\s?)\s?([0-9][0-9,]*(?:\.[0-9]+)?)|([0-9][0-9,]*(?:\.[0-9]+)?)\s?(?:USD|\$)")


async def approvals(ask: Ask, wanted: ApprovalFilter, projects: Projects, facts: CardFacts) -> Page[Card]:
    """The ids of the page first: a list must not read every request there ever was.

    A vote or an end may stand in the record without its request, which it is still to take in, or has lost.
    """
    sign = "=" if wanted.state is Which.WAITING else "!="
    source = f"v_approvals WHERE {within(projects)} AND created_at IS NOT NULL AND state {sign} '{WAITING}'"
    columns = "project_id, incident_id, approval_id, created_at, closed_at"
    rows, total = await page_of(ask, columns, source, _ORDER[wanted.state], wanted, asked_within(projects))
    found = await _cards(ask, rows, facts)
    cards = (found.get((row["project_id"], row["approval_id"])) for row in rows)
    return Page[Card](items=tuple(filter(None, cards)), total=total, **wanted.place)


async def approval(ask: Ask, named: str, projects: Projects, facts: CardFacts) -> Card | None:
    """By its own id, or by that of its run."""
    approval_id = named if "-A" in named else await _of_run(ask, named, projects)
    incident_id = approval_id.rpartition("-A")[0]
    rows = await ask(
        f"SELECT DISTINCT project_id, incident_id FROM approvals"
        f" WHERE incident_id = {{incident:String}} AND {within(projects)}",
        {**asked_within(projects), "incident": incident_id},
    )
    found = await _cards(ask, rows, facts)
    return next((card for (_, name), card in found.items() if name == approval_id), None)


async def approvals_of(ask: Ask, project: str, incident: str, facts: CardFacts) -> tuple[Card, ...]:
    """Of one incident, in their order."""
    found = await _cards(ask, [{"project_id": project, "incident_id": incident}], facts)
    return tuple(sorted(found.values(), key=lambda card: card.created_at))


async def _of_run(ask: Ask, run: str, projects: Projects) -> str:
    asked = {**asked_within(projects), "run": run}
    rows = await ask(_BY_RUN.format(whose=within(projects)), asked)
    return rows[0]["approval_id"] if rows else ""


async def _cards(ask: Ask, of: Sequence[Row], facts: CardFacts) -> Mapping[tuple[str, str], Card]:
    """Of these incidents, by project and approval."""
    if not of:
        return {}
    asked = {"projects": each(of, "project_id"), "incidents": each(of, "incident_id")}
    found, votes = await asyncio.gather(ask(_CARDS, asked), ask(_VOTES, asked))
    rows = [row for row in found if row["request"]]
    signed: dict[tuple[str, str], list[Signed]] = defaultdict(list)
    for vote in votes:
        signed[vote["project_id"], vote["approval_id"]].append(
            Signed(
                person=vote["person"],
                decision=vote["decision"],
                at=vote["recorded_at"],
                reason=vote["reason"],
                jti=vote["jti"],
            )
        )
    reached = await ask(_UPSTREAM, {**asked, "runs": each(rows, "run_id")}) if rows else ()
    services = {row["run_id"]: row["services"] for row in reached}
    keys = [(row["project_id"], row["approval_id"]) for row in rows]
    return {
        key: card_of(row, signed.get(key, ()), services.get(row["run_id"], ()), facts)
        for key, row in zip(keys, rows, strict=True)
    }


def card_of(row: Row, signed: Sequence[Signed], services: Sequence[str], facts: CardFacts) -> Card:
    """From the request as it was asked, and what became of it."""
    asked: dict[str, Any] = orjson.loads(row["request"])
    action, needed = asked["action"], asked["needed"]
    assessment = asked["assessment"] or {}
    people = {vote.person for vote in signed if vote.decision == "approve"}
    return Card(
        approval_id=row["approval_id"],
        project_id=row["project_id"],
        incident_id=row["incident_id"],
        run_id=row["run_id"],
        state=row["state"],
        state_reason=row["state_reason"],
        action=_asked(action),
        action_hash=asked["action_hash"],
        to_sign=facts.to_sign(row["request"]),
        why=asked["reason"],
        cause=asked["root_cause"],
        confidence=asked["confidence"],
        risk=assessment.get("effective") or action["risk"],
        risk_parts=tuple(part["why"] for part in assessment.get("parts", ())),
        blast_radius=Blast(services=tuple(services), count=len(services), score=action["blast_radius"]),
        money=money_of(asked["money_at_stake"]),
        preflight=_preflight(asked),
        policy=PolicyShown(
            version=asked["policy"]["version"], rule=asked["rule"], hash=asked["policy"]["hash"]
        ),
        required=needed["signatures"],
        roles_needed=tuple(needed["each"] or needed["roles"]),
        each_role=bool(needed["each"]),
        signed=tuple(signed),
        missing=max(0, needed["signatures"] - len(people)),
        proposed_by=asked["proposed_by"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        closed_at=row["closed_at"],
        audience=facts.audience,
    )


def _asked(action: Mapping[str, Any]) -> Asked:
    step, undo = action["step"], action["undo"]
    place = {name: step["target"][name] for name in Place.model_fields}
    return Asked(
        operation=step["operation"],
        target=Place(**place),
        parameters={name: value for name, value in step["parameters"].items() if value not in (None, {})},
        text=action["description"],
        command=action["command"],
        expected_effect=action["expected_effect"],
        undo=undo["operation"] if undo else "",
        warnings=tuple(action["warnings"]),
    )


def _preflight(asked: Mapping[str, Any]) -> PreflightShown:
    checks = (
        PreflightCheck(name=check["name"], passed=check["passed"], detail=check["message"])
        for check in asked["checks"]
    )
    return PreflightShown(result=asked["preflight"], checks=tuple(checks))


def money_of(said: str) -> Money | None:
    """An amount with its currency, in words; in dollars where it says so."""
    if said in ("", "unknown"):
        return None
    found = _AMOUNT.search(said)
    amount = (found[1] or found[2]).replace(",", "") if found else ""
    return Money(usd=float(amount) if amount else None, basis=said)
