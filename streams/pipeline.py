"""The whole pipeline in the order the data flows, with what each stage is given. Read this first.

    alerts.raw.{source} ─▶ normalize ─▶ alerts.normalized ─▶ dedup ─▶ incidents
                                                                        │
                             runs ◀── started ── schedule ◀── requests ─┤
                                                                       runs

A later stage is one more file in stages/ and one more entry here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agents.sealing import Sealer
from connectors.alerts.source import Source
from schemas.catalog import EVENT_MAX_BYTES, RAW_PREFIX, Topic
from schemas.codec import Codec
from streams.placed import Placed
from streams.runner import Runner
from streams.stages.dedup import Dedup, DedupConfig
from streams.stages.normalize import AUTO, Normalize, NormalizeConfig
from streams.stages.runs import Runs
from streams.stages.schedule import Schedule, ScheduleConfig

WORKERS: Mapping[str, tuple[str, ...]] = {
    "ingest": ("normalize", "dedup", "runs", "schedule"),
    "all": ("normalize", "dedup", "runs", "schedule"),
}
KEYED = ("dedup", "runs", "schedule")


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    normalize: NormalizeConfig = field(default_factory=NormalizeConfig)
    dedup: DedupConfig = field(default_factory=DedupConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    epoch: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What the stages get from the composition root."""

    codec: Codec
    sources: Mapping[str, Source]
    sealer: Sealer | None = None
    stamp_key: bytes | None = field(default=None, repr=False)


def stages(config: PipelineConfig, given: Given) -> Sequence[Placed]:
    """Every stage, placed. Normalize reads each raw topic on its own: a slowed source slows no other."""
    codec, epoch = given.codec, config.epoch
    normalize = Normalize(config.normalize, given.sources, given.sealer, given.stamp_key, epoch)
    dedup = Dedup(config.dedup, epoch)
    runs = Runs(epoch)
    schedule = Schedule(config.schedule, epoch)
    return (
        *(
            Placed(Runner(normalize, codec, epoch=epoch), (topic,), keyed=False)
            for topic in raw_topics(given.sources)
        ),
        Placed(Runner(dedup, codec, epoch=epoch), dedup.reads, keyed=True, glances=True),
        Placed(Runner(runs, codec, epoch=epoch), runs.reads, keyed=True),
        Placed(Runner(schedule, codec, epoch=epoch), schedule.reads, keyed=True),
    )


def raw_topics(sources: Mapping[str, Source]) -> tuple[str, ...]:
    return tuple(RAW_PREFIX + name for name in (*sorted(sources), AUTO))


def of_worker(kind: str, placed: Sequence[Placed]) -> Sequence[Placed]:
    return [stage for stage in placed if stage.name in WORKERS[kind]]


def changelogs(group: str) -> tuple[Topic, ...]:
    """The topics behind the keyed stages' rows: compacted, as many partitions as their input."""
    return tuple(
        Topic(
            f"{group}-{stage}-changelog",
            key="row",
            holds=f"rows of the {stage} stage",
            compacted=True,
            recorded=False,
            max_bytes=EVENT_MAX_BYTES,
        )
        for stage in KEYED
    )
