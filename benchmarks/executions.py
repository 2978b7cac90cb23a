"""From the closing signature to the effect at the API server, and 50 executions side by side."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles

import yaml

from agents.target_id import load_target_key
from awoooi.demo_people import enrolled
from awoooi.loading import load
from awoooi.settings import Settings
from awoooi.sign_commands import TOPIC as SIGNATURES
from awoooi.sign_commands import Hand, signed
from benchmarks.broker import Broker, broker, producing
from benchmarks.control_plane import Space, control_plane, deployment, space
from benchmarks.effects import Effects, gate, watching
from benchmarks.measured import Measured, Scale
from benchmarks.product import Product
from benchmarks.proposals import CODEC, restarts
from connectors.kubernetes import kinds
from schemas.approval import ApprovalRequested
from schemas.catalog import topic_of
from schemas.execution import (
    ExecutionFailed,
    ExecutionRefused,
    ExecutionShadowed,
    ExecutionSucceeded,
    ExecutionUnknown,
    ExecutionVoided,
)
from streams.policy.authorizations import action_id_of
from streams.policy.policy import SHIPPED
from tests.peers.waiting import wait_until_async

PER_SECOND, SIDE_BY_SIDE = 2, 50
WARM = 5
"""the first few, for which every connection is made"""
ASKED_SECS, DONE_SECS = 90.0, 60.0
REQUESTS = topic_of(ApprovalRequested).name
EXECUTIONS = topic_of(ExecutionSucceeded).name
ENDS = (
    *(ExecutionSucceeded, ExecutionRefused, ExecutionFailed),
    *(ExecutionVoided, ExecutionShadowed, ExecutionUnknown),
)
AUTHORIZED = "authorizations"
SIGNER = ("alice", "sre")


async def measure(scale: Scale) -> Measured:
    """The whole system on all cores, beside its broker and the whole control plane."""
    with control_plane(scale.folder / "executions-cluster") as peer:
        async with broker() as kafka, space(peer) as cluster, _system(scale, kafka, cluster) as bench:
            result = await _paced(bench, WARM + scale.of(100, 20))
            result |= await _side_by_side(bench, SIDE_BY_SIDE)
    return result


@dataclass(slots=True)
class Bench:
    kafka: Broker
    cluster: Space
    folder: Path
    settings: Settings
    hand: Hand
    effects: Effects
    done: int = 0
    names: list[str] = field(default_factory=list)


@asynccontextmanager
async def _system(scale: Scale, kafka: Broker, cluster: Space) -> AsyncIterator[Bench]:
    """Ready to act, as far as policy goes: the kill switch is lifted, and many may act at once."""
    given = {"AWOOOI_EXECUTOR_CLUSTERS": f"*={cluster.peer.kubeconfig}", "AWOOOI_MODELS_ORDER": "[]"}
    product = Product(scale.folder / "executions", kafka.bootstrap, more=given)
    product.run("init")
    settings = load(product.env()).settings
    hand = enrolled(settings.approvals.signers_file, *SIGNER)
    with product.running("up") as process:
        product.wait_ready(process, "HEALTH_INGEST_PORT")
        product.wait_ready(process, "HEALTH_SINK_PORT")
        product.run("policy", "apply", str(_policy(scale.folder)))
        product.run("kill-switch", "off", "--reason", "to measure")
        async with watching(cluster) as effects:
            yield Bench(kafka, cluster, scale.folder, settings, hand, effects)


def _policy(folder: Path) -> Path:
    """The shipped one, which lets five act at once."""
    policy = yaml.safe_load(SHIPPED.read_text())
    policy["caps"]["actions_at_once"] = 2 * SIDE_BY_SIDE
    path = folder / "policy.yaml"
    path.write_text(yaml.safe_dump(policy))
    return path


# -- what is measured


async def _paced(bench: Bench, count: int) -> Measured:
    """So many approvals a second, each of another workload; from the signature's append to the change."""
    requests = await _asked(bench, count)
    ids = await _signed(bench, requests, PER_SECOND)
    await _until_done(bench, ids)
    signatures, authorized = await _appended(bench, SIGNATURES), await _appended(bench, AUTHORIZED)
    waits = [bench.effects.at_ms[ids[one]] - signatures[one] for one in ids][WARM:]
    after = [bench.effects.at_ms[action] - authorized[action] for action in ids.values()][WARM:]
    cuts = quantiles(waits, n=100)
    more = {
        "approved_to_effect_p50_ms": cuts[49],
        "approved_to_effect_max_ms": max(waits),
        "authorized_to_effect_p99_ms": quantiles(after, n=100)[98],
    }
    return Measured({"approved_to_effect_p99_ms": cuts[98]}, more)


async def _side_by_side(bench: Bench, count: int) -> Measured:
    """All signed at once, and each held at the API server until all of them are there."""
    requests = await _asked(bench, count)
    async with gate(bench.cluster, count) as held:
        ids = await _signed(bench, requests)
        await _until_done(bench, ids)
    signatures = await _appended(bench, SIGNATURES)
    began = min(signatures[one] for one in ids)
    last = max(bench.effects.at_ms[action] for action in ids.values())
    return Measured({"executions_side_by_side": held.most}, {"side_by_side_secs": (last - began) / 1000})


# -- on the way there


async def _asked(bench: Bench, count: int) -> Sequence[ApprovalRequested]:
    """New workloads, a recommendation for each, and what the gate then asks people for."""
    names = [f"shop-{number:04d}" for number in range(len(bench.names), len(bench.names) + count)]
    await bench.cluster.make(kinds.DEPLOYMENT, [deployment(name) for name in names])
    await bench.cluster.until_running()
    key = load_target_key(bench.settings.sealing.target_key_file)
    await bench.kafka.fill(restarts(bench.cluster.name, names, key, len(bench.names)))
    bench.names += names
    wanted, found = set(names), dict[str, ApprovalRequested]()

    async def all_asked() -> bool:
        for record in await bench.kafka.read(REQUESTS):
            event = CODEC.decode(record.value)
            if isinstance(event, ApprovalRequested):
                found[event.payload.action.step.target.name] = event  # type: ignore[union-attr]  # all have one
        return found.keys() >= wanted

    await wait_until_async(all_asked, ASKED_SECS, what=f"{count} requests", every=0.5)
    return [found[name] for name in names]


async def _signed(bench: Bench, requests: Sequence[ApprovalRequested], per_s: int = 0) -> Mapping[str, str]:
    """By one person, whose signature closes each of them; approval id → action id."""
    environment, now = bench.settings.approvals.environment, int(time.time())
    tokens = [signed(one, "approve", "seen and understood", bench.hand, environment, now) for one in requests]
    ids = {one.payload.approval_id: action_id_of(one.payload.approval_id) for one in requests}
    async with producing(bench.kafka.bootstrap) as producer:
        for approval_id, token in zip(ids, tokens, strict=True):
            await producer.send(SIGNATURES, token, key=approval_id.encode())
            if per_s:
                await asyncio.sleep(1 / per_s)
        await producer.flush()
    return ids


async def _until_done(bench: Bench, ids: Mapping[str, str]) -> None:
    """Each of them once, by what is recorded and by what the API server counts."""
    wanted, ends = set(ids.values()), dict[str, str]()

    async def all_ended() -> bool:
        for record in await bench.kafka.read(EXECUTIONS):
            event = CODEC.decode(record.value)
            if isinstance(event, ENDS) and event.payload.action_id in wanted:
                ends[event.payload.action_id] = f"{event.type}, {event.payload.code}: {event.payload.reason}"
        return ends.keys() >= wanted

    with contextlib.suppress(TimeoutError):  # told below
        await wait_until_async(all_ended, DONE_SECS, what="executions", every=0.5)
    others = Counter(end for end in ends.values() if not end.startswith(ExecutionSucceeded.type_name()))
    if others or len(ends) < len(wanted):
        raise RuntimeError(f"{len(ends)} of {len(wanted)} ended; not done: {others.most_common(3)}")
    told = bench.effects.at_ms
    await wait_until_async(lambda: told.keys() >= wanted, timeout=10, what="every change, by the watch")
    twice = [name for name in bench.names if not bench.effects.changed_once(name)]
    if twice:
        raise RuntimeError(f"{len(twice)} of {len(bench.names)} workloads were not changed just once")


async def _appended(bench: Bench, topic: str) -> Mapping[str, int]:
    """By key, in the broker's milliseconds: an approval's id, or an action's."""
    records = await bench.kafka.read(topic)
    if topic == SIGNATURES:
        return {record.key.decode(): record.timestamp for record in records}
    return {CODEC.decode(record.value).payload.action_id: record.timestamp for record in records}  # type: ignore[attr-defined]  # of authorizations alone
