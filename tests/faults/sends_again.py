"""The executor without its guard: what comes of it shows what the guard is for."""

from __future__ import annotations

from connectors.evidence import Unavailable
from connectors.executors.contract import Done, End, MayGoOn, Order
from connectors.kubernetes.execution.executor import KubernetesExecutor
from tests.peers.waiting import wait_until_async


class SendsAgain(KubernetesExecutor):
    """The negative control: what got no answer is sent once more, as by any client that repeats its calls."""

    async def execute(self, order: Order, expected: str, may_go_on: MayGoOn) -> Done:
        done = await super().execute(order, expected, may_go_on)
        if done.end is not End.UNKNOWN:
            return done
        unmarked = Order(order.step, f"{order.action_id}-again")
        now = await wait_until_async(lambda: self._hash_of(unmarked), 60)
        return await super().execute(unmarked, now, may_go_on)

    async def _hash_of(self, order: Order) -> str:
        try:
            observed = (await self.check(order)).observed
        except Unavailable:
            return ""
        return observed.hash if observed is not None else ""
