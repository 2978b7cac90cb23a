"""Decides what becomes of each run's recommendation, once. Key: incident. Rules only, and quick.

It waits a little for the checks before a proposal, then takes them as unavailable. What it asks people for
stands on `approvals.requests`, what policy allows without them on `authorizations`; `decisions` tells all.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from prometheus_client import Counter

from schemas import ids
from schemas.approval import ApprovalRequest, ApprovalRequested
from schemas.decision import Package, RcaDecided
from schemas.envelope import Event
from schemas.errors import BadPayload, Never
from schemas.incident import IncidentSilenced
from schemas.operations import NAMED, Operation
from schemas.outcome import Basis, Decision, DecisionMade, Outcome, PolicyMark
from schemas.preflight import Preflight, PreflightChecked, PreflightStatus
from schemas.run import RunCancelled
from schemas.silence import QuietKind
from streams import windows
from streams.policy.action_hash import Act, action_hash
from streams.policy.asking import asked_of, workload_of
from streams.policy.authorizations import automatic, seen_by
from streams.policy.gate import Asked, Standing, Verdict, decide
from streams.policy.policy import Policy
from streams.policy.proof import proven
from streams.policy.trust import trust_key
from streams.policy.world import World
from streams.runner import stage_failed
from streams.stage import Events, Keyed, KeyedBase, Now, Record, State, about_run, pack, unpack

PREFLIGHT_WAIT_MS = 30_000
MOST_ENDED = 5
KEPT_AFTER_END = windows.DAY
SEEN_UNDOS = (Operation.SET_RESOURCES, Operation.DELETE_PVC, *NAMED)
"""what takes them back is known from the target, or from the configuration, alone"""
LATE = "no checks came in time"
NONE_NEEDED = "nothing was to be checked"
OTHER = "the checks were made of another action"
NO_KEY = "there is no key to prove it with to the executor"
CANCELLED = RunCancelled.type_name().encode()
MOST_INHIBITED = 5
NEVER = 2**53
SILENCED = IncidentSilenced.type_name()
CLOSED, OPENED = ("incident.resolved", "incident.expired"), ("incident.opened", "incident.reopened")
DECIDED = Counter("awoooi_decisions_total", "What the gate decided, by outcome and rule", ["outcome", "rule"])


@dataclass(slots=True)
class Gated(State):
    """Of one incident. Events are kept as JSON, as they were read."""

    waiting: dict[str, tuple[str, int]] = field(default_factory=dict)
    """run → its decision package, and how long its checks are waited for"""
    early: dict[str, str] = field(default_factory=dict)
    """run → checks that were read before the package: topics have no order between them"""
    ended: dict[str, int] = field(default_factory=dict)
    """run → when, in epoch milliseconds; the latest few"""
    resolved: bool = False
    touched_at: int = 0
    inhibited: dict[str, str] = field(default_factory=dict)
    """by what its alert's sender inhibits it, and why: no list of silences tells"""
    forgotten: bool = False


class Gate(KeyedBase[Gated]):
    name = "gate"
    reads: tuple[str, ...] = ("rca.decisions", "preflights", "incidents", "runs")

    def __init__(self, world: World, epoch: str = "", key: bytes | None = None) -> None:
        """`key` proves to the executor what was decided here; without it nothing goes by itself."""
        self._world, self._epoch, self._key = world, epoch, key

    # -- the row

    def load(self, key: bytes, row: bytes | None) -> Gated:
        if row is None:
            return Gated()
        _, seen, waiting, early, ended, resolved, touched_at, *later = unpack(row)
        kept = {run: (package, until) for run, (package, until) in waiting.items()}
        return Gated(seen, False, kept, early, ended, resolved, touched_at, *later)

    def dump(self, state: Gated) -> bytes | None:
        if state.forgotten:
            return None
        facts = [state.waiting, state.early, state.ended, state.resolved, state.touched_at]
        inhibited = [state.inhibited] if state.inhibited else []
        return pack([_due(state), state.seen, *facts, *inhibited])

    def due(self, row: bytes) -> int | None:
        return int(row[1 : row.index(b",")])

    # -- what is read

    async def handle(self, record: Record, state: Gated, now: Now) -> Events:
        if record.topic == "incidents":
            return self._incident(record, state, now)
        if record.topic == "runs":
            return self._called_off(record, state, now)
        event, at = record.event, min(record.timestamp, now.millis)
        events: Events = ()
        if isinstance(event, RcaDecided) and event.run_id not in state.ended:
            events = self._package(event, at, state, now)
        if isinstance(event, PreflightChecked) and event.run_id not in state.ended:
            events = self._checks(event, state, now)
        state.touched_at = max(state.touched_at, at)
        self.note(record, state)
        return events

    def _incident(self, record: Record, state: Gated, now: Now) -> Events:
        """Repeats are told by their header, and change nothing here."""
        kind = (record.header("ce_type") or b"").decode() or record.event.type
        if kind in (*CLOSED, *OPENED) and state.resolved != (kind in CLOSED):
            state.resolved = kind in CLOSED
            state.touched_at = max(state.touched_at, min(record.timestamp, now.millis))
            self.note(record, state)
        if kind == SILENCED and isinstance(record.event, IncidentSilenced):
            self._silenced(record.event, state)
            state.touched_at = max(state.touched_at, min(record.timestamp, now.millis))
            self.note(record, state)
        return ()

    def _silenced(self, event: IncidentSilenced, state: Gated) -> None:
        """An inhibition is its sender's alone; silences and windows are asked of their own topic."""
        told = event.payload
        if told.kind == QuietKind.INHIBITION:
            state.inhibited.pop(told.silence_id, None)
            if told.active:
                state.inhibited[told.silence_id] = told.comment or "its sender inhibits it"
                state.inhibited = dict([*state.inhibited.items()][-MOST_INHIBITED:])

    def _called_off(self, record: Record, state: Gated, now: Now) -> Events:
        """Nothing is decided of a cancelled run. The others are told by their header."""
        if record.header("ce_type") in (None, CANCELLED) and isinstance(record.event, RunCancelled):
            run_id, at = record.event.run_id, min(record.timestamp, now.millis)
            state.waiting.pop(run_id, None)
            state.early.pop(run_id, None)
            state.ended = dict([*state.ended.items(), (run_id, at)][-MOST_ENDED:])
            state.touched_at = max(state.touched_at, at)
            self.note(record, state)
        return ()

    def _package(self, event: RcaDecided, at: int, state: Gated, now: Now) -> Events:
        early = state.early.pop(event.run_id, None)
        if early is not None or event.payload.recommended_action is None:
            checks = PreflightChecked.model_validate_json(early) if early is not None else None
            return self._decide(event, checks, state, now)
        state.waiting[event.run_id] = (event.model_dump_json(), at + PREFLIGHT_WAIT_MS)
        return ()

    def _checks(self, event: PreflightChecked, state: Gated, now: Now) -> Events:
        if event.run_id not in state.waiting:
            state.early[event.run_id] = event.model_dump_json()
            return ()
        package, _ = state.waiting[event.run_id]
        return self._decide(RcaDecided.model_validate_json(package), event, state, now)

    async def wake(self, state: Gated, now: Now) -> Events:
        over = [package for package, until in state.waiting.values() if until <= now.millis]
        events = [
            event
            for package in over
            for event in self._decide(RcaDecided.model_validate_json(package), None, state, now)
        ]
        if not state.waiting and _due(state) <= now.millis:
            state.forgotten = state.changed = True
        return events

    # -- what is decided

    def _decide(
        self, event: RcaDecided, checks: PreflightChecked | None, state: Gated, now: Now
    ) -> list[Event]:
        state.waiting.pop(event.run_id, None)
        state.ended = dict([*state.ended.items(), (event.run_id, now.millis)][-MOST_ENDED:])
        state.touched_at, state.changed = max(state.touched_at, now.millis), True
        preflight = _looked_at(event.payload, checks)
        event = _as_seen(event, preflight, checks)
        policy = self._world.policies.policy()
        hashed, unbound = _hashed(event.payload, preflight, policy)
        standing = self._standing(event, preflight, policy, now)
        silence = standing.silence or next(iter(state.inhibited.values()), "")
        standing = replace(standing, resolved=state.resolved, unbound=unbound, silence=silence)
        asked = asked_of(event.payload, event.project_id, preflight)
        verdict = decide(asked, standing, policy)
        DECIDED.labels(verdict.outcome, verdict.rule).inc()
        told = self._told(event, verdict, preflight, policy)
        told |= {"action_hash": hashed, "basis": self._basis(asked, standing)}
        expires_at = now.moment + timedelta(minutes=policy.approvals.expire_minutes)
        if verdict.outcome == Outcome.AUTO_APPROVED:
            told |= {"expires_at": expires_at}  # its run is waited for no longer
        if verdict.outcome == Outcome.APPROVAL_REQUIRED:
            told |= _asking(event, verdict, unbound, policy, now)
        causes = (event.event_id, *([checks.event_id] if checks is not None else []))
        made = DecisionMade(
            **about_run(event, self.name, now),
            event_id=ids.ending_id("gate", event.run_id),
            causes=causes,
            payload=Decision(**told),
        )
        if verdict.outcome == Outcome.AUTO_APPROVED:
            return [made, automatic(made, preflight, event.sealed, expires_at, self._key)]
        return [made, *self._request(event, told, preflight, (made.event_id, *causes), now)]

    def _standing(self, event: RcaDecided, preflight: Preflight, policy: Policy, now: Now) -> Standing:
        world, package = self._world, event.payload
        action, project = package.recommended_action, event.project_id
        subject = package.brief.subject if package.brief else None
        step = action.step if action else None
        key = _trust_key(event) if step else ""
        return Standing(
            kill_switch=world.switches.engaged(project),
            shadow=world.switches.shadow(project),
            silence=world.quiet.silenced(project, subject, now.millis) if subject else "",
            freeze=world.quiet.frozen(project, step.target, now.millis) if step else "",
            preflight=preflight.status,
            preflight_why=preflight.reason,
            opted_in=step is not None and world.switches.opted_in(step.operation),
            unproven=NO_KEY if self._key is None else "",
            policy_trouble=world.policies.trouble,
            trust_key=key,
            trust=world.trust.score(key, now.millis, policy.trust) if key else 0,
            at=now.moment,
        )

    def _basis(self, asked: Asked, standing: Standing) -> Basis:
        owned = asked.proposal.replaced_by_owner if asked.proposal else None
        return Basis(
            human=asked.human,
            replaced_by_owner=owned,
            opted_in=standing.opted_in,
            offsets=self._world.offsets(),
        )

    def _told(
        self, event: RcaDecided, verdict: Verdict, preflight: Preflight, policy: Policy
    ) -> dict[str, Any]:
        """The fields of a decision that hang on nothing but its verdict."""
        package, action = event.payload, event.payload.recommended_action
        return {
            "outcome": verdict.outcome,
            "rule": verdict.rule,
            "reason": verdict.reason,
            "halts": verdict.halts,
            "needs_human": verdict.needs_human,
            "low_confidence": verdict.low_confidence,
            "action": action,
            "assessment": verdict.assessment,
            "fused": verdict.fused,
            "needed": verdict.needed,
            "policy": PolicyMark(version=policy.version, hash=policy.hash),
            "preflight": preflight.status,
            "checks": preflight.checks,
            **_about(package),
        }

    def _request(
        self, event: RcaDecided, told: dict[str, Any], preflight: Preflight, causes: tuple[str, ...], now: Now
    ) -> list[Event]:
        if not told.get("approval_id"):
            return []
        request = ApprovalRequested(
            **about_run(event, self.name, now),
            event_id=ids.derive_id("approval.requested", told["approval_id"]),
            causes=causes,
            sealed=event.sealed,
            payload=ApprovalRequest(**told, **seen_by(preflight)),
        )
        return [proven(request, self._key)]

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


def _due(state: Gated) -> int:
    """When the first wait is over; when nothing waits, when it can be forgotten: not what is inhibited."""
    waits = [until for _, until in state.waiting.values()]
    if not waits and state.inhibited and not state.resolved:
        return NEVER
    return min(waits) if waits else state.touched_at + KEPT_AFTER_END


def _looked_at(package: Package, checks: PreflightChecked | None) -> Preflight:
    """What was found of exactly this action, or why nothing was."""
    action = package.recommended_action
    if checks is not None and action is not None and checks.payload.action == action.id:
        return checks.payload
    why = NONE_NEEDED if action is None else LATE if checks is None else OTHER
    return Preflight(status=PreflightStatus.UNAVAILABLE, reason=why)


def _as_seen(event: RcaDecided, preflight: Preflight, checks: PreflightChecked | None) -> RcaDecided:
    """With the salts that were sealed with the checks, and with the way back from where the target stands."""
    action = event.payload.recommended_action
    if checks is None or action is None or checks.payload is not preflight:
        return event
    sealed = {"sealed": checks.sealed or event.sealed}
    if preflight.undo is None or (action.undo is None and action.step.operation not in SEEN_UNDOS):
        return event.model_copy(update=sealed)
    exact = action.model_copy(update={"undo": preflight.undo})
    payload = event.payload.model_copy(update={"recommended_action": exact})
    return event.model_copy(update={**sealed, "payload": payload})


def _asking(event: RcaDecided, verdict: Verdict, unbound: str, policy: Policy, now: Now) -> dict[str, Any]:
    """What nobody could sign is not asked for: it is told, and a person looks."""
    if unbound:
        return {"reason": f"{verdict.reason}; nobody can sign it: {unbound}"}
    expires_at = now.moment + timedelta(minutes=policy.approvals.expire_minutes)
    return {"approval_id": _approval_id(event), "expires_at": expires_at}


def _approval_id(event: RcaDecided) -> str:
    """A run without a brief recommends nothing, and asks for nothing."""
    number = event.payload.brief.number if event.payload.brief else 0
    return f"{event.incident_id}-A{number}"


def _trust_key(event: RcaDecided) -> str:
    package = event.payload
    assert package.recommended_action is not None  # asked before
    step = package.recommended_action.step
    what = f"{step.operation}:{step.parameters.name}" if step.operation in NAMED else step.operation
    return trust_key(event.project_id, what, step.target, workload_of(package.brief, step.target))


def _hashed(package: Package, preflight: Preflight, policy: Policy) -> tuple[str, str]:
    """The hash of exactly this action, or why there can be none."""
    action = package.recommended_action
    if action is None:
        return "", ""
    act = Act(action.step, preflight.observed_state, policy.hash, action.undo, preflight.commitments)
    try:
        return action_hash(act), ""
    except BadPayload as error:
        return "", str(error)


def _about(package: Package) -> dict[str, Any]:
    """What a reader needs to know of the incident."""
    told: dict[str, Any] = {
        "root_cause": package.hypothesis.cause if package.hypothesis else "",
        "confidence": package.confidence if package.hypothesis else None,
        "summary": package.debate_summary,
        "proposed_by": "agents" if package.usage.calls else "rules",
    }
    if package.brief is None:
        return told
    subject = package.brief.subject
    return {
        **told,
        "alert_type": subject.alert_type,
        "severity": subject.severity,
        "source": subject.source,
        "cluster": subject.target.cluster,
        "namespace": subject.target.namespace,
        "target": "/".join(filter(None, (subject.target.kind, subject.target.name))),
        "hit_count": subject.hit_count,
        "last_seen_at": subject.last_seen_at,
    }


def check_contract(stage: Gate) -> Keyed[Gated]:
    return stage
