"""The job on Quix Streams: its own state with its changelog, its own commits."""

from __future__ import annotations

import sys
from typing import Any

from quixstreams import Application, message_context  # type: ignore[import-not-found, unused-ignore]
from quixstreams.models import (  # type: ignore[import-not-found, unused-ignore]
    Deserializer,
    Serializer,
)

from benchmarks.arms.job import BATCH, Job
from benchmarks.child import READY
from schemas.codec import Codec
from streams.runner import Outgoing


class ReadAvro(Deserializer):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self._read = Codec().read

    def __call__(self, value: bytes, ctx: Any) -> Any:  # noqa: ARG002  Quix's signature
        return self._read(value)[1]


class Encoded(Serializer):  # type: ignore[misc]
    def __call__(self, value: Outgoing, ctx: Any) -> bytes:  # noqa: ARG002  Quix's signature
        return value.value


class Dedup:
    def __init__(self, ends: dict[int, int]) -> None:
        self._ends = ends
        self._jobs = {partition: Job() for partition in ends}
        self._taken = dict.fromkeys(ends, 0)

    def __call__(self, event: dict[str, Any], state: Any) -> list[Outgoing]:
        context = message_context()
        partition = context.partition
        job = self._jobs[partition]
        state.set("s", job.count(event, state.get("s")))
        self._taken[partition] += 1
        if self._taken[partition] % BATCH and context.offset + 1 < self._ends[partition]:
            return []
        return job.tell()


def run(bootstrap: str, group: str, topic: str, state_dir: str, *ends: str) -> None:
    app = Application(
        broker_address=bootstrap,
        consumer_group=group,
        auto_offset_reset="earliest",
        commit_interval=1.0,
        state_dir=state_dir,
        loglevel="WARNING",
        producer_extra_config={"acks": "all"},
    )
    alerts = app.topic(topic, key_deserializer="bytes", value_deserializer=ReadAvro())
    incidents = app.topic("incidents", key_serializer="bytes", value_serializer=Encoded())
    frame = app.dataframe(alerts)
    told = frame.apply(Dedup(dict(enumerate(map(int, ends)))), stateful=True, expand=True)
    told = told.set_headers(lambda out, *_: out.headers)
    told.to_topic(incidents, key=lambda out: out.key)
    print(READY, flush=True)
    app.run()


if __name__ == "__main__":
    run(*sys.argv[1:])
