"""Authorized actions on a real cluster, what a ledger outside says was done, and what the log says of it."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from agents.target_id import target_id
from connectors.executors.contract import Order
from connectors.kubernetes import kinds
from connectors.kubernetes.execution.act import ACTION
from connectors.kubernetes.execution.executor import KubernetesExecutor
from schemas import ids
from schemas.authorization import ActionAuthorized
from schemas.operations import Operation, Parameters, Risk, Step, Target
from schemas.preflight import Check
from schemas.switch import SwitchKind, SwitchSet, setting
from schemas.vote import VoteVerified
from streams.policy.authorizations import approved
from tests.faults.approvals import request
from tests.faults.executing import PROOF_KEY, TARGET_KEY
from tests.faults.following import Following
from tests.faults.paper import OBSERVED
from tests.schemas.golden_events import golden
from tests.streams.policy.signing import token

PROJECT = "shop"
ENDS = ("succeeded", "failed", "refused", "voided", "shadowed", "unknown")
SUCCEEDED, UNKNOWN = "succeeded", "unknown"


async def restart(world: Any, executor: KubernetesExecutor, name: str) -> ActionAuthorized:
    """Of a deployment made for it, as it is now."""
    world.make(kinds.DEPLOYMENT, _deployment(name))
    target = Target(namespace=world.namespace, kind="deployment", name=name)
    step = Step(operation=Operation.RESTART_DEPLOYMENT, target=target)
    checked = await executor.check(Order(step, "nobody's"))
    assert checked.observed is not None, checked.checks
    return authorized(step, checked.observed.hash)


async def again(executor: KubernetesExecutor, before: Step, **given: int) -> ActionAuthorized:
    operation = Operation.SCALE_DEPLOYMENT if given else Operation.RESTART_DEPLOYMENT
    step = Step(operation=operation, target=before.target, parameters=Parameters(**given))
    checked = await executor.check(Order(step, "nobody's"))
    assert checked.observed is not None, checked.checks
    return authorized(step, checked.observed.hash)


def on_paper(namespace: str, name: str) -> ActionAuthorized:
    """In a namespace of the test's own: a cap of acts on one workload counts over the whole log."""
    target = Target(namespace=namespace, kind="job", name=name)
    return authorized(Step(operation=Operation.RESTART_JOB, target=target), OBSERVED.hash)


_numbers = iter(range(10**9))


def authorized(step: Step, observed_state: str) -> ActionAuthorized:
    """As the approve stage would write it now: asked by the gate, signed by bob and carol."""
    seconds = int(time.time())
    approval_id = f"INC-{datetime.now(UTC):%Y%m%d}-{seconds % 10**5:05d}{next(_numbers):05d}-A1"
    place = target_id(TARGET_KEY, project_id=PROJECT, **step.target.model_dump(exclude={"id"}))
    step = step.model_copy(update={"target": step.target.model_copy(update={"id": place})})
    action = golden("approval.requested").payload.action.model_copy(update={"step": step, "undo": None})
    asked = request(
        approval_id,
        seconds + 3600,
        Risk.HIGH,
        key=PROOF_KEY,
        action=action,
        observed_state=observed_state,
        workload=place,
        checks=(Check(name="in_evidence", passed=True),),
    )
    run_id = ids.run_id(asked.incident_id, 1)
    about = {
        "project_id": PROJECT,
        "incident_id": asked.incident_id,
        "run_id": run_id,
        "occurred_at": datetime.now(UTC),
        "recorded_at": datetime.now(UTC),
        "stage": "approve",
    }
    votes = [_vote(person, approval_id, asked.payload.action_hash, seconds) for person in ("bob", "carol")]
    return approved(asked, votes, about, PROOF_KEY)


def _vote(person: str, approval_id: str, action_hash: str, seconds: int) -> VoteVerified:
    vote: VoteVerified = golden("vote.verified")
    signed = token(
        person, approval_id=approval_id, action_hash=action_hash, iat=seconds - 5, exp=seconds + 120
    )
    told = vote.payload.model_copy(update={"person": person, "token": signed.decode()})
    return vote.model_copy(update={"recorded_at": datetime.now(UTC), "payload": told})


def _deployment(name: str) -> dict[str, Any]:
    """Without pods: what is counted is what is written to it."""
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"containers": [{"name": "app", "image": "a:1"}]},
    }
    spec = {"replicas": 0, "selector": {"matchLabels": {"app": name}}, "template": template}
    return {"metadata": {"name": name}, "spec": spec}


def lifted() -> SwitchSet:
    """The kill switch, everywhere."""
    now = datetime.now(UTC)
    return SwitchSet(
        event_id=ids.derive_id("a test's switch"),
        project_id="",
        occurred_at=now,
        recorded_at=now,
        stage="cli",
        payload=setting(SwitchKind.KILL_SWITCH, "*", "off"),
    )


@dataclass(frozen=True)
class Ledger:
    """The API server's own audit log: each change in a namespace that it accepted, or refused."""

    audit_log: Path
    namespace: str

    def done(self) -> Counter[str]:
        """Action → how often a change because of it was accepted."""
        return Counter(action for action, status in self._calls() if status < 300)

    def refused(self) -> Counter[str]:
        return Counter(action for action, status in self._calls() if status >= 300)

    def _calls(self) -> Iterable[tuple[str, int]]:
        for line in self.audit_log.read_bytes().splitlines():
            call = orjson.loads(line)
            ours = call["objectRef"].get("namespace") == self.namespace and call["verb"] == "patch"
            if ours and "dryRun" not in call["requestURI"]:
                marks = call["requestObject"]["metadata"]["annotations"]
                yield marks[ACTION], call["responseStatus"]["code"]


@dataclass
class Executions(Following):
    """`authorize` writes; `read` takes in what the workers wrote."""

    TOPICS = ("executions.claims", "executions", "stage.failed")

    bootstrap: str
    authorized: dict[str, ActionAuthorized] = field(default_factory=dict)
    """by action"""
    claims: Counter[str] = field(default_factory=Counter)
    """action → claims, copies among them"""
    told: dict[str, dict[str, list[str]]] = field(default_factory=lambda: defaultdict(dict))
    """action → event id → what its copies say, in the order of the log"""
    events: dict[str, Any] = field(default_factory=dict)
    """the first of an id"""
    broken: list[Any] = field(default_factory=list)
    """dead letters"""

    async def authorize(self, *events: ActionAuthorized) -> list[str]:
        actions = [event.payload.action_id for event in events]
        self.authorized |= dict(zip(actions, events, strict=True))
        await self.put("authorizations", *events)
        return actions

    def take(self, event: Any) -> None:
        kind = event.type.removeprefix("execution.")
        if event.type == "stage.failed":
            self.broken.append(event)
        elif kind == "claimed":
            self.claims[event.payload.action_id] += 1
        elif kind in ENDS:
            self.events.setdefault(event.event_id, event)
            self.told[event.payload.action_id].setdefault(event.event_id, []).append(kind)

    async def until_ended(self, actions: Iterable[str] | None = None, timeout: float = 60) -> None:  # noqa: ASYNC109
        wanted = set(self.authorized if actions is None else actions)
        await self.until(lambda: wanted <= self.told.keys(), f"{len(wanted)} actions ended", timeout)

    async def until_quiet(self, reads: int = 10) -> None:
        """What must not come cannot be waited for."""
        quiet, known = 0, -1
        while quiet < reads:
            await self.read()
            now = self.claims.total() + sum(map(len, self.copies))
            quiet, known = (quiet + 1 if now == known else 0), now

    @property
    def copies(self) -> list[list[str]]:
        """Of our own actions: those of earlier tests stand in the same log."""
        return [copies for action in self.authorized for copies in self.told.get(action, {}).values()]

    def end(self, action: str) -> str:
        """As every reader takes it: the first event with an id wins."""
        ends = [copies[0] for copies in self.told.get(action, {}).values()]
        return ends[0] if len(ends) == 1 else f"{len(ends)} ends"

    def why(self, action: str) -> list[str]:
        return [
            f"{self.events[name].payload.code}: {self.events[name].payload.reason}"
            for name in self.told[action]
        ]

    def check(self, done: Mapping[str, int], unguarded: Iterable[str] = ()) -> Counter[str]:
        """Each was done at most once; exactly once unless nobody can know, as of what guards nothing."""
        assert not self.broken
        more = {action: count for action, count in done.items() if count > 1}
        assert not more, f"done more than once: {more}"
        unguarded = set(unguarded)
        for action in self.authorized:
            end = self.end(action)
            known = end == SUCCEEDED or (end == UNKNOWN and action in unguarded)
            assert known, f"{action} ended as {end}: {self.why(action)}"
            assert end == UNKNOWN or done[action] == 1, f"{action} was told to be done"
        return Counter(map(self.end, self.authorized))


@dataclass
class Report:
    seed: int | None = None
    kills: Counter[str] = field(default_factory=Counter)
    windows: Counter[str] = field(default_factory=Counter)
    """where each action stood when its worker was killed"""

    def told(self, ends: Counter[str], effects: int) -> str:
        runs = ends.total()
        lines = [
            f"{runs} actions, {effects} effects, none done twice; ends: {listed(ends)}",
            f"{self.kills.total()} kills (-9): {listed(self.kills)}",
            f"done twice are, with 95 % confidence, fewer than 3/N = {3 / runs:.4f}",
        ]
        lines += [f"actions then stood at: {listed(self.windows)}"] if self.windows else []
        lines += [f"seed {self.seed}"] if self.seed is not None else []
        return "\n".join(lines)


def listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
