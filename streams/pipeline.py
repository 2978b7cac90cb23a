"""The whole pipeline in the order the data flows, with what each stage is given. Read this first.

    alerts.raw.{source} ─▶ normalize ─▶ alerts.normalized ─▶ dedup ─▶ incidents
                                                                        │
                       ┌── runs ◀── started ── schedule ◀── requests ── runs ◀───────────────┐
                       ▼                                                                     │
                   evidence ─▶ diagnose ─▶ solve ─┬─▶ review ──┬─▶ coordinate ─▶ rca.decisions
                                                  └─▶ critique ┘        │
                                                                        ├─▶ preflight ─▶ preflights
                                decisions, approvals.requests ◀── gate ◀┴──────────────────┘
                                               │
      approvals.signatures ─▶ intake ─▶ votes ─┴─▶ approve ─▶ approvals.outcomes, decisions, authorizations
                                                                                                    │
                 executions ◀── verify ◀── executions ◀── execute ◀┬────────────────────────────────┘
                                              executions.claims ◀──┘ (and back)

runs reads `decisions`, `approvals.outcomes` and `executions` as well, and tells on `runs` how each run ended.
verify reads `incidents` as well, and asks for the undo of what failed on `authorizations` and `decisions`.

Four workers: `ingest` up to schedule, `rca` (slow: clusters and models) up to critique, `execution` (slow:
under the executor's own log-in) with preflight, execute and verify, `policy` with the rest.
A later stage is one more file in stages/ and one more entry here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from agents.desk import Desk
from agents.sealing import Sealer
from connectors.alerts.detection import AUTO
from connectors.alerts.source import Source
from schemas.catalog import EVENT_MAX_BYTES, RAW_PREFIX, Topic
from schemas.codec import Codec
from schemas.errors import Misconfigured
from streams.execute_needs import ExecuteNeeds
from streams.placed import Placed
from streams.policy.exam import Rules
from streams.policy.silenced import Quiet
from streams.policy.verifier import Verifier
from streams.policy.world import World, world_of
from streams.runner import Runner
from streams.stages.approve import Approve
from streams.stages.coordinate import Coordinate
from streams.stages.correlate import Connects
from streams.stages.critique import Critique
from streams.stages.dedup import Dedup, DedupConfig
from streams.stages.diagnose import Diagnose
from streams.stages.evidence import Evidence, EvidenceNeeds
from streams.stages.execute import Execute
from streams.stages.gate import Gate
from streams.stages.intake import Intake
from streams.stages.muted import Muting
from streams.stages.normalize import Normalize, NormalizeConfig
from streams.stages.preflight import PreflightNeeds, PreflightStage
from streams.stages.review import Review
from streams.stages.runs import Runs
from streams.stages.schedule import Schedule, ScheduleConfig
from streams.stages.solve import Solve
from streams.stages.trust import Trust
from streams.stages.verify import Verify

WORKERS: Mapping[str, tuple[str, ...]] = {
    "ingest": ("normalize", "dedup", "runs", "schedule"),
    "rca": ("evidence", "diagnose", "solve", "review", "critique"),
    "policy": ("coordinate", "gate", "intake", "approve", "trust"),
    "execution": ("preflight", "execute", "verify"),
}
TRANSFORMS = ("normalize", "preflight", "intake")
"""the stages that keep no rows"""


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    normalize: NormalizeConfig = field(default_factory=NormalizeConfig)
    dedup: DedupConfig = field(default_factory=DedupConfig)
    schedule: ScheduleConfig = field(default_factory=ScheduleConfig)
    epoch: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What the stages get from the composition root; each worker kind needs its own part of it."""

    codec: Codec
    sources: Mapping[str, Source] = field(default_factory=dict)
    sealer: Sealer | None = None
    stamp_key: bytes | None = field(default=None, repr=False)
    quiet: Quiet | None = None
    """silences: of `ingest`; without them none is known"""
    silences_read: Callable[[], int] = lambda: 0
    """how far: whoever has looked at them looks again when it has changed"""
    connected: Connects | None = None
    """which services belong together: of `ingest`; without it no incidents are linked"""
    evidence: EvidenceNeeds | None = None
    """gatherers, topology, tool gateway, keys: of `rca` alone"""
    desk: Desk | None = None
    """playbooks, limits and models: of `rca` and, without models, of `policy`"""
    world: World | None = None
    """policy, switches and silences: of `policy`; without them everything is in doubt"""
    verifier: Verifier | None = None
    """who may sign: of `policy`; without it nobody"""
    proof_key: bytes | None = field(default=None, repr=False)
    """proves what policy decided: of `policy`; without it nothing goes by itself"""
    preflight: PreflightNeeds | None = None
    """executors and keys: of `execution`; without them every check is unavailable"""
    execute: ExecuteNeeds | None = None
    """the same, and what is known of the world: of `execution`; without it nothing is ever done"""


def stages(config: PipelineConfig, given: Given, kinds: Sequence[str] = tuple(WORKERS)) -> Sequence[Placed]:
    """Every stage of these worker kinds, placed."""
    makers = {"ingest": _ingest, "rca": _rca, "policy": _policy, "execution": _execution}
    return [placed for kind in kinds for placed in makers[kind](config, given)]


def _ingest(config: PipelineConfig, given: Given) -> Sequence[Placed]:
    """Normalize reads each raw topic on its own: a slowed source slows no other."""
    codec, epoch = given.codec, config.epoch
    normalize = Normalize(config.normalize, given.sources, given.sealer, given.stamp_key, epoch, given.quiet)
    dedup = Dedup(config.dedup, epoch, Muting(given.quiet, given.silences_read))
    runs = Runs(epoch)
    schedule = Schedule(config.schedule, epoch, given.connected)
    return (
        *(
            Placed(Runner(normalize, codec, epoch=epoch), (topic,), keyed=False)
            for topic in raw_topics(given.sources)
        ),
        Placed(Runner(dedup, codec, epoch=epoch), dedup.reads, keyed=True, glances=True),
        Placed(Runner(runs, codec, epoch=epoch), runs.reads, keyed=True),
        Placed(Runner(schedule, codec, epoch=epoch), schedule.reads, keyed=True),
    )


def _rca(config: PipelineConfig, given: Given) -> Sequence[Placed]:
    epoch = config.epoch
    if given.evidence is None:
        raise Misconfigured("the rca stages need gatherers and keys")
    desk = _desk(given)
    slow = (
        Evidence(given.evidence, epoch),
        Diagnose(desk, epoch),
        Solve(desk, epoch),
        Review(desk, epoch),
        Critique(desk, epoch),
    )
    return [
        Placed(Runner(stage, given.codec, epoch=epoch), stage.reads, keyed=True, slow=True) for stage in slow
    ]


def _policy(config: PipelineConfig, given: Given) -> Sequence[Placed]:
    codec, epoch = given.codec, config.epoch
    coordinate = Coordinate(_desk(given), epoch)
    world = given.world or world_of(codec, lambda _: None, lambda _: -1)
    gate, trust = Gate(world, epoch, given.proof_key), Trust(world.policies, epoch)
    verifier = given.verifier or Verifier(Rules(audience=""))
    intake, approve = (
        Intake(verifier, epoch, given.proof_key),
        Approve(verifier, world.policies, epoch, given.proof_key),
    )
    return (
        Placed(Runner(coordinate, codec, epoch=epoch), coordinate.reads, keyed=True),
        Placed(Runner(gate, codec, epoch=epoch), gate.reads, keyed=True),
        Placed(Runner(intake, codec, epoch=epoch), intake.reads, keyed=False),
        Placed(Runner(approve, codec, epoch=epoch), approve.reads, keyed=True),
        Placed(Runner(trust, codec, epoch=epoch), trust.reads, keyed=True),
    )


def _execution(config: PipelineConfig, given: Given) -> Sequence[Placed]:
    codec, epoch = given.codec, config.epoch
    preflight, verify = PreflightStage(given.preflight, epoch), Verify(given.execute, epoch)
    execute = Execute(given.execute, epoch)
    return (
        Placed(Runner(preflight, codec, epoch=epoch), preflight.reads, keyed=False, slow=True),
        Placed(Runner(execute, codec, epoch=epoch), execute.reads, keyed=True, slow=True),
        Placed(Runner(verify, codec, epoch=epoch), verify.reads, keyed=True),
    )


def _desk(given: Given) -> Desk:
    if given.desk is None:
        raise Misconfigured("the agents need a desk: playbooks, limits, models")
    return given.desk


def raw_topics(sources: Mapping[str, Source]) -> tuple[str, ...]:
    return tuple(RAW_PREFIX + name for name in (*sorted(sources), AUTO))


def changelogs(group: str, kind: str) -> tuple[Topic, ...]:
    """The topics behind a worker's keyed stages' rows: compacted, as many partitions as their input."""
    return tuple(
        Topic(
            f"{group}-{stage}-changelog",
            key="row",
            holds=f"rows of the {stage} stage",
            compacted=True,
            recorded=False,
            max_bytes=EVENT_MAX_BYTES,
        )
        for stage in WORKERS[kind]
        if stage not in TRANSFORMS
    )
