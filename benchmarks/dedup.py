"""Dedup on normalised alerts: ours, a raw aiokafka loop, Quix Streams and stock Faust, one after the other.

All read the same topic on the same broker and write the same events; each is a process of its own, with a
new consumer group, and the rounds go A B C, A B C, so that what else the machine does meets all of them.
"""

from __future__ import annotations

import signal
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace

from benchmarks.broker import PARTITIONS, Broker, broker, like
from benchmarks.child import child, cpu_secs, wait_ready
from benchmarks.loads import normalized
from benchmarks.measured import Measured, Scale, middle
from benchmarks.outputs import Pace, pace
from schemas.catalog import Topic
from schemas.catalog import topic as topic_named
from streams.runner import Outgoing
from tests.peers.process import Process

ALERTS, FEW, OUT = "alerts.normalized", "bench.few", "incidents"
STORM, WIDE = 1_000, 20_000
"""fingerprints: a storm repeats few of them, a wide load hardly lets one batch repeat any"""
DEADLINE_SECS = 120
Start = Callable[[ExitStack], list[Process]]
Go = Callable[[list[Process]], None]


@dataclass(slots=True)
class Arena:
    """One broker with its load, and what the contestants reached on it."""

    broker: Broker
    scale: Scale
    sizes: dict[str, int] = field(default_factory=dict)
    paces: dict[str, list[Pace]] = field(default_factory=lambda: defaultdict(list))
    cpu_us: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    """processor time for each alert, from ready to done"""
    _groups: int = 0

    def group(self, name: str) -> str:
        self._groups += 1
        return f"bench-{name}-{self._groups}"

    async def run(self, name: str, topic: str, start: Start, go: Go = lambda _: None) -> None:
        """Start it, wait until it has told of the whole load, and read off how quick it was."""
        before = await self.broker.ends(OUT)
        since, expected = sum(before.values()), self.sizes[topic]
        with ExitStack() as stack:
            processes = start(stack)
            for process in processes:
                wait_ready(process)
            used = sum(cpu_secs(process.pid) for process in processes)
            go(processes)
            while True:
                since = await self.broker.still(OUT, since=since, secs=1.0, deadline_secs=DEADLINE_SECS)
                found = pace(await self.broker.read(OUT, before))
                if found.counted >= expected:
                    break
            used = sum(cpu_secs(process.pid) for process in processes) - used
        if found.counted != expected:
            raise RuntimeError(f"{name} counted {found.counted} of {expected} alerts")
        self.paces[name].append(found)
        self.cpu_us[name].append(used / expected * 1e6)

    def per_s(self, name: str) -> float:
        return middle(found.per_s for found in self.paces[name])


async def storm(scale: Scale) -> list[Outgoing]:
    return await normalized(scale.alerts, STORM)


async def measure(scale: Scale) -> Measured:
    result = Measured()
    async with broker(extra=[like(topic_named(ALERTS), FEW)]) as kafka:
        arena = Arena(kafka, scale)
        load = await storm(scale)
        arena.sizes[ALERTS] = await kafka.fill(load)
        few = (replace(out, topic=FEW) for out in load[: scale.of(24_000, 12_000)])
        arena.sizes[FEW] = await kafka.fill(few)
        for _ in range(scale.rounds):
            await ours(arena)
            await raw(arena)
            await quix(arena)
            await stock_faust(arena)
        _add_ratios(result, arena)
    return result


async def measure_wide(scale: Scale) -> Measured:
    async with broker() as kafka:
        arena = Arena(kafka, scale)
        arena.sizes[ALERTS] = await kafka.fill(await normalized(scale.alerts, WIDE))
        for _ in range(scale.rounds):
            await ours(arena)
            await raw(arena)
        mine, other = arena.per_s("ours"), arena.per_s("raw")
        more = {"dedup_wide_per_s": mine, "dedup_wide_raw_per_s": other, "dedup_wide_vs_raw": mine / other}
        return Measured(more=more)


async def measure_two_workers(scale: Scale) -> Measured:
    async with broker() as kafka:
        arena = Arena(kafka, scale)
        arena.sizes[ALERTS] = await kafka.fill(await storm(scale))
        for _ in range(scale.rounds):
            await ours(arena, workers=1, gated=True)
            await ours(arena, workers=2, gated=True)
        one, two = arena.per_s("ours-1"), arena.per_s("ours-2")
        more = {"dedup_one_worker_per_s": one, "dedup_two_workers_per_s": two}
        return Measured({"two_workers_vs_one": two / one}, more)


async def ours(arena: Arena, workers: int = 1, *, gated: bool = False) -> None:
    name = f"ours-{workers}" if gated else "ours"
    group, folder = arena.group(name), arena.scale.folder
    await arena.broker.make_changelogs(group)
    options = ["--only", "dedup", *(["--gated"] if gated else [])]

    def start(stack: ExitStack) -> list[Process]:
        return [
            stack.enter_context(
                child(
                    folder,
                    f"{group}-{number}",
                    "benchmarks.arms.ours",
                    arena.broker.bootstrap,
                    group,
                    str(folder / f"{group}-{number}"),
                    *options,
                )
            )
            for number in range(workers)
        ]

    await arena.run(name, ALERTS, start, _open_gates if gated else lambda _: None)


def _open_gates(processes: list[Process]) -> None:
    """All have joined and have their partitions; the load lies there."""
    for process in processes:
        process.signal(signal.SIGUSR1)


async def raw(arena: Arena) -> None:
    group = arena.group("raw")
    await arena.run("raw", ALERTS, _starting(arena, "raw", group, ALERTS))


async def quix(arena: Arena) -> None:
    group = arena.group("quix")
    ends = await _ends(arena, ALERTS)
    state = str(arena.scale.folder / group)
    await arena.run("quix", ALERTS, _starting(arena, "quix", group, ALERTS, state, *ends))


async def stock_faust(arena: Arena) -> None:
    """It has fewer alerts, since it is that much slower."""
    group = arena.group("faust")
    changelog = Topic(f"{group}-counts-changelog", key="key", holds="its table", compacted=True)
    await arena.broker.make([changelog])
    ends = await _ends(arena, FEW)
    state = str(arena.scale.folder / group)
    await arena.run("stock_faust", FEW, _starting(arena, "stock_faust", group, FEW, state, *ends))


def _starting(arena: Arena, module: str, group: str, topic: str, *more: str) -> Start:
    def start(stack: ExitStack) -> list[Process]:
        arguments = (arena.broker.bootstrap, group, topic, *more)
        return [
            stack.enter_context(child(arena.scale.folder, group, f"benchmarks.arms.{module}", *arguments))
        ]

    return start


async def _ends(arena: Arena, topic: str) -> list[str]:
    ends = await arena.broker.ends(topic)
    return [str(ends[tp]) for tp in sorted(ends, key=lambda tp: tp.partition)][:PARTITIONS]


def _add_ratios(result: Measured, arena: Arena) -> None:
    mine = arena.per_s("ours")
    result.more["dedup_per_s"] = mine
    for peer in ("raw", "quix", "stock_faust"):
        result.keys[f"dedup_vs_{peer}"] = mine / arena.per_s(peer)
        result.more[f"dedup_{peer}_per_s"] = arena.per_s(peer)
    for name in ("ours", "raw", "quix", "stock_faust"):
        result.more[f"dedup_{name}_cpu_us"] = middle(arena.cpu_us[name])
        result.more[f"dedup_{name}_events"] = middle(found.events for found in arena.paces[name])
