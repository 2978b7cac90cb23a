"""`awoooi incident show INCIDENT`: how it stands, what people did, what its runs came to; from the record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from agents.visible import visible
from awoooi.printing import print_json, print_table
from awoooi.reading_commands import moment, read
from awoooi.settings import Settings
from schemas.errors import Misconfigured

if TYPE_CHECKING:
    from connectors.gateway.shown_incidents import Act, ExecutionStep, IncidentDetail
    from connectors.gateway.shown_runs import RunItem

WORDS = ("text", "note", "reason", "cause")
SHOWN_APART = frozenset({"at", "person", "act", "run_id", *WORDS})


def show(settings: Settings, incident: str, *, as_json: bool) -> None:
    found = read(settings, lambda record: record.incident(incident, None))
    if found is None:
        raise Misconfigured(f"the record has no {incident}; `awoooi incidents` lists what there is")
    if as_json:
        print_json(found.model_dump(mode="json", by_alias=True))
        return
    print("\n".join(visible(line) for line in _head(found)))
    _table("What people did", ("when", "who", "what", "words"), [_act_row(act) for act in found.acts])
    causes = dict(_causes(found))
    rows = [_run_row(run, causes) for run in sorted(found.runs, key=lambda run: run.number)]
    _table("Runs", ("run", "began", "because", "state", "cause"), rows)
    done = [_executed_row(step) for step in found.executions]
    _table("What was executed", ("when", "what", "went", "result", "because"), done)


def _head(found: IncidentDetail) -> Iterator[str]:
    incident = found.incident
    where = "/".join(filter(None, (incident.cluster, incident.namespace, incident.target_resource)))
    yield f"{incident.incident_id}  {incident.status}  {incident.severity}  {incident.alert_type}"
    yield f"{where}, project {incident.project_id}: {incident.message}"
    times = {"opened": incident.opened_at, "last seen": incident.last_seen_at, "closed": incident.resolved_at}
    yield ", ".join(
        [f"{incident.hit_count} alerts", *(f"{word} {moment(at)}" for word, at in times.items() if at)]
    )
    if any(act.act == "assign" for act in found.acts):
        yield f"It is {incident.assignee}'s." if incident.assignee else "It is nobody's."


def _causes(found: IncidentDetail) -> Iterator[tuple[str, str]]:
    """What each run's debate named; the first that it came to counts."""
    for turn in reversed(found.turns):
        if turn.agent == "coordinator":
            yield turn.run_id, (turn.body.get("hypothesis") or {}).get("cause", "")


def _act_row(act: Act) -> tuple[str, ...]:
    said = act.model_dump(mode="json")
    values = (f"{name}: {value}" for name, value in said.items() if value and name not in SHOWN_APART)
    plain = (said[name] for name in WORDS if said[name])
    return moment(act.at), act.person, act.act, " ".join("; ".join([*values, *plain]).split())


def _run_row(run: RunItem, causes: Mapping[str, str]) -> tuple[str, ...]:
    state = f"{run.state}, {run.reason}"
    return str(run.number), moment(run.created_at), run.trigger_type, state, causes.get(run.run_id, "")


def _executed_row(step: ExecutionStep) -> tuple[str, ...]:
    what = f"{step.operation} on {step.target}" + (", the undo" if step.undoes else "")
    return moment(step.at), what, step.step, step.result, " ".join(step.reason.split())


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        print(f"\n{title}")
        print_table(columns, rows)
