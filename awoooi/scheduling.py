"""What the settings say of runs that are asked for together: budgets, storms, correlation."""

from __future__ import annotations

from collections.abc import Mapping

from awoooi.settings import RunSettings, Settings, StormSettings
from streams.stages.correlate import CorrelationConfig
from streams.stages.schedule import Budget, ScheduleConfig
from streams.stages.storm import StormConfig


def schedule_config(settings: Settings) -> ScheduleConfig:
    runs, storms = settings.runs, settings.storms
    return ScheduleConfig(
        runs.deadline_secs,
        Budget(runs.tokens_per_day, runs.usd_per_day, runs.per_day),
        _budgets(runs),
        runs.per_alert_per_day,
        StormConfig(storms.threshold, storms.released_per_minute, storms.critical_per_minute),
        _storms(storms),
        CorrelationConfig(storms.correlation_window_secs),
    )


def _budgets(runs: RunSettings) -> Mapping[str, Budget]:
    projects = {*runs.tokens_by_project, *runs.usd_by_project, *runs.per_day_by_project}
    return {
        project: Budget(
            runs.tokens_by_project.get(project, runs.tokens_per_day),
            runs.usd_by_project.get(project, runs.usd_per_day),
            runs.per_day_by_project.get(project, runs.per_day),
        )
        for project in projects
    }


def _storms(storms: StormSettings) -> Mapping[str, StormConfig]:
    projects = {*storms.threshold_by_project, *storms.released_by_project}
    return {
        project: StormConfig(
            storms.threshold_by_project.get(project, storms.threshold),
            storms.released_by_project.get(project, storms.released_per_minute),
            storms.critical_per_minute,
        )
        for project in projects
    }
