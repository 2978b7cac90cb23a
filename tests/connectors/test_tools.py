"""Every call passes its gates, and leaves one record that shows no personal value."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from connectors.tools import Ask, Caller, Entry, GatewayConfig, Grant, Session, Tool
from schemas.errors import BadPayload, NotNow
from schemas.tool import Scope, ToolCall, ToolStatus

TOOLS = {
    "pods.get": Tool("pods.get", "kubernetes", Scope.READ),
    "logs.get": Tool("logs.get", "kubernetes", Scope.READ),
    "pods.delete": Tool("pods.delete", "kubernetes", Scope.WRITE),
}
GRANTS = {
    "evidence": Grant(Scope.READ),
    "narrow": Grant(Scope.READ, frozenset({"pods.get"})),
    "execution": Grant(Scope.WRITE),
    "careless": Grant(Scope.READ, frozenset({"pods.delete"})),
}


class Spy:
    """The tool itself: how often it was really called."""

    def __init__(self, outcome: Any = "an answer") -> None:
        self.calls, self.outcome = 0, outcome

    async def __call__(self) -> Any:
        self.calls += 1
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


def session(agent: str = "evidence", clock: Any = lambda: 0.0, **more: Any) -> Session:
    config = GatewayConfig(**{"tools": TOOLS, "grants": GRANTS, **more})
    return Session(config, Caller("run-1", agent, "evidence"), clock)


def shown(entry: Entry) -> ToolCall:
    return entry.payload(lambda text: text)


REFUSED: list[tuple[str, str, Ask, dict[str, Any], str, str]] = [
    ("unknown tool", "evidence", Ask("rm", 1), {}, "tool_known", "there is no tool 'rm'"),
    ("unknown agent", "stranger", Ask("pods.get", 1), {}, "agent_allowed", "'stranger' may use no tools"),
    ("not its tool", "narrow", Ask("logs.get", 1), {}, "agent_allowed", "may not use 'logs.get'"),
    ("evidence writes", "evidence", Ask("pods.delete", 1, approval="A1"), {}, "scope", "may only read"),
    ("named, but only to read", "careless", Ask("pods.delete", 1, approval="A1"), {}, "scope", "only read"),
    ("policy", "evidence", Ask("pods.get", 1), {"policy": lambda *_: "frozen"}, "policy", "frozen"),
    ("write without approval", "execution", Ask("pods.delete", 1), {}, "approval", "none was given"),
    ("budget", "evidence", Ask("pods.get", 1), {"calls_per_run": 0}, "budget", "0 calls of this run"),
]


@pytest.mark.parametrize(
    ("agent", "ask", "config", "gate", "why"),
    [case[1:] for case in REFUSED],
    ids=[case[0] for case in REFUSED],
)
async def test_a_gate_refuses_and_the_tool_is_not_called(
    agent: str, ask: Ask, config: dict[str, Any], gate: str, why: str
) -> None:
    tool = Spy()
    called = await session(agent, **config).call(ask, tool)

    assert tool.calls == 0
    assert (called.ok, called.value) == (False, None)
    record = shown(called.entry)
    assert (record.status, record.blocked_by) == (ToolStatus.BLOCKED, gate)
    assert next(one.name for one in record.gates if not one.passed) == gate
    assert why in record.detail
    assert why in called.failure


async def test_a_call_that_passes_is_recorded_with_every_gate() -> None:
    seconds = iter([10.0, 10.25])
    called = await session(clock=lambda: next(seconds)).call(Ask("pods.get", 1, {"name": "web-1"}), Spy())
    record = shown(called.entry)
    assert called.value == "an answer"
    assert record.status is ToolStatus.OK
    assert [gate.name for gate in record.gates] == [
        "tool_known", "agent_allowed", "scope", "policy", "approval", "budget",
    ]  # fmt: skip
    assert all(gate.passed for gate in record.gates)
    assert (record.server, record.scope, record.agent) == ("kubernetes", Scope.READ, "evidence")
    assert (record.latency_ms, record.arguments, record.policy_enforced) == (250, {"name": "web-1"}, False)


async def test_execution_writes_with_an_approval_and_under_policy() -> None:
    tool = Spy()
    asked: list[tuple[Any, ...]] = []

    def policy(*facts: Any) -> str:
        asked.append(facts)
        return ""

    called = await session("execution", policy=policy).call(Ask("pods.delete", 1, approval="A1"), tool)
    assert (called.ok, tool.calls, len(asked)) == (True, 1, 1)
    assert shown(called.entry).policy_enforced


async def test_a_shadow_call_is_recorded_and_not_made() -> None:
    tool = Spy()
    called = await session("execution").call(Ask("pods.delete", 1, approval="A1", shadow=True), tool)
    assert (tool.calls, called.value) == (0, None)
    assert shown(called.entry).shadow


async def test_the_budget_counts_calls_that_were_made() -> None:
    run, tool = session(calls_per_run=2), Spy()
    await run.call(Ask("pods.delete", 1), tool)  # refused: costs nothing
    results = [await run.call(Ask("pods.get", 1), tool) for _ in range(3)]
    assert [one.ok for one in results] == [True, True, False]
    assert tool.calls == 2


async def test_ids_follow_from_run_tool_and_number_alone() -> None:
    first, second = session(), session()
    ids = [(await one.call(Ask("pods.get", 1), Spy())).entry.call_id for one in (first, first, second)]
    assert ids[0] == ids[2] != ids[1]


FAILURES: list[tuple[str, BaseException, str]] = [
    ("away", NotNow("10.1.2.3 does not answer"), "10.1.2.3 does not answer"),
    ("refused for good", BadPayload("no such pod"), "no such pod"),
    ("without words", NotNow(), "NotNow"),
    ("a bug", KeyError("secret of bob@example.com"), "broken: KeyError"),
]


@pytest.mark.parametrize(
    ("error", "says"), [case[1:] for case in FAILURES], ids=[case[0] for case in FAILURES]
)
async def test_what_goes_wrong_is_in_the_record_and_never_raised(error: BaseException, says: str) -> None:
    called = await session().call(Ask("pods.get", 1), Spy(error))
    assert (called.entry.status, called.failure) == (ToolStatus.FAILED, says)


async def test_a_tool_that_hangs_is_given_up() -> None:
    called = await session().call(Ask("pods.get", 0.05), asyncio.Event().wait)
    assert shown(called.entry).status is ToolStatus.TIMED_OUT
    assert called.failure == "no answer within 0.1 s"


async def test_whoever_is_cancelled_leaves_no_record() -> None:
    call = asyncio.create_task(session().call(Ask("pods.get", 60), asyncio.Event().wait))
    await asyncio.sleep(0)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call


# -- what a record shows


async def entry_of(error: BaseException, **config: Any) -> Entry:
    ask = Ask("pods.get", 1, {"name": "10.1.2.3", "namespace": "shop"}, frozenset({"name", "namespace"}))
    return (await session(**config).call(ask, Spy(error))).entry


async def test_the_record_passes_the_shield() -> None:
    entry = await entry_of(NotNow("10.1.2.3 is away"))
    record = entry.payload(lambda text: text.replace("10.1.2.3", "[IP_1]"))
    assert record.arguments["name"] == "[IP_1]"
    assert record.detail == "[IP_1] is away"
    assert "10.1.2.3" not in record.model_dump_json()


async def test_where_the_shield_fails_nothing_gets_past_it() -> None:
    def broken(text: str) -> str:
        raise RuntimeError(text)

    record = (await entry_of(NotNow("10.1.2.3 is away"))).payload(broken)
    assert set(record.arguments.values()) == {"(not shown: the privacy shield failed)"}
    assert "10.1.2.3" not in record.model_dump_json()


async def test_resource_names_are_masked_where_the_settings_say_so() -> None:
    entry = await entry_of(NotNow("pods 10.1.2.3 in shop not found"), mask_names=True)
    record = shown(entry)
    assert record.arguments == {"name": "[NAME_1]", "namespace": "[NAME_2]"}
    assert record.detail == "pods [NAME_1] in [NAME_2] not found"


async def test_real_values_are_not_in_what_is_printed_of_an_entry() -> None:
    assert "is away" not in repr(await entry_of(NotNow("10.1.2.3 is away")))


async def test_long_texts_are_cut_after_they_were_covered() -> None:
    entry = await entry_of(NotNow("x" * 495 + "10.1.2.3"))
    record = entry.payload(lambda text: text.replace("10.1.2.3", "[IP_1]"))
    assert len(record.detail) == 500
    assert record.detail.endswith("[IP_1")
