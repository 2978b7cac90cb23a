"""A run as it comes to the evidence stage: a real payload through normalize, dedup, runs and schedule."""

from __future__ import annotations

from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agents.sealing import Opener, Sealer
from agents.snapshot import Keys
from connectors.alerts.registry import BUILT_IN
from connectors.evidence import Finding
from schemas.codec import Codec
from schemas.run import RunStarted
from streams.memory import MemoryLog
from streams.placed import Placed
from streams.runner import Runner
from streams.stages.dedup import Dedup, DedupConfig
from streams.stages.normalize import Normalize, NormalizeConfig
from streams.stages.runs import Runs
from streams.stages.schedule import Schedule, ScheduleConfig

NOW = 1_800_000_000_000
RAW = "alerts.raw.alertmanager"
TARGET_KEY = b"k" * 32
PRIVATE = X25519PrivateKey.generate()


def keys(private: X25519PrivateKey = PRIVATE, *others: X25519PrivateKey) -> Keys:
    """Seals to the first, opens with all of them."""
    return Keys(Opener([private, *others]), Sealer(private.public_key()), TARGET_KEY)


def payload(labels: dict[str, str], **annotations: str) -> dict[str, Any]:
    alert = {
        "status": "firing",
        "labels": {"alertname": "InstanceDown", "severity": "critical", **labels},
        "annotations": annotations,
        "startsAt": "2026-03-01T10:15:30Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus:9090/graph",
    }
    return {"version": "4", "groupKey": "{}", "status": "firing", "receiver": "x", "alerts": [alert]}


async def started(
    labels: dict[str, str], sealer: Sealer | None = None, project: str = "shop", **annotations: str
) -> RunStarted:
    codec = Codec()
    config = NormalizeConfig(project_by_topic={RAW: project})
    normalize = Normalize(config, BUILT_IN, sealer or Sealer(PRIVATE.public_key()))
    first = Placed(Runner(normalize, codec, clock=lambda: NOW), (RAW,), keyed=False)
    stages = (Dedup(DedupConfig()), Runs(), Schedule(ScheduleConfig()))
    others = [Placed(Runner(stage, codec, clock=lambda: NOW), stage.reads, keyed=True) for stage in stages]
    log = MemoryLog([first, *others], codec, lambda: NOW)
    log.append(RAW, orjson.dumps(payload(labels, **annotations)))
    await log.run()
    (event,) = [event for event in log.events("runs") if isinstance(event, RunStarted)]
    return event


def finding(text: str, **more: Any) -> Finding:
    return Finding(**{"kind": "event", "about": "web", "observed_at": NOW, "text": text, **more})
