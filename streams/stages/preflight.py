"""Checks what is recommended before anyone is asked, under the executor's own identity. Slow; keeps nothing.

The real names are put back for the calls alone. What is written has labels again: the checks, a hash of the
observed state, and for each label a commitment to its real value, with its salt sealed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from prometheus_client import Counter
from pydantic import ValidationError

from agents.actions import in_evidence
from agents.privacy import restore_step
from agents.snapshot import Keys, open_run
from agents.target_id import is_named, workload_id
from connectors.executors.assigned import Assigned
from connectors.executors.contract import Checked, Executor, Order
from connectors.executors.tooling import tool_of
from connectors.tools import Ask, Called, Caller, GatewayConfig, Session
from schemas import ids
from schemas.decision import RcaDecided
from schemas.envelope import Event
from schemas.errors import CannotOpen, Never
from schemas.operations import SHAPES, Step
from schemas.plan import Action
from schemas.preflight import IN_EVIDENCE, Check, Preflight, PreflightChecked, PreflightStatus, status_of
from schemas.tool import ToolCalled
from streams.commitments import Committed, commit
from streams.covering import covering
from streams.runner import stage_failed
from streams.stage import Events, Now, Record, Transform, about_run

AGENT = "preflight"
NOBODY = "there is no executor that could check it"
CHECKED = Counter("awoooi_preflights_total", "Checks before a proposal, by their result", ["status"])


@dataclass(frozen=True, slots=True)
class PreflightNeeds:
    """What the composition root gives to this stage."""

    executors: Assigned
    gateway: GatewayConfig
    keys: Keys
    clock: Callable[[], float]
    """monotonic seconds, to measure with"""
    timeout_secs: float = 25.0
    """the gate waits for 30"""


@dataclass(frozen=True, slots=True)
class Found:
    preflight: Preflight
    called: Called[Checked] | None = None
    sealed: Mapping[str, str] | None = None
    """what must be sealed, beside the run's own"""


class PreflightStage:
    name = "preflight"
    reads: tuple[str, ...] = ("rca.decisions",)

    def __init__(self, needs: PreflightNeeds | None, epoch: str = "") -> None:
        self._needs, self._epoch = needs, epoch

    async def handle(self, record: Record, now: Now) -> Events:
        event = record.event
        if not isinstance(event, RcaDecided) or event.payload.recommended_action is None:
            return ()
        action = event.payload.recommended_action
        if self._needs is None:
            return [self._checked(event, Found(_unavailable(action, NOBODY)), None, now)]
        return await self._look(self._needs, event, action, now)

    async def _look(self, needs: PreflightNeeds, event: RcaDecided, action: Action, now: Now) -> Events:
        began = needs.clock()
        try:
            values = open_run(
                needs.keys.opener, event.sealed, project_id=event.project_id, run_id=event.run_id
            )
        except CannotOpen as error:
            return [self._checked(event, Found(_unavailable(action, str(error))), needs.keys, now)]
        found = await _find(needs, event, action, values)
        at = Now(now.millis + round((needs.clock() - began) * 1000))
        covered = _covered(found.preflight, covering(values))
        checked = self._checked(event, replace(found, preflight=covered), needs.keys, at)
        return [*self._calls(event, found, covering(values), at), checked]

    def _calls(
        self, event: RcaDecided, found: Found, cover: Callable[[str], str], at: Now
    ) -> Sequence[Event]:
        if found.called is None:
            return ()
        entry = found.called.entry
        return [
            ToolCalled(
                **about_run(event, self.name, at),
                event_id=ids.derive_id("tool.called", entry.call_id),
                causes=(event.event_id,),
                payload=entry.payload(cover),
            )
        ]

    def _checked(self, event: RcaDecided, found: Found, keys: Keys | None, at: Now) -> Event:
        CHECKED.labels(found.preflight.status).inc()
        return PreflightChecked(
            **about_run(event, self.name, at),
            event_id=ids.derive_id("preflight.checked", event.run_id),
            causes=(event.event_id,),
            sealed=_sealed(event, found.sealed, keys),
            payload=found.preflight,
        )

    def dead_letter(self, record: Record, error: Never, now: Now) -> Event:
        return stage_failed(self.name, record, error, now, self._epoch)


async def _find(needs: PreflightNeeds, event: RcaDecided, action: Action, values: Mapping[str, str]) -> Found:
    """Whoever is not named by evidence is not even looked at."""
    try:
        step = restore_step(action.step, values)
        committed = commit((action.step, action.undo), values)
    except (CannotOpen, KeyError) as error:
        return Found(_unavailable(action, f"its real values are not known: {error}"))
    except ValidationError:
        return Found(
            _failed(
                action, Check(name="parameters", passed=False, message="with real values they do not fit")
            )
        )
    if committed.commitments and needs.keys.sealer is None:
        return Found(_unavailable(action, "there is no key to seal what binds its real values"))
    named = _named(needs.keys, event, action, step)
    if not named.passed:
        return Found(_failed(action, named))
    executor = needs.executors.get(step.operation)
    if executor is None:
        return Found(_unavailable(action, f"there is no executor for {step.operation}"))
    called = await _call(needs, event, executor, Order(step, ids.derive_id("preflight", event.run_id)))
    if called.value is None:
        return Found(_unavailable(action, called.failure), called)
    checked = called.value
    workload = workload_id(needs.keys.target, event.project_id, action.step.target, checked.workload)
    told = _told(action, named, checked, committed).model_copy(update={"workload": workload})
    return Found(told, called, committed.values)


def _named(keys: Keys, event: RcaDecided, action: Action, step: Step) -> Check:
    """By evidence, and by the id that its authorization will be kept under: both mean the very same thing."""
    labelled, real = action.step.target, step.target
    if not labelled.name and not SHAPES[step.operation].kinds:
        return Check(name=IN_EVIDENCE, passed=True, message="it needs no target")
    brief = event.payload.brief
    told = f"{labelled.kind} {labelled.name}"
    if brief is None or not in_evidence(brief, labelled):
        return Check(name=IN_EVIDENCE, passed=False, message=f"{told} never appeared in the evidence")
    if not is_named(keys.target, event.project_id, labelled, real):
        return Check(name=IN_EVIDENCE, passed=False, message=f"the id of {told} is another's")
    return Check(name=IN_EVIDENCE, passed=True, message=f"evidence names {told}")


async def _call(
    needs: PreflightNeeds, event: RcaDecided, executor: Executor, order: Order
) -> Called[Checked]:
    target = order.step.target
    ask = Ask(
        tool_of(executor, order.step, "check"),
        needs.timeout_secs,
        {"operation": order.step.operation, **target.model_dump(exclude={"id"})},
        resources=frozenset({"namespace", "name"}),
    )
    caller = Caller(event.run_id, AGENT, PreflightStage.name, event.project_id)
    session = Session(needs.gateway, caller, needs.clock)
    return await session.call(ask, lambda: executor.check(order))


def _told(action: Action, named: Check, checked: Checked, committed: Committed) -> Preflight:
    checks = (named, *checked.checks)
    observed = checked.observed
    return Preflight(
        status=status_of(checks),
        action=action.id,
        checks=checks,
        observed_state=observed.hash if observed else "",
        state=dict(observed.state) if observed else {},
        undo=_labelled(action, checked.undo),
        commitments=committed.commitments,
    )


def _labelled(action: Action, undo: Step | None) -> Step | None:
    """Of the same target, by its label; what it takes over from the step has the step's labels."""
    if undo is None:
        return None
    parameters, told = undo.parameters, action.step.parameters
    if not parameters.arguments.keys() <= told.arguments.keys():
        return None  # who would know what may be shown of others
    arguments = {name: told.arguments[name] for name in parameters.arguments}
    parameters = parameters.model_copy(update={"arguments": arguments})
    if parameters.container is not None:
        parameters = parameters.model_copy(update={"container": told.container})
    return undo.model_copy(update={"target": action.step.target, "parameters": parameters})


def _failed(action: Action, check: Check) -> Preflight:
    return Preflight(status=PreflightStatus.FAILED, action=action.id, checks=(check,))


def _unavailable(action: Action, why: str) -> Preflight:
    return Preflight(status=PreflightStatus.UNAVAILABLE, action=action.id, reason=why)


def _covered(preflight: Preflight, cover: Callable[[str], str]) -> Preflight:
    checks = tuple(check.model_copy(update={"message": cover(check.message)}) for check in preflight.checks)
    return preflight.model_copy(update={"checks": checks, "reason": cover(preflight.reason)})


def _sealed(event: RcaDecided, values: Mapping[str, str] | None, keys: Keys | None) -> bytes | None:
    """The run's values with the salts; as they came where nothing was added."""
    if not values or keys is None or keys.sealer is None:
        return event.sealed
    return keys.sealer.seal(values, project_id=event.project_id, event_id=event.run_id)


def check_contract(stage: PreflightStage) -> Transform:
    return stage
