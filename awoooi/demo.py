"""`awoooi demo`: a real Alertmanager payload through the whole system, PASS or FAIL for each step."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from agents.argument import argument
from awoooi import defaults
from awoooi.argument import KINDS, TURNS, debate_of
from awoooi.loading import Loaded
from awoooi.logs import quiet
from awoooi.stack import NotReady, own_stack, what_logs_say
from awoooi.state_file import running
from connectors.http import HttpClient, Reply
from schemas.errors import AwoooiError, Misconfigured, NotNow

ALERT, FRONTEND = "FrontendErrorRateHigh", "frontend"
REPEATS = 50
STEP_SECS = 20.0
AT_ONCE = 10
MOST_TRIES = 40
NEXT = """Try next:
  awoooi up                    the same system, until ctrl-C
  awoooi incidents             what is open
  awoooi explain INCIDENT      what the agents said of it
  awoooi query "SELECT * FROM v_daily"
  awoooi try FILE              what a payload of yours becomes"""

Ask = Callable[[str], Awaitable[list[dict[str, Any]]]]
Step = Callable[["Story"], Awaitable[str]]


class StepFailed(AwoooiError):
    """What a step saw instead of what it should have seen."""


@dataclass(slots=True)
class Story:
    """What the steps share."""

    test_id: str
    url: str
    token: str
    http: HttpClient
    query: Callable[[str, Mapping[str, Any]], Awaitable[list[dict[str, Any]]]]
    began: datetime
    target: str = FRONTEND
    incident_id: str = ""
    argument: str = ""
    """what the agents said, once they have"""

    async def ask(self, sql: str) -> list[dict[str, Any]]:
        about = {"target": self.target, "incident": self.incident_id, "kinds": list(KINDS)}
        return await self.query(sql, about)


def run(loaded: Loaded, *, attach: bool) -> int:
    """Exit status: 0 when every step passed."""
    quiet()
    try:
        return asyncio.run(_demo(loaded, attach=attach))
    except KeyboardInterrupt:
        print("\nStopped.")
        return 1


async def _demo(loaded: Loaded, *, attach: bool) -> int:
    began = time.monotonic()
    test_id = f"tb2-{datetime.now(UTC):%Y%m%dT%H%M%S}"
    print(f"Test {test_id}")
    if not attach:
        print("Starting a system of its own ...", flush=True)
    try:
        async with _attached(loaded) if attach else own_stack() as stack:
            print(f"Ready after {time.monotonic() - began:.1f} s.\n", flush=True)
            # beside a system that runs on, each demo has an incident of its own
            target = f"{FRONTEND}-{test_id.lower()}" if attach else FRONTEND
            async with _story(stack, test_id, target) as story:
                failed = await _tell(story)
                print(f"\n{story.argument}", end="")
            if failed:
                print(f"\nWhat its parts say:\n{what_logs_say(stack.settings.state_dir)}")
    except NotReady as error:
        print(f"FAIL  {error}")
        failed = 1
    secs = time.monotonic() - began
    passed = len(STEPS) - failed
    print(f"\n{passed} of {len(STEPS)} steps passed in {secs:.1f} s: {'FAILED' if failed else 'ALL PASSED'}")
    if not failed:
        print(NEXT)
    return 1 if failed else 0


@asynccontextmanager
async def _attached(loaded: Loaded) -> AsyncIterator[Loaded]:
    state = loaded.settings.state_dir
    if running(state) is None:
        raise Misconfigured(f"no `awoooi up` runs on {state}; start it, or leave out --attach")
    yield loaded


@asynccontextmanager
async def _story(loaded: Loaded, test_id: str, target: str) -> AsyncIterator[Story]:
    from sinks.clickhouse.client import connected

    settings = loaded.settings
    token = (settings.state_dir / defaults.TOKEN).read_text().strip()
    url = f"http://{settings.gateway.host}:{settings.gateway.port}/api/v1/webhooks/alertmanager"
    async with HttpClient() as http, connected(settings.clickhouse.reader()) as record:
        began = datetime.now(UTC) - timedelta(minutes=5)
        yield Story(test_id, url, token, http, record.ask, began, target)


async def _tell(story: Story) -> int:
    """The steps in order; after a failure the others are not tried. How many did not pass."""
    for number, (name, step) in enumerate(STEPS.items()):
        began = time.monotonic()
        try:
            async with asyncio.timeout(STEP_SECS):
                seen = await step(story)
        except (AwoooiError, TimeoutError) as error:
            why = str(error) or f"nothing came within {STEP_SECS:.0f} s"
            print(f"FAIL  {time.monotonic() - began:6.2f} s  [{name}]  {why}", flush=True)
            return len(STEPS) - number
        print(f"PASS  {time.monotonic() - began:6.2f} s  [{name}]  {seen}", flush=True)
    return 0


# -- the steps


async def _accepted(story: Story) -> str:
    reply = await _send(story, 0)
    receipt = reply.json()
    if reply.status != 202 or "offset" not in receipt:
        raise StepFailed(f"the gateway answered {reply.status}, not 202 with an offset")
    return f"202, {receipt['topic']} partition {receipt['partition']} offset {receipt['offset']}"


async def _normalised(story: Story) -> str:
    rows = await _until(story, "SELECT * FROM v_alerts WHERE target_resource = {target:String}", bool)
    alert = rows[0]
    got = (alert["alert_type"], alert["severity"], alert["source"], alert["namespace"])
    if got != (ALERT, "critical", "prometheus", "demo"):
        raise StepFailed(f"the alert came out as {got}")
    return f"{alert['alert_type']}, {alert['severity']}, fingerprint {alert['fingerprint']}"


async def _opened(story: Story) -> str:
    rows = await _until(story, _INCIDENTS, bool)
    story.incident_id = rows[0]["incident_id"]
    return f"{story.incident_id}, {rows[0]['status']}"


async def _counted(story: Story) -> str:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            reply = await _send(story, number)
        if reply.status != 202:
            raise StepFailed(f"repeat {number}: the gateway answered {reply.status}, not 202")

    await asyncio.gather(*(one(number) for number in range(1, REPEATS + 1)))
    rows = await _until(story, _INCIDENTS, lambda rows: bool(rows) and rows[0]["hit_count"] > REPEATS)
    if len(rows) != 1 or rows[0]["hit_count"] != REPEATS + 1:
        raise StepFailed(f"{len(rows)} incidents, {[row['hit_count'] for row in rows]} alerts counted")
    return f"1 incident, {rows[0]['hit_count']} alerts counted: the first and {REPEATS} repeats"


async def _analysed(story: Story) -> str:
    """The five agents have argued; what they found is printed at the end."""
    rows = await _until(story, TURNS, lambda rows: any(row["type"] == "rca.decided" for row in rows))
    package, heard = debate_of(rows, story.incident_id)
    story.argument = argument(package, heard)
    if package.session_status != "COMPLETED":
        raise StepFailed(f"the debate ended as {package.session_status}: {package.blocked_reason}")
    cause = package.hypothesis
    found = f"{package.confidence:.0%} sure that {cause.cause}" if cause else "no cause found"
    who = "a person decides" if package.requires_human_approval else "nobody need decide"
    return f"{found}; {who}"


async def _found(story: Story) -> str:
    """Whole and without doubles: alerts, incident, its run."""
    wanted = {"alerts": REPEATS + 1, "incidents": 1, "runs": 1}
    rows = await _until(story, _TOTALS, lambda rows: rows[0] == wanted, until_timeout=True)
    if rows[0] != wanted:
        raise StepFailed(f"SQL finds {rows[0]}, wanted {wanted}")
    return ", ".join(f"{count} {name if count != 1 else name[:-1]}" for name, count in wanted.items())


_INCIDENTS = "SELECT incident_id, status, hit_count FROM v_incidents WHERE target_resource = {target:String}"
_TOTALS = """
SELECT (SELECT count() FROM v_alerts WHERE target_resource = {target:String}) AS alerts,
       (SELECT count() FROM v_incidents WHERE target_resource = {target:String}) AS incidents,
       (SELECT sum(runs) FROM v_incidents WHERE target_resource = {target:String}) AS runs
"""

STEPS: Mapping[str, Step] = {
    "trigger_alert": _accepted,
    "normalised": _normalised,
    "incident_opened": _opened,
    "repeats_counted": _counted,
    "graphrag_analysis": _analysed,
    "found_by_sql": _found,
}


async def _until(
    story: Story, sql: str, good: Callable[[list[dict[str, Any]]], bool], *, until_timeout: bool = False
) -> list[dict[str, Any]]:
    """Asked again until the rows are good; the step's own time limits it."""
    deadline = time.monotonic() + STEP_SECS - 2
    while True:
        rows = []
        with contextlib.suppress(NotNow):
            rows = await story.ask(sql)
        if good(rows) or (until_timeout and time.monotonic() > deadline):
            return rows
        await asyncio.sleep(0.1)


async def _send(story: Story, number: int) -> Reply:
    """A sender's manners: what is not taken now is sent again."""
    headers = {"Authorization": f"Bearer {story.token}", "Content-Type": "application/json"}
    body = json.dumps(payload(story.target, story.began + timedelta(seconds=number))).encode()
    for _ in range(MOST_TRIES):
        reply = await story.http.post(story.url, body, headers)
        if reply.status != 503:
            return reply
        await asyncio.sleep(min(float(reply.headers.get("retry-after", "1")), 5.0))
    return reply


def payload(deployment: str, starts_at: datetime) -> dict[str, Any]:
    """What Alertmanager (version 4 of its webhook) sends for one firing alert."""
    labels = {
        "alertname": ALERT,
        "cluster": "demo",
        "deployment": deployment,
        "job": "ingress",
        "namespace": "demo",
        "severity": "critical",
    }
    annotations = {
        "summary": "The front end answers 5xx",
        "description": "17.2 % of its requests of the last five minutes failed; the limit is 15 %.",
    }
    return {
        "receiver": "awoooi",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": labels,
                "annotations": annotations,
                "startsAt": starts_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus.example:9090/graph?g0.expr=http_errors+%3E+0.15&g0.tab=1",
                "fingerprint": "5cd7dc8cba4b4c3f",
            }
        ],
        "groupLabels": {"alertname": ALERT},
        "commonLabels": labels,
        "commonAnnotations": annotations,
        "externalURL": "http://alertmanager.example:9093",
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{ALERT}", deployment="{deployment}"}}',
        "truncatedAlerts": 0,
    }
