"""The demo's steps: each tells what it has seen, line by line, and raises where that is wrong."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, timedelta
from typing import Any

from agents.argument import argument
from awoooi.argument import KINDS, TURNS, debate_of
from awoooi.demo_alert import ALERT, payload
from awoooi.demo_people import FIRST, SECOND, enrolled, forger_of
from awoooi.demo_story import StepFailed, Story, expect
from awoooi.reference_data import now
from awoooi.sign_commands import TOPIC, Hand, shown, signed
from awoooi.switch_commands import switch_set
from connectors.http import Reply
from connectors.kubernetes.fake_story import DATABASE
from schemas.approval import ApprovalRequest, ApprovalRequested
from schemas.evidence import Brief
from schemas.operations import Operation, Risk
from schemas.outcome import Outcome
from schemas.switch import EVERYWHERE, SwitchKind, setting
from streams.policy.approvals import State
from streams.policy.ballots import signature_of
from streams.policy.refusals import Refusal

REPEATS = 50
AT_ONCE = 10
MOST_TRIES = 40
QUORUM = 2
EXECUTED = ("execution.claimed", "execution.started", "execution.succeeded", "execution.verified")
BROKEN = frozenset(
    f"execution.{end}" for end in ("failed", "refused", "shadowed", "voided", "unknown", "unverified")
)
ALLOWED = {SwitchKind.KILL_SWITCH: "off", SwitchKind.OPERATION: "on"}
JSON = {"Content-Type": "application/json"}
Seen = AsyncIterator[str]
Step = Callable[[Story], Seen]

INCIDENTS = "SELECT incident_id, status, hit_count FROM v_incidents WHERE target_resource = {target:String}"
EVENTS = """
SELECT event_id, type, topic, project_id, incident_id, run_id, occurred_at, recorded_at, stage, payload
FROM events FINAL WHERE incident_id = {incident:String} AND type IN {kinds:Array(String)}
ORDER BY recorded_at, type
"""
ACTS = (
    "SELECT actor, payload FROM events FINAL WHERE type = 'switch.set' AND toString(event_id) = {act:String}"
)
CALLS = """
SELECT payload FROM events FINAL
WHERE incident_id = {incident:String} AND type = 'tool.called'
  AND JSONExtractString(payload, 'scope') = 'write'
"""
VERDICTS = """
SELECT type, payload FROM events FINAL
WHERE JSONExtractString(payload, 'signature') = {signature:String}
  AND type IN ('vote.counted', 'vote.refused', 'vote.late')
"""


# -- an alert becomes an incident, and its repeats are counted


async def trigger_alert(story: Story) -> Seen:
    reply = await _send(story, 0)
    receipt = reply.json()
    if reply.status != 202 or "offset" not in receipt:
        raise StepFailed(f"the gateway: expected 202 with an offset, seen {_answer(reply)}")
    yield f"202, {receipt['topic']} partition {receipt['partition']} offset {receipt['offset']}"
    (alert, *_) = await story.until(
        "the alert", "SELECT * FROM v_alerts WHERE target_resource = {target:String}", bool
    )
    seen = (alert["alert_type"], alert["severity"], alert["source"], alert["namespace"])
    expect("the alert", (ALERT, "critical", "prometheus", story.namespace), seen)
    yield f"{ALERT}, critical: {alert['description']} (fingerprint {alert['fingerprint']})"
    (incident, *_) = await story.until("an incident", INCIDENTS, bool)
    story.incident_id = incident["incident_id"]
    yield f"{story.incident_id}, {incident['status']}"
    await _repeat(story)
    rows = await story.until(
        f"{REPEATS + 1} alerts", INCIDENTS, lambda rows: bool(rows) and rows[0]["hit_count"] > REPEATS
    )
    expect("alerts counted", [REPEATS + 1], [row["hit_count"] for row in rows])
    yield f"1 incident, {REPEATS + 1} alerts counted: the first and {REPEATS} repeats"


async def _repeat(story: Story) -> None:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> None:
        async with gate:
            reply = await _send(story, number)
        if reply.status != 202:
            raise StepFailed(f"repeat {number}: expected 202, seen {_answer(reply)}")

    await asyncio.gather(*(one(number) for number in range(1, REPEATS + 1)))


async def _send(story: Story, number: int) -> Reply:
    """A sender's manners: what is not taken now is sent again."""
    headers = JSON | {"Authorization": f"Bearer {story.token}"}
    starts_at = story.began + timedelta(seconds=number)
    body = json.dumps(payload(story.target, starts_at, story.namespace)).encode()
    for _ in range(MOST_TRIES):
        reply = await story.http.post(f"{story.gateway}/api/v1/webhooks/alertmanager", body, headers)
        if reply.status != 503:
            return reply
        await asyncio.sleep(min(float(reply.headers.get("retry-after", "1")), 5.0))
    return reply


# -- the agents argue


async def graphrag_analysis(story: Story) -> Seen:
    """What they said is printed at the end."""
    rows = await story.until(
        "the debate's end",
        TURNS,
        lambda rows: any(row["type"] == "rca.decided" for row in rows),
        kinds=list(KINDS),
    )
    package, heard = debate_of(rows, story.incident_id)
    story.argument = argument(package, heard)
    expect(f"the debate's end ({package.blocked_reason or 'no reason'})", "COMPLETED", package.session_status)
    if story.has_cluster:
        yield _behind(package.brief or heard.seen)
    cause = package.hypothesis
    found = f"{package.confidence:.0%} sure that {cause.cause}" if cause else "no cause found"
    yield f"{found}; {'a person decides' if package.requires_human_approval else 'nobody need decide'}"


def _behind(brief: Brief | None) -> str:
    """Not always the first: a node that fails beside it is suspected too."""
    suspects = brief.surroundings.suspects if brief else ()
    found = next((one for one in suspects if one.service == DATABASE), None)
    if found is None:
        names = ", ".join(one.service for one in suspects) or "nobody"
        raise StepFailed(f"whom the graph finds behind it: expected {DATABASE}, seen {names}")
    away = f"{found.distance} steps away"
    return f"the graph finds {found.service} behind it: {found.kind}, {found.health}, {away}"


# -- people are asked


async def generate_approval(story: Story) -> Seen:
    rows = await story.until("approval.requested", EVENTS, bool, kinds=["approval.requested"])
    story.request = request = _request_of(rows[0])
    asked, step = request.payload, request.payload.action.step
    for line in shown(request):
        yield line
    expect("what is asked for", (Operation.DELETE_POD, f"{DATABASE}-0"), (step.operation, step.target.name))
    expect("its risk", Risk.HIGH, asked.assessment.risk if asked.assessment else None)
    expect("signatures asked for", QUORUM, asked.needed.signatures)
    yield f"{QUORUM} different people must sign, each as one of {', '.join(asked.needed.roles)}"
    yield f"never by itself, because of {', '.join(asked.halts)}"
    story.before = await story.look()


def _request_of(row: Mapping[str, Any]) -> ApprovalRequested:
    """From the record; who signs makes the hash anew from it."""
    envelope = {name: row[name] for name in ("project_id", "incident_id", "run_id", "stage")}
    return ApprovalRequested(
        **envelope,
        event_id=str(row["event_id"]),
        occurred_at=row["occurred_at"].replace(tzinfo=UTC),
        recorded_at=row["recorded_at"].replace(tzinfo=UTC),
        payload=ApprovalRequest.model_validate_json(row["payload"]),
    )


# -- two people sign, over two transports


async def multisig_approval(story: Story) -> Seen:
    file = story.settings.approvals.signers_file
    first, second = enrolled(file, *FIRST), enrolled(file, *SECOND)
    for subject, state in ALLOWED.items():
        yield await _allows(story, subject, state)
    async for line in _signs_on_kafka(story, first):
        yield line
    async for line in _forges_over_http(story, forger_of(second)):
        yield line
    async for line in _signs_over_http(story, second, (first.person, second.person)):
        yield line
    story.signed = True
    async for line in _is_authorized(story, (first.person, second.person)):
        yield line


async def _allows(story: Story, subject: SwitchKind, state: str) -> str:
    """Recorded acts: a fresh install touches nothing."""
    name = EVERYWHERE if subject is SwitchKind.KILL_SWITCH else Operation.DELETE_POD
    act = switch_set(setting(subject, name, state, story.reason), FIRST[0], now())
    await story.record(act)
    (row, *_) = await story.until("the act", ACTS, bool, act=act.event_id)
    expect("the act", (FIRST[0], state), (row["actor"], json.loads(row["payload"])["state"]))
    return f"{FIRST[0]} sets {act.payload.subject} to {state}: recorded, switch.set {_short(act.event_id)}"


async def _signs_on_kafka(story: Story, hand: Hand) -> Seen:
    token = _token(story, hand)
    where = await story.write(TOPIC, token)
    kind, told = await _verdict(story, token)
    expect(_whose(hand, told), ("vote.counted", State.PENDING), (kind, told.get("state")))
    yield f"{_named(hand)} signs by a record on {where}: counted, 1 of {told['asked']}"


async def _forges_over_http(story: Story, hand: Hand) -> Seen:
    token = _token(story, hand)
    reply = await _post(story, token)
    kind, told = await _verdict(story, token)
    expect("a forged signature", ("vote.refused", Refusal.BAD_SIGNATURE), (kind, told.get("refusal")))
    why = f"{told['refusal']}: {told['sentence']}"
    yield f"someone signs as {hand.person}, with a key of their own: {reply.status}, refused, {why}"


async def _signs_over_http(story: Story, hand: Hand, people: tuple[str, ...]) -> Seen:
    token = _token(story, hand)
    reply = await _post(story, token)
    kind, told = await _verdict(story, token)
    expect(_whose(hand, told), ("vote.counted", State.APPROVED), (kind, told.get("state")))
    expect("signed by", list(people), told["signed_by"])
    count = f"{len(people)} of {told['asked']}"
    yield f"{_named(hand)} signs by POST …/approvals/…/signatures: {reply.status}, counted, {count}"


async def _is_authorized(story: Story, people: tuple[str, ...]) -> Seen:
    kinds = ["approval.approved", "decision.made", "action.authorized"]
    rows = await story.until(
        "approval.approved, decision.made APPROVED and action.authorized",
        EVENTS,
        lambda rows: _ends(rows).keys() == set(kinds),
        kinds=kinds,
    )
    ends, asked = _ends(rows), _asked(story)
    for kind, end in ends.items():
        expect(f"what {kind} is about", asked.action_hash, end["action_hash"])
    authorized = ends["action.authorized"]
    expect("authorized by", list(people), [one["person"] for one in authorized["signatures"]])
    state, outcome = ends["approval.approved"]["state"], ends["decision.made"]["outcome"]
    yield f"{asked.approval_id} is {state}; decisions says {outcome}"
    yield f"authorizations: action.authorized {authorized['action_id']}, with both signatures"


def _ends(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """What closed it, by type; what the gate decided before is no end."""
    found = {row["type"]: json.loads(row["payload"]) for row in rows}
    if found.get("decision.made", {}).get("outcome") != Outcome.APPROVED:
        found.pop("decision.made", None)
    return found


async def _verdict(story: Story, token: bytes) -> tuple[str, dict[str, Any]]:
    rows = await story.until("a verdict on the signature", VERDICTS, bool, signature=signature_of(token))
    return rows[0]["type"], json.loads(rows[0]["payload"])


async def _post(story: Story, token: bytes) -> Reply:
    path = f"/api/v1/approvals/{_asked(story).approval_id}/signatures"
    return await story.http.post(story.gateway + path, token, {})


def _token(story: Story, hand: Hand) -> bytes:
    assert story.request is not None  # the step before
    environment = story.settings.approvals.environment
    return signed(story.request, "approve", "seen and understood", hand, environment, int(time.time()))


def _asked(story: Story) -> ApprovalRequest:
    assert story.request is not None  # the step before
    return story.request.payload


def _named(hand: Hand) -> str:
    return f"{hand.person} ({', '.join(hand.roles)})"


def _whose(hand: Hand, told: Mapping[str, Any]) -> str:
    return f"the signature of {hand.person} ({told.get('sentence', 'no refusal')})"


# -- it is done, once


async def mcp_execution(story: Story) -> Seen:
    """The record says that it was done once, and the cluster shows what was done."""
    rows = await story.until(
        "the execution, verified",
        EVENTS,
        lambda rows: any(row["type"] in (*BROKEN, EXECUTED[-1]) for row in rows),
        is_slow=True,
        kinds=[*EXECUTED, *BROKEN],
    )
    told = {row["type"]: json.loads(row["payload"]) for row in rows}
    for kind in BROKEN & told.keys():
        raise StepFailed(f"{kind}, {told[kind]['code']}: {told[kind]['reason']}")
    expect("what was done", list(EXECUTED), sorted(row["type"] for row in rows))
    done = told["execution.succeeded"]
    expect("what it was about", _asked(story).action_hash, done["action_hash"])
    expect("who did it", "mcp", done["executor"])
    yield f"{DATABASE}-0 is replaced, by the executor mcp: done once"
    yield await _is_called_once(story)
    yield await _is_replaced(story)
    yield f"verified: {told['execution.verified']['reason']}"
    (run,) = await story.until("the run's end", EVENTS, bool, kinds=["run.finished"])
    end = json.loads(run["payload"])
    expect("the run's end", ("succeeded", "verified"), (end["state"], end["reason"]))
    (incident, *_) = await story.until(
        "a mitigated incident", INCIDENTS, lambda rows: bool(rows) and rows[0]["status"] == "MITIGATED"
    )
    yield f"the run {end['state']}, {incident['incident_id']} is {incident['status']}"


async def _is_called_once(story: Story) -> str:
    """Of all calls of tools that are in the record, the one that changes something."""
    rows = await story.until("the call of a tool that writes", CALLS, bool)
    (call, *more) = [json.loads(row["payload"]) for row in rows]
    expect("calls that write", (0, "ok"), (len(more), call["status"]))
    gates = ", ".join(gate["name"] for gate in call["gates"] if gate["passed"])
    return f"the tool {call['tool']} of the MCP server {call['server']}, once, past the gates {gates}"


async def _is_replaced(story: Story) -> str:
    """Another pod of the same name, and the very claims that were there before."""
    before, after = story.before, await story.look()
    expect("another pod of the same name", (True, True), (after.pod not in ("", before.pod), after.is_ready))
    expect("the claims of its data", dict(before.claims), dict(after.claims))
    kept = f"; its data stays: {', '.join(after.claims)} is the same" if after.claims else ""
    return f"the cluster shows another pod ({_short(after.pod)}, before {_short(before.pod)}), ready{kept}"


def _short(uid: object) -> str:
    return str(uid)[:8]


def _answer(reply: Reply) -> str:
    return f"{reply.status} {reply.body[:200].decode(errors='replace')}"
