"""`awoooi explain INCIDENT`: the argument of a run, in its order, from the record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from awoooi.settings import Settings
from schemas.errors import AwoooiError

if TYPE_CHECKING:
    from agents.heard import Heard
    from schemas.decision import Package

KINDS = (
    "run.started",
    "evidence.collected",
    "rca.diagnosed",
    "rca.planned",
    "rca.reviewed",
    "rca.critiqued",
    "rca.decided",
)
SPOKEN = KINDS[2:6]
TURNS = """
SELECT type, event_id, run_id, recorded_at, payload
FROM
(
    SELECT type, event_id, run_id, recorded_at, payload
    FROM events
    WHERE (project_id, event_id) IN
    (
        SELECT project_id, event_id FROM incident_events
        WHERE incident_id = {incident:String} AND type IN {kinds:Array(String)}
    )
    ORDER BY version DESC LIMIT 1 BY project_id, event_id
)
ORDER BY recorded_at, type
"""
Row = Mapping[str, Any]


class NothingToExplain(AwoooiError):
    """The record has no ended debate of this incident; the message says what it has."""


def explain(settings: Settings, incident: str, run: int, *, as_json: bool) -> None:
    from agents.argument import argument
    from awoooi.record import ask

    rows = ask(settings, TURNS, {"incident": incident, "kinds": list(KINDS)})
    package, heard = debate_of(rows, incident, run)
    if as_json:
        print(package.model_dump_json(indent=2))
    else:
        print(argument(package, heard), end="")


def debate_of(rows: Sequence[Row], incident: str, run: int = 0) -> tuple[Package, Heard]:
    """How it ended, and who said what. The latest that has ended, where no run is named."""
    chosen = _of_run(rows, incident, run)
    decided = chosen.get("rca.decided")
    if decided is None:
        raise NothingToExplain(_under_way(chosen, incident))
    from schemas.codec import stored_payload
    from schemas.decision import RcaDecided

    package: Package = stored_payload(RcaDecided, decided["payload"])
    counted = {said.event_id for said in package.said}
    late = {kind for kind, row in chosen.items() if kind in SPOKEN and str(row["event_id"]) not in counted}
    return package, _heard({kind: row for kind, row in chosen.items() if kind not in late})


def _of_run(rows: Sequence[Row], incident: str, run: int) -> Mapping[str, Row]:
    """The first event of each type counts, as everywhere."""
    from schemas.ids import run_id

    runs: dict[str, dict[str, Row]] = {}
    for row in rows:
        runs.setdefault(str(row["run_id"]), {}).setdefault(str(row["type"]), row)
    if run:
        found = runs.get(run_id(incident, run))
        if found is None:
            raise NothingToExplain(f"{incident}: the record has no run {run}; it has {len(runs)}")
        return found
    if not runs:
        raise NothingToExplain(
            f"{incident}: the record has no run of it; `awoooi incidents` lists what there is"
        )
    ended = [found for found in runs.values() if "rca.decided" in found]
    return (ended or list(runs.values()))[-1]


def _under_way(chosen: Mapping[str, Row], incident: str) -> str:
    spoken = [kind for kind in KINDS[1:] if kind in chosen]
    so_far = f"so far there is {', '.join(spoken)}" if spoken else "nobody has spoken yet"
    return f"{incident}: its run has not ended; {so_far}"


def _heard(chosen: Mapping[str, Row]) -> Heard:
    from agents.heard import Heard
    from schemas.diagnosis import DiagnosedPayload
    from schemas.evidence import Brief
    from schemas.plan import PlannedPayload
    from schemas.turn import Agent
    from schemas.verdict import CritiquedPayload, ReviewedPayload

    parts: Mapping[str, tuple[str, Any, Agent | None]] = {
        "evidence.collected": ("brief", Brief, None),
        "rca.diagnosed": ("diagnosed", DiagnosedPayload, Agent.DIAGNOSTICIAN),
        "rca.planned": ("planned", PlannedPayload, Agent.SOLVER),
        "rca.reviewed": ("reviewed", ReviewedPayload, Agent.REVIEWER),
        "rca.critiqued": ("critiqued", CritiquedPayload, Agent.CRITIC),
    }
    first = chosen.get("run.started") or chosen["rca.decided"]
    heard = Heard(first["recorded_at"], first["recorded_at"])
    for kind, (part, model, agent) in parts.items():
        if kind in chosen:
            setattr(heard, part, model.model_validate_json(chosen[kind]["payload"]))
            if agent is not None:
                heard.event_ids[agent] = str(chosen[kind]["event_id"])
    return heard
