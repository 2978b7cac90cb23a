"""The one table: topic → key, partitions, retention, ClickHouse table, event classes.

Topic creation, the stream engine, the sink, the AsyncAPI document and the tests all read it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any
from zlib import crc32

from schemas.alert import AlertNormalized, AlertRejected, AlertReplayed, CloseRequested
from schemas.approval import (
    ApprovalApproved,
    ApprovalExpired,
    ApprovalRejected,
    ApprovalRequested,
    ApprovalVoided,
)
from schemas.audit import AuditCheckpoint, AuditHead, ProjectErased
from schemas.authorization import ActionAuthorized, ActionWithdrawn
from schemas.decision import LearningCauseJudged, LearningDebateEnded, RcaDecided, RcaLate
from schemas.diagnosis import RcaDiagnosed
from schemas.envelope import Event
from schemas.evidence import EvidenceCollected
from schemas.execution import EXECUTION_EVENTS, ExecutionClaimed
from schemas.failure import StageFailed
from schemas.flapping import IncidentFlapping
from schemas.incident import INCIDENT_EVENTS
from schemas.notification import (
    ChannelReceived,
    ChannelSent,
    NotificationFailed,
    NotificationQueued,
    NotificationSent,
    NotificationSkipped,
)
from schemas.outcome import DecisionMade
from schemas.plan import RcaPlanned
from schemas.policy import PlaybookRevised, PolicyApplied
from schemas.preflight import PreflightChecked
from schemas.project import ProjectSet
from schemas.run import (
    RunCancelled,
    RunFinished,
    RunRequested,
    RunSettled,
    RunShared,
    RunSpent,
    RunStarted,
    RunThrottled,
)
from schemas.signer import SIGNER_EVENTS
from schemas.silence import AlertMuted, SilenceSet
from schemas.switch import SwitchSet
from schemas.tool import ToolCalled
from schemas.topology import TopologyObserved
from schemas.trust import TrustDecayed, TrustDrifted, TrustObserved, TrustRaised, TrustReset
from schemas.verdict import RcaCritiqued, RcaReviewed
from schemas.vote import CountRefused, VoteCounted, VoteLate, VoteRefused, VoteTurnedAway, VoteVerified

MIB = 1024 * 1024
RAW_PREFIX = "alerts.raw."
TICKS_PREFIX = "ticks."
RAW_MAX_BYTES = 2 * MIB  # a webhook body of 1 MiB with room for its headers
EVENT_MAX_BYTES = 2 * MIB
DEAD_LETTER_MAX_BYTES = 4 * MIB  # the original of any record fits, with its envelope
COMPACTED_AFTER_MS = 24 * 3600 * 1000  # the sink has read, and linked, what is compacted away
WORKERS = ("ingest", "rca", "policy", "execution", "notify")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the catalogue.

    `keyed`: as many partitions as every other keyed topic, fixed for life; else exactly one.
    `recorded`: the sink copies its events into ClickHouse.
    """

    name: str
    key: str
    holds: str
    events: tuple[type[Event], ...] = ()
    keyed: bool = True
    retention: timedelta | None = timedelta(days=14)
    compacted: bool = False
    recorded: bool = True
    max_bytes: int = EVENT_MAX_BYTES
    inner: bool = False
    stamped_by_broker: bool = False
    """the broker's time, not the producer's: what hangs on `received_at` must not hang on a foreign clock"""

    def config(self) -> dict[str, str]:
        """The topic's settings on the broker."""
        keep = -1 if self.retention is None else int(self.retention.total_seconds() * 1000)
        return {
            "cleanup.policy": "compact" if self.compacted else "delete",
            "max.message.bytes": str(self.max_bytes),
            **({"min.compaction.lag.ms": str(COMPACTED_AFTER_MS)} if self.compacted else {}),
            **({} if self.compacted else {"retention.ms": str(keep)}),
            **({"message.timestamp.type": "LogAppendTime"} if self.stamped_by_broker else {}),
        }


def partition_of(key: bytes, partitions: int) -> int:
    """CRC-32, as librdkafka does by default: a murmur2 in Python costs more than the rest of a send."""
    return crc32(key) % partitions


def key_of(event: Event) -> bytes:
    """The record key, from what the topic is keyed by."""
    return _KEYS[topic_of(type(event)).key](event).encode()


def subject_of(event: Any) -> str:
    """What a compacted topic keeps the latest word on; elsewhere the incident is the subject."""
    return str(getattr(event.payload, "subject", "") or event.incident_id)


_KEYS: dict[str, Callable[[Any], str]] = {
    "project and fingerprint": lambda event: f"{event.project_id}:{event.payload.fingerprint}",
    "source": lambda event: event.payload.source,
    "stage": lambda event: event.payload.stage,
    "incident": lambda event: event.incident_id,
    "subject": subject_of,
    "partition": subject_of,
    "project": lambda event: event.project_id,
    "trust key": lambda event: event.payload.trust_key,
    "target": lambda event: event.payload.target,
}


BUSY_SOURCES = frozenset(
    {"alertmanager", "auto", "awoooi", "eventrecorder", "grafana", "prometheus", "signoz", "{source}"}
)
"""whose raw topics have as many partitions as the keyed ones. One carries thousands of webhooks a second, and
each costs every fetch of every ingest worker a little, also where nothing comes: the others have one"""


def raw_topic(source: str, retention: timedelta = timedelta(days=3)) -> Topic:
    """Native payloads as they came, one topic a source."""
    return Topic(
        RAW_PREFIX + source,
        key="any",
        keyed=source in BUSY_SOURCES,
        holds=f"native payloads of `{source}`, as they came",
        retention=retention,
        recorded=False,
        max_bytes=RAW_MAX_BYTES,
        inner=True,
        stamped_by_broker=True,
    )


def ticks_topic(worker: str) -> Topic:
    """Internal: a worker's timer, given to each partition in order with the events."""
    return Topic(
        TICKS_PREFIX + worker,
        key="–",
        holds=f"internal ticks of the {worker} worker",
        retention=timedelta(hours=1),
        recorded=False,
    )


def reference_topic(
    name: str, holds: str, key: str = "subject", events: tuple[type[Event], ...] = ()
) -> Topic:
    """Reference data: compacted, small, one partition, read in full by every process."""
    return Topic(name, key=key, holds=holds, events=events, keyed=False, retention=None, compacted=True)


TOPICS: tuple[Topic, ...] = (
    Topic(
        "alerts.normalized",
        key="project and fingerprint",
        holds="every alert, read and cleaned; which its sender mutes; a person's request to close",
        events=(AlertNormalized, CloseRequested, AlertMuted),
    ),
    Topic(
        "alerts.rejected",
        key="source",
        holds="raw records that no source can read, with their bytes; which were sent again, by whom",
        events=(AlertRejected, AlertReplayed),
        max_bytes=DEAD_LETTER_MAX_BYTES,
        inner=True,
    ),
    Topic(
        "incidents",
        key="incident",
        holds="the life of every incident",
        events=(*INCIDENT_EVENTS, IncidentFlapping),
    ),
    Topic(
        "runs.requests",
        key="project",
        holds="runs asked for, what they cost, that they are over",
        events=(RunRequested, RunSpent, RunSettled),
    ),
    Topic(
        "runs",
        key="incident",
        holds="runs, which of them wait or are shared, and how they end",
        events=(RunStarted, RunThrottled, RunShared, RunCancelled, RunFinished),
    ),
    Topic("rca.evidence", key="incident", holds="what was gathered for a run", events=(EvidenceCollected,)),
    Topic("rca.diagnoses", key="incident", holds="the diagnostician's turns", events=(RcaDiagnosed,)),
    Topic("rca.plans", key="incident", holds="the solver's turns", events=(RcaPlanned,)),
    Topic("rca.reviews", key="incident", holds="the reviewer's turns", events=(RcaReviewed,)),
    Topic("rca.critiques", key="incident", holds="the critic's turns", events=(RcaCritiqued,)),
    Topic(
        "rca.decisions",
        key="incident",
        holds="the coordinator's decision packages",
        events=(RcaDecided, RcaLate),
    ),
    Topic(
        "preflights",
        key="incident",
        holds="checks made under the executor's own identity",
        events=(PreflightChecked,),
    ),
    Topic(
        "approvals.requests",
        key="incident",
        holds="what policy asks people to approve",
        events=(ApprovalRequested,),
    ),
    Topic(
        "approvals.signatures",
        key="any",
        holds="compact JWS from any client, as they came",
        recorded=False,
    ),
    Topic(
        "approvals.votes",
        key="incident",
        holds="signatures verified or refused",
        events=(VoteVerified, VoteRefused, VoteTurnedAway),
    ),
    Topic(
        "approvals.outcomes",
        key="incident",
        holds="votes counted, approvals closed",
        events=(
            VoteCounted,
            CountRefused,
            VoteLate,
            ApprovalApproved,
            ApprovalRejected,
            ApprovalExpired,
            ApprovalVoided,
        ),
    ),
    Topic(
        "decisions",
        key="incident",
        holds="the public outcome for downstream consumers",
        events=(DecisionMade,),
    ),
    Topic(
        "authorizations",
        key="target",
        holds="the only thing that executes",
        events=(ActionAuthorized, ActionWithdrawn),
    ),
    Topic(
        "executions.claims",
        key="target",
        holds="who executes what, first claim wins",
        events=(ExecutionClaimed,),
    ),
    Topic(
        "executions",
        key="incident",
        holds="what was executed and how it ended",
        events=EXECUTION_EVENTS,
    ),
    Topic(
        "trust.observations",
        key="trust key",
        holds="outcomes that trust is earned by",
        events=(TrustObserved,),
    ),
    reference_topic("trust", "trust scores", key="trust key", events=(TrustRaised, TrustReset, TrustDecayed)),
    reference_topic("switches", "kill switches and opt-ins", events=(SwitchSet,)),
    reference_topic("silences", "silences, maintenance windows, change freezes", events=(SilenceSet,)),
    reference_topic("topology", "services and what they depend on", events=(TopologyObserved,)),
    reference_topic(
        "policies", "revisions of the policy and of playbooks", events=(PolicyApplied, PlaybookRevised)
    ),
    reference_topic("projects", "tenants", events=(ProjectSet, ProjectErased)),
    reference_topic("signers", "who may sign, with which keys", events=SIGNER_EVENTS),
    Topic("tools", key="incident", holds="tool calls with their gate results", events=(ToolCalled,)),
    Topic(
        "notifications",
        key="incident",
        holds="messages queued, sent, failed, skipped",
        events=(NotificationQueued, NotificationSent, NotificationFailed, NotificationSkipped),
    ),
    Topic(
        "channels",
        key="incident",
        holds="inbound and outbound channel messages",
        events=(ChannelReceived, ChannelSent),
    ),
    Topic("governance", key="subject", holds="events about the AI itself", events=(TrustDrifted,)),
    Topic("finops", key="subject", holds="findings of waste"),
    Topic(
        "learning",
        key="subject",
        holds="ended debates and outcomes, kept as input",
        events=(LearningDebateEnded, LearningCauseJudged),
    ),
    Topic(
        "audit.heads",
        key="partition",
        holds="heads of the hash chains, and checkpoints",
        events=(AuditHead, AuditCheckpoint),
        keyed=False,
        retention=None,
        compacted=True,
    ),
    Topic(
        "stage.failed",
        key="stage",
        holds="events that a stage could not process, with their bytes",
        events=(StageFailed,),
        max_bytes=DEAD_LETTER_MAX_BYTES,
        inner=True,
    ),
    *(ticks_topic(worker) for worker in WORKERS),
)

_BY_NAME = {topic.name: topic for topic in TOPICS}
_BY_EVENT = {event: topic for topic in TOPICS for event in topic.events}


def topic(name: str) -> Topic:
    return _BY_NAME[name]


def topic_of(event: type[Event]) -> Topic:
    """The one topic that an event class is written to."""
    return _BY_EVENT[event]


@cache
def class_of_type(event: type[Event]) -> type[Event]:
    """What a class's records are read as: two classes may write one type, to topics of their own."""
    return event_classes()[event.type_name()]


def recorded_topics() -> tuple[Topic, ...]:
    """What the sink copies into ClickHouse."""
    return tuple(topic for topic in TOPICS if topic.recorded)


@cache
def event_classes() -> dict[str, type[Event]]:
    """By type; of two classes of one type the first, which is what its records are read as."""
    found: dict[str, type[Event]] = {}
    for event in (event for topic in TOPICS for event in topic.events):
        found.setdefault(event.type_name(), event)
    return found
