"""The Kubernetes executor: one contract over all operations, each cluster by its name.

A write carries the uid and the version of the very object that was looked at right before it. When the
server says that this version is outdated, nothing happened: the target is looked at again, and only where it
is still the one that was approved (its observed state, which no crash loop changes) is the write made anew.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from connectors.evidence import Unavailable
from connectors.executors.contract import (
    Checked,
    Done,
    Effect,
    End,
    Executor,
    Happened,
    MayGoOn,
    Observed,
    Order,
    Probed,
    Verified,
)
from connectors.kubernetes.client import Cluster, Clusters
from connectors.kubernetes.config import ExecutorConfig
from connectors.kubernetes.execution.act import Act, Right, Seen, Write, probed, shown
from connectors.kubernetes.execution.looking import workload_by_uid, workload_of
from connectors.kubernetes.execution.operations import ACTS, troubles
from connectors.kubernetes.execution.pods import owner_works
from connectors.kubernetes.execution.sending import Patience, Sent, follow, send, try_all
from connectors.kubernetes.execution.state import uid_of
from connectors.kubernetes.reading import text
from schemas.operations import Operation, Step
from schemas.preflight import Check

MOST_LOOKS = 5
T = TypeVar("T")


class KubernetesExecutor:
    name = "kubernetes"
    operations: frozenset[Operation] = frozenset(ACTS)

    def __init__(self, config: ExecutorConfig, clock: Callable[[], float] = time.monotonic) -> None:
        self._config, self._clock = config, clock
        self._clusters = Clusters(config)

    async def close(self) -> None:
        await self._clusters.close()

    # -- looking

    def validate(self, order: Order) -> str:
        return "; ".join(troubles(order.step))

    async def check(self, order: Order) -> Checked:
        wrong = self.validate(order)
        parameters = Check(
            name="parameters", passed=not wrong, message=wrong or "as the operation wants them"
        )
        if wrong:
            return Checked((parameters,))
        cluster, act = self._clusters.of(order.step.target.cluster), ACTS[order.step.operation]
        return await self._in_time(self._check(cluster, act, order, parameters))

    async def _check(self, cluster: Cluster, act: Act, order: Order, parameters: Check) -> Checked:
        step = order.step
        permission = await _permission(cluster, act, step)
        before = (permission, parameters)
        if not permission.passed:
            return Checked(before)
        seen = await act.look(cluster, step, order.action_id)
        if seen is None:
            gone = Check(name="exists", passed=False, message=f"there is no {shown(step)}")
            return Checked((*before, gone))
        found = Check(name="exists", passed=True, message=f"{shown(step)} is there")
        own = tuple(act.problems(step, seen))
        tried = await self._try(cluster, act, order, seen)
        checks = (*before, found, *own, _blast_radius(seen), tried)
        workload = await workload_of(cluster, step.target, seen.target, seen.owner)
        return Checked(checks, _observed(act, step, seen), act.undo(step, seen), workload)

    async def dry_run(self, order: Order) -> Check:
        cluster, act = self._clusters.of(order.step.target.cluster), ACTS[order.step.operation]
        seen = await act.look(cluster, order.step, order.action_id)
        if seen is None:
            return Check(name="dry_run", passed=False, message=f"there is no {shown(order.step)}")
        return await self._try(cluster, act, order, seen)

    async def _try(self, cluster: Cluster, act: Act, order: Order, seen: Seen) -> Check:
        for _ in range(MOST_LOOKS):
            writes = act.writes(order.step, seen, order.action_id)
            if not writes:
                return Check(name="dry_run", passed=False, message="there is nothing that could be sent")
            noes = [sent for sent in await try_all(cluster.connection, writes) if sent.end is not End.DONE]
            if not any(sent.conflict for sent in noes):
                break
            again = await act.look(cluster, order.step, order.action_id)
            seen = again or seen
        unknown = next((sent for sent in noes if sent.end is End.UNKNOWN), None)
        if unknown is not None:
            raise Unavailable(unknown.message)
        told = noes[0].message if noes else f"the API server would accept {len(writes)} calls"
        return Check(name="dry_run", passed=not noes, message=told)

    # -- acting

    async def execute(self, order: Order, expected: str, may_go_on: MayGoOn) -> Done:
        wrong = self.validate(order)
        if wrong:
            return Done(End.REFUSED, wrong)
        act = ACTS[order.step.operation]
        try:
            cluster = self._clusters.of(order.step.target.cluster)
            return await self._execute(cluster, act, order, expected, may_go_on)
        except Unavailable as error:  # of a look: each write's own end is told by `send`
            return Done(End.REFUSED, str(error))

    async def _execute(
        self, cluster: Cluster, act: Act, order: Order, expected: str, may_go_on: MayGoOn
    ) -> Done:
        for _ in range(MOST_LOOKS):
            seen = await act.look(cluster, order.step, order.action_id)
            if seen is None:
                return Done(End.CHANGED, f"{shown(order.step)} is gone")
            observed = _observed(act, order.step, seen)
            ours = Happened.NO if act.deletes else act.happened(seen, order.action_id)
            if ours is Happened.YES:
                return Done(End.DONE, "it was done before", observed)
            if ours is Happened.NO and observed.hash != expected:  # else the change is our own, half done
                return Done(End.CHANGED, f"{shown(order.step)} is not what was approved", observed)
            writes = act.writes(order.step, seen, order.action_id)
            why = may_go_on(observed) if writes else "there is nothing that could be sent"
            if why:
                return Done(End.REFUSED, why, observed)
            first = await send(cluster.connection, writes[0])
            if not first.conflict:
                return await self._go_on(cluster, first, writes[1:], observed, may_go_on)
        return Done(End.REFUSED, f"{shown(order.step)} changes faster than it can be looked at", observed)

    async def _go_on(
        self, cluster: Cluster, sent: Sent, rest: Sequence[Write], observed: Observed, may_go_on: MayGoOn
    ) -> Done:
        """A no to a later call does not undo the first."""
        end = sent.end
        if end is End.DONE and rest:
            patience = Patience(self._config.drain_secs, self._clock)
            sent = await follow(cluster.connection, rest, lambda: may_go_on(observed), patience)
            end = End.PARTLY if sent.end is End.REFUSED else sent.end
        return Done(end, sent.message, observed, sent.retry_after_secs)

    # -- afterwards

    async def probe(self, order: Order, expected: str, before: Observed | None = None) -> Probed:
        cluster, act = self._clusters.of(order.step.target.cluster), ACTS[order.step.operation]
        seen = await act.look(cluster, order.step, order.action_id)
        happened = _happened(act, order, seen, expected, before)
        now = _observed(act, order.step, seen) if seen is not None else None
        half = seen is not None and act.happened(seen, order.action_id) is Happened.UNKNOWN
        told = probed(happened, order.step, order.action_id, _is_outdated(now, before))
        return replace(told, repeatable=happened is Happened.NO or half)

    async def verify(self, order: Order, before: Observed | None = None) -> Verified:
        step = order.step
        cluster, act = self._clusters.of(step.target.cluster), ACTS[step.operation]
        seen = await act.look(cluster, step, order.action_id)
        if seen is None and not act.deletes:
            return Verified(Effect.FAILED, f"{shown(step)} is gone")
        if seen is None:
            return await self._verify_gone(cluster, step, before)
        if act.deletes and before is not None and uid_of(seen.target) == before.state["uid"]:
            return Verified(Effect.NOT_YET, f"{shown(step)} is still there")
        return act.works(step, seen)

    async def _verify_gone(self, cluster: Cluster, step: Step, before: Observed | None) -> Verified:
        uid = before.state.get("owner", "") if before is not None else ""
        owner = await workload_by_uid(cluster, step.target.namespace, uid) if uid else None
        return owner_works(owner) if owner is not None else Verified(Effect.HOLDS, f"{shown(step)} is gone")

    def undo(self, order: Order, checked: Checked) -> Step | None:
        return checked.undo

    async def _in_time(self, work: Coroutine[Any, Any, T]) -> T:
        seconds = self._config.timeout_secs
        try:
            async with asyncio.timeout(seconds):
                return await work
        except TimeoutError as error:
            raise Unavailable(f"the checks were not done within {seconds:g} s") from error


def _observed(act: Act, step: Step, seen: Seen) -> Observed:
    return Observed(act.state(step, seen), text(seen.target, "metadata", "resourceVersion"))


def _happened(act: Act, order: Order, seen: Seen | None, expected: str, before: Observed | None) -> Happened:
    """A mark is only looked for on the very target: one made anew under its name says nothing."""
    if seen is None:
        return Happened.YES if act.deletes else Happened.UNKNOWN
    now = _observed(act, order.step, seen)
    same = now.hash == expected or (before is not None and before.state["uid"] == now.state["uid"])
    if same:
        return act.happened(seen, order.action_id)
    if act.deletes:
        return Happened.YES if before is not None else Happened.UNKNOWN
    return act.happened(seen, order.action_id) if before is None else Happened.UNKNOWN


def _is_outdated(now: Observed | None, before: Observed | None) -> bool:
    """Whether a call with the preconditions of then is refused by what is there now."""
    return now is None or (before is not None and before.version != now.version)


async def _permission(cluster: Cluster, act: Act, step: Step) -> Check:
    """Asked of the API server, under the log-in that would do it."""
    rights, target = act.rights(step), step.target

    async def may(right: Right) -> bool:
        name = target.name if right.named else ""
        return await cluster.may(right.verb, right.kind, target.namespace, name, right.sub)

    answers = await asyncio.gather(*map(may, rights))
    missing = [str(right) for right, allowed in zip(rights, answers, strict=True) if not allowed]
    told = f"our log-in may not {', '.join(missing)}" if missing else "our log-in may do all that it takes"
    return Check(name="permission", passed=not missing, message=told)


def _blast_radius(seen: Seen) -> Check:
    spaces = len({pod.namespace for pod in seen.pods})
    told = f"{len(seen.pods)} pods" + (f" in {spaces} namespaces" if spaces > 1 else "")
    if seen.uncounted:
        return Check(name="blast_radius", passed=False, message=f"more than {told}: they cannot be counted")
    return Check(name="blast_radius", passed=True, message=told)


def check_contract(executor: KubernetesExecutor) -> Executor:
    return executor
