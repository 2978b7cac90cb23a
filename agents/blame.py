"""Weighted blame: a caller's rise is pushed down to the callees that explain it; the rest stays.

Services are numbers here, so that nothing can depend on how one is called.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

HOPS = 16
KEPT = 0.02
"""the least that stays at each hop: who passes all on has a hand in it"""
LEAST = 1e-4
UNSEEN_LINK = 0.7
"""how far what no edge explains is laid on services that rose as well: not every edge is known"""
SEE_THROUGH = 1_000
"""services without measurements that one look goes past at most"""

Amounts = Mapping[int, float]
"""By service, how much more total time (or how many more errors) than usual; only of those that stand out."""


class Calls:
    """Who calls whom, as far as it was measured: what was not is looked through."""

    def __init__(
        self,
        callees: Callable[[int], Collection[int]],
        measured: Collection[int],
        above: Collection[int] = (),
    ) -> None:
        self._callees = callees
        self._measured = measured
        self.above = above
        """whatever depends on the symptom: a rise there is an effect of it"""
        self._seen: dict[int, list[int]] = {}

    def of(self, service: int) -> list[int]:
        if service not in self._seen:
            self._seen[service] = sorted(self._look(service) - {service})
        return self._seen[service]

    def _look(self, service: int) -> set[int]:
        found, passed, ring = set[int](), {service}, list(self._callees(service))
        while ring and len(passed) < SEE_THROUGH:
            near = ring.pop()
            if near in self._measured:
                found.add(near)
            elif near not in passed:
                passed.add(near)
                ring += self._callees(near)
        return found


def blame(calls: Calls, symptom: int, amounts: Amounts) -> dict[int, float]:
    """The symptom's rise, shared out: the shares add up to 1."""
    shares = _push(calls, {symptom: 1.0}, amounts)
    left = shares.get(symptom, 0.0)
    linked = _unlinked(calls, symptom, amounts, shares)
    if left < LEAST or not linked:
        return shares
    base = max(sum(linked.values()), amounts.get(symptom, 0.0))
    moved = {service: UNSEEN_LINK * left * amount / base for service, amount in linked.items()}
    shares[symptom] = left - sum(moved.values())
    for service, share in _push(calls, moved, amounts).items():
        shares[service] = shares.get(service, 0.0) + share
    return shares


def _push(calls: Calls, holding: dict[int, float], amounts: Amounts) -> dict[int, float]:
    """Hop by hop down the calls, to what rose as well. What runs in a cycle to the end is shared in it."""
    kept: dict[int, float] = {}
    passed: dict[int, float] = {}
    for hop in range(HOPS):
        flowing: dict[int, float] = {}
        for service, share in holding.items():
            weights = _weights(calls, service, amounts)
            kept[service] = kept.get(service, 0.0) + share * (1 - sum(weights.values()))
            for callee, weight in weights.items():
                flowing[callee] = flowing.get(callee, 0.0) + share * weight
        holding = {service: share for service, share in flowing.items() if share > LEAST}
        for service in flowing.keys() - holding.keys():
            kept[service] = kept.get(service, 0.0) + flowing[service]
        if not holding:
            return kept
        for service, share in holding.items() if hop >= HOPS // 2 else ():
            passed[service] = passed.get(service, 0.0) + share
    left = sum(holding.values()) / sum(passed.values())
    for service, share in passed.items():
        kept[service] = kept.get(service, 0.0) + share * left
    return kept


def _weights(calls: Calls, service: int, amounts: Amounts) -> dict[int, float]:
    """Which part of its rise each callee explains."""
    risen = {callee: amount for callee in calls.of(service) if (amount := amounts.get(callee, 0.0)) > 0}
    base = max(sum(risen.values()), amounts.get(service, 0.0)) / (1 - KEPT)
    return {callee: amount / base for callee, amount in risen.items()}


def _unlinked(calls: Calls, symptom: int, amounts: Amounts, reached: Collection[int]) -> dict[int, float]:
    """What rose though no path of rises leads there; of a chain of such, its top."""
    lost = {
        service: amount
        for service, amount in amounts.items()
        if amount > 0 and service != symptom and service not in reached and service not in calls.above
    }
    below = {callee for service in lost for callee in calls.of(service)}
    return {service: amount for service, amount in lost.items() if service not in below} or lost
