"""`awoooi runs|timeline|approvals`: what the console shows, on a terminal, from the record.

The same questions as the API's, asked as the user who can only read.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from agents.visible import visible
from awoooi.logs import quiet
from awoooi.printing import print_json, print_table
from awoooi.settings import Settings
from schemas.errors import Misconfigured

if TYPE_CHECKING:
    from connectors.gateway.reading import Filter
    from connectors.gateway.shown_approvals import Card
    from connectors.gateway.shown_runs import RunItem, TimelineItem
    from sinks.clickhouse.reading import Reading

T = TypeVar("T")
F = TypeVar("F", bound="Filter")
INCIDENT = re.compile(r"INC-[0-9]{8}-[A-Z0-9]{10}")
RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def read(settings: Settings, question: Callable[[Reading], Awaitable[T]]) -> T:
    from awoooi.reading_desk import facts_of
    from sinks.clickhouse.client import connected
    from sinks.clickhouse.reading import Reading

    quiet()

    async def asked() -> T:
        async with connected(settings.clickhouse.reader()) as client:
            return await question(Reading(client.ask, facts_of(settings)))

    return asyncio.run(asked())


def wanted(kind: type[F], **said: Any) -> F:
    """What is asked for; Misconfigured, with what is allowed, where there is no such thing."""
    try:
        return kind(**said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        told = str(first["msg"]).replace("Input should", "should").replace("String should", "should")
        raise Misconfigured(f"{first['loc'][-1]}: {told}") from None


def runs(settings: Settings, *, as_json: bool, **said: Any) -> None:
    from connectors.gateway.reading import RunFilter

    asked = wanted(RunFilter, **said)
    page = read(settings, lambda record: record.runs(asked, None))
    if as_json:
        _print_models(page.items)
        return
    columns = ("run", "state", "because", "incident", "agent", "steps", "USD", "remediation", "created")
    _table(
        columns,
        [_run_row(run) for run in page.items],
        "No such runs." if any(said.values()) else "No runs yet.",
    )
    _more(len(page.items), page.total)


def timeline(settings: Settings, named: str, *, as_json: bool) -> None:
    """Of a run, or of an incident with all of its runs."""
    if RUN.fullmatch(named):
        run = read(settings, lambda record: record.run(named, None))
        items = None if run is None else run.timeline
    elif INCIDENT.fullmatch(named):
        incident = read(settings, lambda record: record.incident(named, None))
        items = None if incident is None else incident.timeline
    else:
        raise Misconfigured(f"{named!r} is neither a run's id nor an incident's; `awoooi runs` lists both")
    if items is None:
        raise Misconfigured(
            f"the record has no {named}; `awoooi runs` and `awoooi incidents` list what there is"
        )
    if as_json:
        _print_models(items)
        return
    _table(
        ("when", "kind", "what", "status", "more"), [_timeline_row(item) for item in items], "Nothing yet."
    )


def approvals(settings: Settings, project: str, *, decided: bool, as_json: bool) -> None:
    from connectors.gateway.reading import ApprovalFilter
    from connectors.gateway.shown_approvals import Which

    asked = wanted(ApprovalFilter, state=Which.DECIDED if decided else Which.WAITING, project=project)
    page = read(settings, lambda record: record.approvals(asked, None))
    if as_json:
        _print_models(page.items)
        return
    columns = ("approval", "state", "risk", "what", "signed", "by", "until")
    nothing = "Nothing was decided yet." if decided else "Nothing waits for anybody."
    _table(columns, [_card_row(card) for card in page.items], nothing)
    _more(len(page.items), page.total)


def moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at else ""


def _run_row(run: RunItem) -> tuple[str, ...]:
    served = run.incident_ids[0] if len(run.incident_ids) == 1 else f"{len(run.incident_ids)} incidents"
    cost = f"{run.cost_usd:.4f}" if run.cost_usd else ""
    status = run.remediation_status.value
    made = moment(run.created_at)
    return run.run_id, run.state.value, run.reason, served, run.agent, str(run.steps), cost, status, made


def _timeline_row(item: TimelineItem) -> tuple[str, ...]:
    return moment(item.at), item.kind.value, item.title, item.status, item.summary


def _card_row(card: Card) -> tuple[str, ...]:
    place = card.action.target
    where = "/".join(filter(None, (place.namespace, place.kind, place.name)))
    signed = [vote.person for vote in card.signed]
    count = f"{card.required - card.missing} of {card.required}"
    what = f"{card.action.operation} on {where}" if where else card.action.operation
    return (
        card.approval_id,
        card.state.value,
        card.risk,
        what,
        count,
        ", ".join(signed),
        moment(card.expires_at),
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]], nothing: str) -> None:
    if rows:
        print_table(columns, rows)
    else:
        print(nothing)


def _more(shown: int, total: int) -> None:
    if shown < total:
        print(visible(f"\n{total - shown} more; --page-size shows up to 200, --page the next."))


def _print_models(items: Sequence[BaseModel]) -> None:
    print_json([item.model_dump(mode="json", by_alias=True) for item in items])
