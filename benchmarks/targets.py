"""What is measured, what it must reach, and what it aims at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    key: str
    what: str
    must: float
    aim: float | None = None
    at_most: bool = False
    """Whether less is better."""

    def met(self, measured: float | None) -> bool:
        if measured is None:
            return False
        return measured <= self.must if self.at_most else measured >= self.must

    def reaches_aim(self, measured: float | None) -> bool:
        if measured is None or self.aim is None:
            return False
        return measured <= self.aim if self.at_most else measured >= self.aim


TARGETS: tuple[Target, ...] = (
    Target("dedup_vs_raw", "dedup over a raw aiokafka loop", 0.7, 1.0),
    Target("dedup_vs_quix", "dedup over Quix Streams", 2),
    Target("dedup_vs_stock_faust", "dedup over stock Faust", 15),
    Target("raw_to_incident_per_s", "raw records to incidents, one core", 12_000, 40_000),
    Target("two_workers_vs_one", "dedup with two workers over one", 1.3, 1.7),
    Target("sink_events_per_s", "events into the store", 20_000, 60_000),
    Target("audit_million_s", "a million events proven unaltered", 20, at_most=True),
    Target("webhooks_per_s", "durable webhooks, one gateway", 1_000, 1_500),
    Target("raw_to_incident_p99_ms", "raw record to incident, half load", 250, 100, at_most=True),
    Target("storm_p99_ratio", "100,000 new incidents: latency after over before", 1.5, 1.1, at_most=True),
    Target("storm_rss_mb", "the ingest worker with all of them open: memory", 450, at_most=True),
    Target("incident_to_decision_p99_ms", "rules-only run, 20 incidents a second", 1_000, at_most=True),
    Target("runs_in_flight_mb", "200 runs that wait for models: memory", 400, at_most=True),
    Target("hostile_clean_us", "hostile text sought in 500 clean characters: µs", 10, 2, at_most=True),
    Target("sources_slowest_per_s", "the slowest alert source: alerts, one core", 30_000),
    Target("blame_ms", "blame, 1,000 services, 10,000 edges", 300, at_most=True),
    Target("gate_decision_ms", "one decision of the gate: CPU", 1, at_most=True),
    Target("signatures_per_s", "signatures verified, one worker", 1_000),
    Target("approved_to_effect_p99_ms", "closing signature to the effect", 2_000, at_most=True),
    Target("executions_side_by_side", "executions at the API server at once", 50),
    Target("plan_check_2000_pods_ms", "checks of an action among 2,000 pods", 2_000, at_most=True),
    Target("plan_check_2000_pods_mb", "the process that makes them: memory", 150, at_most=True),
    Target("run_list_p95_ms", "a list of runs, 10 million events", 300, at_most=True),
    Target("timeline_p95_ms", "a run's timeline, 10 million events", 300, at_most=True),
    Target("incident_page_ms", "an incident's page (p95), 10 million events", 1_000, at_most=True),
    Target("incident_paint_ms", "an incident painted in a browser (p95), 10 million", 1_000, at_most=True),
    Target("slowest_question_ms", "the slowest named question, 10 million events", 2_000, at_most=True),
    Target("live_listeners_mb", "100 listeners, 50 events a second: the gateway", 200, at_most=True),
    Target("bytes_per_open_incident", "the ingest worker's memory", 1_536, at_most=True),
    Target("recovery_million_s", "start over a million rows", 30, at_most=True),
    Target("idle_rss_mb", "the whole `up`, idle: memory", 1_000, 700, at_most=True),
    Target("idle_cpu_percent", "the whole `up`, idle: % of a core", 15, 5, at_most=True),
)
KEYS = tuple(target.key for target in TARGETS)
