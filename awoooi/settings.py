"""Every setting, gathered: the components' own configurations, and what belongs to no one component.

Where the values come from (environment, file, state folder) is read in loading.py.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveInt,
    SecretStr,
    field_validator,
    model_validator,
)

from agents.models.config import Asking, ClaudeConfig, GeminiConfig, OllamaConfig, OpenAiConfig
from connectors.alerts.identity import RESOURCE, WORKLOAD, Identity
from connectors.gateway.config import GatewayConfig
from connectors.gateway.oidc import OidcConfig
from connectors.kafka.config import KafkaConfig
from connectors.kubernetes.config import ExecutorConfig, KubernetesConfig
from connectors.mcp.config import McpConfig, McpKubernetesConfig
from connectors.prometheus.config import PrometheusConfig
from connectors.secret import one_of, read_secret
from connectors.tokens import PROJECT_PATTERN
from schemas.catalog import RAW_PREFIX, event_classes
from schemas.errors import Misconfigured
from schemas.operations import Operation
from sinks.clickhouse.config import ClickHouseConfig
from sinks.clickhouse.retention import RetentionConfig
from sinks.store.config import StoreConfig

EMBEDDED_PARTITIONS, DEFAULT_PARTITIONS = 4, 12


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class LogSettings(Section):
    format: Literal["auto", "json", "readable"] = Field("auto", description="auto: readable on a terminal")
    level: Literal["debug", "info", "warning", "error"] = Field("info", description="of our own lines")


class BrokerSettings(Section):
    """The embedded broker, which `awoooi up` starts when no other is given."""

    port: int = Field(9092, ge=1, le=65535, description="on 127.0.0.1")


class HealthSettings(Section):
    """Where the processes that speak no HTTP else serve /healthz, /readyz and /metrics."""

    host: str = "127.0.0.1"
    ingest_port: int = Field(9101, ge=0, le=65535, description="of `worker ingest` and `worker all`")
    sink_port: int = Field(9102, ge=0, le=65535, description="of `sink`")
    rca_port: int = Field(9103, ge=0, le=65535, description="of `worker rca`")
    policy_port: int = Field(9104, ge=0, le=65535, description="of `worker policy`")
    execution_port: int = Field(9105, ge=0, le=65535, description="of `worker execution`")


class RegistrySettings(Section):
    """A Confluent-compatible schema registry; without one, events carry their schema's fingerprint."""

    url: str | None = Field(None, pattern=r"^https?://[^@\s]+$", description="http(s)://host:port")
    user: str | None = None
    password: SecretStr | None = None
    password_file: Path | None = None
    ca_file: Path | None = Field(None, description="PEM; the system's authorities where none is given")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.password is not None and self.password_file is not None:
            raise ValueError("give either password or password_file")
        if (self.user is None) != (self.password is None and self.password_file is None):
            raise ValueError("user and password go together")
        return self

    def login(self) -> tuple[str, str] | None:
        if self.user is None:
            return None
        return self.user, read_secret(self.password, self.password_file, "registry.password")


class DedupSettings(Section):
    copy_window_secs: float = Field(60, gt=0, description="copies of one alert within it count once")
    reopen_window_secs: float = Field(15 * 60, gt=0, description="what fires again within it reopens")
    silence_expiry_secs: float = Field(24 * 3600, gt=0, description="an incident silent for so long expires")
    flapping_changes: int = Field(
        6, ge=0, le=100, description="more changes of state in the window: it flaps, no runs; 0: never"
    )
    flapping_window_secs: float = Field(3600, gt=0, le=86400, description="in which changes are counted")
    flapping_settle_secs: float = Field(
        15 * 60, gt=0, le=86400, description="without a change it has settled: runs are asked for again"
    )
    watchdog_alerts: tuple[str, ...] = Field(
        ("Watchdog",), description="alerts that always fire: what is told is that one does not come"
    )
    watchdog_absence_secs: float = Field(
        10 * 60, gt=0, description="without one it is missed; longer than the sender's repeat_interval"
    )

    @model_validator(mode="after")
    def _settles_between_windows(self) -> Self:
        apart = self.flapping_window_secs / max(1, self.flapping_changes)
        if self.flapping_changes and self.flapping_settle_secs < apart:
            raise ValueError(
                f"flapping_settle_secs: an alert that just flaps changes every {apart:g} s, and would settle "
                "after each change; give at least that"
            )
        return self


class VerificationSettings(Section):
    """How long what was done is looked at: by its executor, by its playbook's query, by its alert."""

    look_secs: float = Field(120, gt=0, le=3600, description="until the executor must see it hold")
    query_after_secs: float = Field(
        60, ge=0, le=600, description="what was measured sooner tells of before; more than a scrape interval"
    )
    query_secs: float = Field(180, gt=0, le=3600, description="until the playbook's query must hold")
    alert_secs: int = Field(900, gt=0, le=3600, description="until its alert should resolve; told, no result")


class RunSettings(Section):
    """A run of the agents over an incident: its time, its money, who argues."""

    deadline_secs: float = Field(260, ge=90, le=3600, description="for the whole run, evidence to decision")
    at_once: int = Field(256, ge=1, le=10_000, description="calls of a worker to models and clusters")
    tokens_per_day: int = Field(0, ge=0, description="of a project (UTC), then rules alone; 0: no limit")
    usd_per_day: float = Field(0, ge=0, description="of a project (UTC), then rules alone; 0: no limit")
    tokens_by_project: dict[str, int] = Field(
        default_factory=dict, description="project=tokens a day, where it differs"
    )
    usd_by_project: dict[str, float] = Field(
        default_factory=dict, description="project=USD a day, where it differs"
    )
    debate_off_projects: tuple[str, ...] = Field(
        (), description="projects whose agents ask no models: rules, and a person decides"
    )
    per_alert_per_day: int = Field(
        10, ge=0, description="runs of one alert in a day (UTC), then a person looks; 0: no limit"
    )
    per_day: int = Field(5000, ge=0, description="runs of a project in a day (UTC); 0: no limit")
    per_day_by_project: dict[str, NonNegativeInt] = Field(
        default_factory=dict, description="project=runs a day, where it differs"
    )


class StormSettings(Section):
    """When new incidents are too many to begin a run for each at once, and which of them belong together."""

    threshold: int = Field(30, ge=0, description="new incidents of a project in a minute; 0: no storms")
    released_per_minute: int = Field(30, ge=1, le=10_000, description="runs that begin while a storm lasts")
    critical_per_minute: int = Field(
        30, ge=0, le=10_000, description="beside them, for critical incidents alone"
    )
    threshold_by_project: dict[str, NonNegativeInt] = Field(
        default_factory=dict, description="project=threshold, where it differs"
    )
    released_by_project: dict[str, PositiveInt] = Field(
        default_factory=dict, description="project=runs a minute, where it differs"
    )
    correlation_window_secs: float = Field(
        300, ge=0, le=3600, description="between incidents that the topology may connect; 0: none"
    )


class EvidenceSettings(Section):
    """What is gathered for a run; the sources' own addresses stand in their own sections."""

    calls_per_run: int = Field(50, ge=1, le=1000, description="of tools; more are refused and a gap")
    history_timeout_secs: float = Field(6, gt=0, le=60, description="for what ClickHouse knows of an alert")
    topology_timeout_secs: float = Field(5, gt=0, le=60, description="for the services around the target")
    topology_file: Path | None = Field(None, description="services and what they depend on, YAML or JSON")
    mask_names: bool = Field(False, description="cover resource names in the records of tool calls too")


class SealingSettings(Section):
    """The key pair that personal values are sealed with; who only seals needs the public one alone."""

    public_key_file: Path
    private_key_file: Path
    target_key_file: Path = Field(description="the secret that the ids of targets are made with")


class AuditSettings(Section):
    """The key that pinned heads are signed with, and where they are kept beside the topic `audit.heads`."""

    key_file: Path = Field(description="of the sink alone (Ed25519, PEM)")
    public_key_file: Path = Field(
        description="what `awoooi audit verify` goes by; older keys may follow in it"
    )
    heads_file: Path = Field(description="append only; best on another machine than ClickHouse")
    heads_mb: float = Field(16, ge=0, description="of the heads file, before it begins anew; 0: never")
    pin_secs: float = Field(60, gt=0, le=3600, description="longest time between a link and its pinned head")


class ApprovalSettings(Section):
    environment: str = Field(
        "local",
        pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$",
        description="what `aud` must say in a signed approval: never the same in two environments",
    )
    signers_file: Path = Field(description="who may sign, with which keys and roles; YAML or JSON")
    topic_gives: bool = Field(
        True, description="false: the topic `signers` only takes away what the signers file gives"
    )
    proof_key_file: Path = Field(
        description="the secret by which `worker policy` and the executor know what policy decided"
    )


class ApiSettings(Section):
    """Where `awoooi incident` asks, and as whom."""

    url: str = Field(pattern=r"^https?://[^@\s]+$", description="of the gateway, as this machine reaches it")
    token: SecretStr | None = Field(None, description="a person's own")
    token_file: Path | None = Field(None, description="instead of token")
    ca_file: Path | None = Field(None, description="PEM; the system's authorities where none is given")

    @model_validator(mode="after")
    def _has_a_token(self) -> Self:
        one_of(self.token, self.token_file, "token")
        return self


class ClickHouseSettings(ClickHouseConfig):
    """Two users: the sink and the migrations write, people's questions only read. A third may delete."""

    password_file: Path | None = Field(None, description="instead of password")
    reader_user: str = "reader"
    reader_password: SecretStr = SecretStr("")
    reader_password_file: Path | None = Field(None, description="instead of reader_password")
    eraser_user: str = Field("", description="of `awoooi erase`; empty: the writer, as with the own store")
    eraser_password: SecretStr = SecretStr("")
    eraser_password_file: Path | None = Field(None, description="instead of eraser_password")

    def writer(self) -> ClickHouseConfig:
        return self._as(self.user, self.password, self.password_file, "password")

    def reader(self) -> ClickHouseConfig:
        return self._as(self.reader_user, self.reader_password, self.reader_password_file, "reader_password")

    def eraser(self) -> ClickHouseConfig:
        if not self.eraser_user:
            return self.writer()
        return self._as(self.eraser_user, self.eraser_password, self.eraser_password_file, "eraser_password")

    def _as(self, user: str, password: SecretStr, file: Path | None, name: str) -> ClickHouseConfig:
        secret = password if file is None else SecretStr(read_secret(None, file, f"clickhouse.{name}"))
        shared = {field: getattr(self, field) for field in ClickHouseConfig.model_fields}
        return ClickHouseConfig(**{**shared, "user": user, "password": secret})


class Settings(Section):
    state_dir: Path = Field(description="keys, tokens, the store's data, logs of `up`")
    embedded: bool = Field(description="the broker is the embedded one: it forgets, and groups form quickly")
    log_epoch: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="which life of an embedded log; empty on a real cluster",
    )
    partitions: int = Field(ge=1, le=1000, description="of every keyed topic, fixed for life")
    replication: int = Field(-1, ge=-1, le=9, description="of every topic; -1 takes the broker's default")
    raw_retention_hours: float = Field(72, gt=0, description="of the topics with native payloads")
    sources: tuple[str, ...] = Field((), description="alert sources in use; by default all installed")
    mappings_file: Path | None = Field(
        None, description="sources of your own, by where things lie in their JSON; YAML"
    )
    project_by_topic: dict[str, str] = Field(
        default_factory=dict, description="raw topic → project, for Kafka producers: topic=project,…"
    )
    json_events: tuple[str, ...] = Field((), description="event types written as JSON instead of Avro")
    tick_secs: float = Field(1.0, ge=0.1, le=60, description="how often a worker looks what time has brought")
    log: LogSettings = LogSettings()
    kafka: KafkaConfig
    broker: BrokerSettings = BrokerSettings()
    gateway: GatewayConfig
    oidc: OidcConfig = OidcConfig()
    store: StoreConfig
    clickhouse: ClickHouseSettings
    retention: RetentionConfig = RetentionConfig()
    registry: RegistrySettings = RegistrySettings()
    sealing: SealingSettings
    approvals: ApprovalSettings
    audit: AuditSettings
    api: ApiSettings
    fingerprint: Literal["resource", "workload"] = Field(
        "resource", description="what an alert is about; by workload a pod that is made anew is the same"
    )
    fingerprint_fields: dict[str, tuple[str, ...]] = Field(
        default_factory=dict, description="source=field+field, for sources whose identity is another"
    )
    dedup: DedupSettings = DedupSettings()
    health: HealthSettings = HealthSettings()
    runs: RunSettings = RunSettings()
    storms: StormSettings = StormSettings()
    playbooks: tuple[Path, ...] = Field((), description="files and folders with playbooks of your own")
    evidence: EvidenceSettings = EvidenceSettings()
    kubernetes: KubernetesConfig = KubernetesConfig()
    executor: ExecutorConfig = ExecutorConfig()
    verification: VerificationSettings = VerificationSettings()
    executors: dict[Operation, str] = Field(
        default_factory=dict,
        description="operation=executor that carries it out, where not the first that can: DELETE_POD=mcp",
    )
    executor_options: dict[str, str] = Field(
        default_factory=dict, description="executor.name=value, for executors of installed packages"
    )
    actions_file: Path | None = Field(
        None, description="commands, HTTP calls and Ansible playbooks that may be run by name; YAML"
    )
    mcp: McpConfig = McpConfig()
    mcp_kubernetes: McpKubernetesConfig = McpKubernetesConfig()
    prometheus: PrometheusConfig = PrometheusConfig()
    models: Asking = Asking()
    ollama: OllamaConfig = OllamaConfig()
    openai: OpenAiConfig = OpenAiConfig()
    gemini: GeminiConfig = GeminiConfig()
    claude: ClaudeConfig = ClaudeConfig()

    @field_validator("json_events")
    @classmethod
    def _known_events(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        known = event_classes()
        for name in names:
            if name not in known:
                raise ValueError(f"{name!r} is no event type; there are: {', '.join(sorted(known))}")
        return names

    @field_validator("fingerprint_fields", mode="before")
    @classmethod
    def _plus_between(cls, given: Any) -> Any:
        """In the environment a comma stands between sources."""
        if not isinstance(given, dict):
            return given
        return {
            source: names.split("+") if isinstance(names, str) else names for source, names in given.items()
        }

    @field_validator("fingerprint_fields")
    @classmethod
    def _known_fields(cls, by_source: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        try:
            Identity(by_source=by_source)
        except Misconfigured as error:
            raise ValueError(str(error)) from None
        return by_source

    @property
    def identity(self) -> Identity:
        """What makes an alert the same alert again."""
        return Identity(WORKLOAD if self.fingerprint == "workload" else RESOURCE, self.fingerprint_fields)

    @field_validator("project_by_topic")
    @classmethod
    def _raw_topics(cls, mapping: dict[str, str]) -> dict[str, str]:
        for topic, project in mapping.items():
            if not topic.startswith(RAW_PREFIX):
                raise ValueError(f"{topic!r} is no raw topic: they begin with {RAW_PREFIX}")
            if not re.fullmatch(PROJECT_PATTERN, project):
                raise ValueError(f"{project!r} is no project name (small letters, digits, . _ -)")
        return mapping

    @property
    def raw_retention(self) -> timedelta:
        return timedelta(hours=self.raw_retention_hours)
