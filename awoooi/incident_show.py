"""`awoooi incident show INCIDENT`: how it stands, what people did, what its runs came to; from the record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.visible import visible
from awoooi.printing import as_text, print_json, print_table
from awoooi.record import Rows, ask
from awoooi.settings import Settings
from connectors.gateway.act_kinds import ACTS
from schemas.catalog import topic
from schemas.errors import Misconfigured

Row = Mapping[str, Any]
INCIDENT = "SELECT * FROM v_incidents WHERE incident_id = {incident:String}"
STEPS = """
SELECT recorded_at, type, actor, run_id, payload
FROM events FINAL
WHERE (project_id, event_id) IN
(
    SELECT project_id, event_id
    FROM incident_events FINAL
    WHERE project_id = {project:String} AND incident_id = {incident:String} AND type IN {kinds:Array(String)}
)
ORDER BY recorded_at, kafka_offset
"""
DONE = {act.event.type_name(): act.name for act in ACTS.values()}
WORDS = ("text", "note", "reason", "cause")
SHOWN_APART = frozenset({"at", "person", "act", "incident_id", "fingerprint", "run_id", *WORDS})
EXECUTIONS = tuple(event.type_name() for event in topic("executions").events)
RUN_STEPS = ("run.started", "rca.decided", "run.cancelled", "run.finished")


def show(settings: Settings, incident: str, *, as_json: bool) -> None:
    found = ask(settings, INCIDENT, {"incident": incident})
    if not found:
        raise Misconfigured(f"the record has no {incident}; `awoooi incidents` lists what there is")
    kinds = [*DONE, *RUN_STEPS, *EXECUTIONS]
    asked = {"project": found[0]["project_id"], "incident": incident, "kinds": kinds}
    steps = ask(settings, STEPS, asked)
    acts, runs, executed = list(acts_of(steps)), runs_of(steps), list(executed_of(steps))
    if as_json:
        plain = {name: as_text(value) for name, value in found[0].items()}
        print_json({"incident": plain, "acts": acts, "runs": runs, "executions": executed})
        return
    print("\n".join(visible(line) for line in _head(found[0], acts)))
    _table("What people did", ("when", "who", "what", "words"), [_act_row(act) for act in acts])
    _table("Runs", ("run", "began", "because", "state", "cause"), [_run_row(run) for run in runs])
    rows = [_executed_row(step) for step in executed]
    _table("What was executed", ("when", "what", "went", "result", "because"), rows)


def acts_of(steps: Rows) -> Iterator[dict[str, Any]]:
    for step in steps:
        if step["type"] in DONE:
            said = json.loads(step["payload"])
            yield {
                "at": as_text(step["recorded_at"]),
                "person": step["actor"],
                "act": DONE[step["type"]],
                **{name: value for name, value in said.items() if value},
            }


def runs_of(steps: Rows) -> list[dict[str, Any]]:
    """By their numbers; the last word on each counts."""
    runs: dict[str, dict[str, Any]] = {}
    for step in steps:
        if step["type"] not in RUN_STEPS:
            continue
        run, said = runs.setdefault(step["run_id"], {"state": "running"}), json.loads(step["payload"])
        if step["type"] == "run.started":
            run.update(number=said["number"], because=said["reason"], began=as_text(step["recorded_at"]))
        elif step["type"] == "rca.decided":
            run["cause"] = (said.get("hypothesis") or {}).get("cause", "")
        else:
            run.update(number=said["number"], state=said["state"], reason=said["reason"])
    return sorted(runs.values(), key=lambda run: run.get("number", 0))


def executed_of(steps: Rows) -> Iterator[dict[str, Any]]:
    """Each step of what was executed, looked at and taken back."""
    for step in steps:
        if step["type"] in EXECUTIONS:
            said = json.loads(step["payload"])
            action, undoes = said["action"], said.get("undoes") or ""
            done = (undoes and action.get("undo")) or action["step"]
            place = done["target"]
            yield {
                "at": as_text(step["recorded_at"]),
                "step": step["type"].removeprefix("execution."),
                "operation": done["operation"],
                "target": "/".join(filter(None, (place["namespace"], place["kind"], place["name"]))),
                "undoes": undoes,
                "result": said.get("result") or "",
                "reason": said.get("reason") or "",
                "action_id": said["action_id"],
            }


def _head(incident: Row, acts: Sequence[Row]) -> Iterator[str]:
    where = "/".join(filter(None, (incident["cluster"], incident["namespace"], incident["target_resource"])))
    yield f"{incident['incident_id']}  {incident['status']}  {incident['severity']}  {incident['alert_type']}"
    yield f"{where}, project {incident['project_id']}: {incident['message']}"
    times = {"opened": "opened_at", "last seen": "last_seen_at", "closed": "resolved_at"}
    told = [f"{word} {_moment(incident[name])}" for word, name in times.items() if incident[name]]
    yield ", ".join([f"{incident['hit_count']} alerts", *told])
    assigned = [act for act in acts if act["act"] == "assign"]
    if assigned:
        whose = assigned[-1].get("assignee")
        yield f"It is {whose}'s." if whose else "It is nobody's."


def _act_row(act: Row) -> tuple[str, ...]:
    said = (f"{name}: {value}" for name, value in act.items() if name not in SHOWN_APART)
    plain = [str(act[name]) for name in WORDS if name in act]
    return _moment(act["at"]), act["person"], act["act"], " ".join("; ".join([*said, *plain]).split())


_SHOWN_APART = (
    "at",
    "person",
    "act",
    "text",
    "note",
    "reason",
    "cause",
    "incident_id",
    "fingerprint",
    "run_id",
)


def _run_row(run: Row) -> tuple[str, ...]:
    state = f"{run['state']}, {run['reason']}" if "reason" in run else run["state"]
    began = _moment(run["began"]) if "began" in run else ""
    return str(run.get("number", "")), began, run.get("because", ""), state, run.get("cause") or ""


def _executed_row(step: Row) -> tuple[str, ...]:
    what = f"{step['operation']} on {step['target']}" + (", the undo" if step["undoes"] else "")
    return _moment(step["at"]), what, step["step"], step["result"], " ".join(step["reason"].split())


def _moment(value: Any) -> str:
    return str(as_text(value)).replace("T", " ")[:19]


def _table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        print(f"\n{title}")
        print_table(columns, rows)
