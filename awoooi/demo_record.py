"""What the record says when all is done: the totals, the run step by step, and one question in SQL."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from awoooi.demo_steps import QUORUM, REPEATS
from awoooi.demo_story import Rows, Story

TOTALS = """
SELECT (SELECT count() FROM v_alerts WHERE target_resource = {target:String}) AS alerts,
       (SELECT count() FROM v_incidents WHERE target_resource = {target:String}) AS incidents,
       (SELECT sum(runs) FROM v_incidents WHERE target_resource = {target:String}) AS runs,
       countIf(type = 'vote.counted') AS signatures,
       countIf(type = 'action.authorized') AS authorizations,
       countIf(type = 'execution.started') AS executions
FROM events FINAL WHERE incident_id = {incident:String}
"""
TIMELINE = """
SELECT recorded_at, type, stage, actor, payload FROM events FINAL
WHERE (incident_id = {incident:String} AND type NOT IN {left_out:Array(String)})
   OR (type = 'switch.set' AND JSONExtractString(payload, 'reason') = {reason:String})
ORDER BY recorded_at, indexOf({order:Array(String)}, type), kafka_offset
"""
LEFT_OUT = [
    *("incident.hit", "tool.called", "vote.verified"),
    *("run.requested", "run.spent", "learning.debate_ended", "trust.observed"),
]
SAME_MOMENT = [
    *("approval.requested", "approval.approved", "decision.made", "action.authorized"),
    *("execution.started", "execution.succeeded", "execution.verified", "run.finished", "incident.moved"),
]
"""what one stage writes at once, in the order in which it is understood"""
WORDS = {
    "incident.opened": "{severity}",
    "incident.moved": "{previous} → {status}",
    "evidence.collected": "",
    "switch.set": "{actor} sets {subject} to {state}",
    "preflight.checked": "{status}",
    "approval.requested": "{approval_id}, {needed[signatures]} signatures",
    "decision.made": "{outcome}: {reason}",
    "vote.counted": "{person} signs: {state}",
    "vote.refused": "{refusal}",
    "action.authorized": "{action[step][operation]} {action[step][target][name]}",
    "execution.claimed": "attempt {attempt}, for {valid_secs} s",
    "execution.started": "{action[step][operation]} {action[step][target][name]}",
    "execution.succeeded": "by the executor {executor}",
    "run.finished": "{state}, {reason}",
}
ANSWER = """
SELECT incident_id, severity, status, hit_count AS alerts, runs,
       dateDiff('millisecond', opened_at, updated_at) / 1000 AS secs
FROM v_incidents WHERE incident_id = '{incident}'
"""


async def totals(story: Story) -> str:
    """Whole and without doubles: what was sent is there, and counts once. Raises StepFailed."""
    wanted = {"alerts": REPEATS + 1, "incidents": 1, "runs": 1, "executions": 0}
    if story.signed:
        wanted |= {"signatures": QUORUM, "authorizations": 1, "executions": 1}
    rows = await story.until(
        f"in all {wanted}", TOTALS, lambda rows: bool(rows) and wanted.items() <= rows[0].items()
    )
    counts = ", ".join(f"{count} {name if count != 1 else name[:-1]}" for name, count in rows[0].items())
    return f"{counts}; {REPEATS + 1} alerts were sent: none is lost, none counts twice"


async def timeline(story: Story) -> list[tuple[str, str, str]]:
    """(seconds since the incident opened, what happened, in a few words), as it was written."""
    params = {
        "incident": story.incident_id,
        "left_out": LEFT_OUT,
        "order": SAME_MOMENT,
        "reason": story.reason,
    }
    rows = await story.query(TIMELINE, params)
    return list(_told(rows))


def _told(rows: Rows) -> Iterator[tuple[str, str, str]]:
    for row in rows:
        secs = (row["recorded_at"] - rows[0]["recorded_at"]).total_seconds()
        yield f"+{secs:.3f}", row["type"], in_words(row["type"], row["actor"], json.loads(row["payload"]))


def in_words(type_: str, actor: str, told: Mapping[str, Any]) -> str:
    """What a reader wants to know first; of a type that is not in the table, its reason."""
    words = WORDS.get(type_, "{turn[agent]}: {turn[vote]}" if "turn" in told else "{reason}")
    return words.format_map({"reason": "", **told, "actor": actor})


async def answer(story: Story) -> tuple[str, Rows]:
    """The question as anybody would ask it with `awoooi query`, and what ClickHouse says."""
    sql = ANSWER.replace("{incident}", story.incident_id).strip()
    return sql, await story.query(sql, {})
