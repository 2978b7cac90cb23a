"""A server as its client sees it: checked at its start, started anew, and harmless whatever it says."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connectors.evidence import Unavailable
from connectors.mcp.config import ServerConfig
from connectors.mcp.listing import Expected
from connectors.mcp.server import McpServer, Unanswered
from tests.connectors.mcp import lamp as program
from tests.connectors.mcp.worlds import lamp_command
from tests.peers import wait_until_async

TURN = {"owner": "bob", "to": "on", "key": "a-1"}


@dataclass
class Lamp:
    folder: Path
    server: McpServer

    def trouble(self, what: str) -> None:
        (self.folder / "trouble").write_text(what)

    @property
    def starts(self) -> list[int]:
        path = self.folder / "starts"
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    @property
    def ledger(self) -> list[str]:
        path = self.folder / "ledger"
        return path.read_text().split() if path.exists() else []


@asynccontextmanager
async def lamp_at(folder: Path, *expected: Expected, **settings: Any) -> AsyncIterator[Lamp]:
    config = ServerConfig(**{"command": lamp_command(folder), "call_timeout_secs": 5, **settings})
    server = McpServer("lamp", config, expected or (Expected("turn"),))
    try:
        yield Lamp(folder, server)
    finally:
        await server.close()


@pytest.fixture
async def lamp(tmp_path: Path) -> AsyncIterator[Lamp]:
    async with lamp_at(tmp_path) as lamp:
        yield lamp


# -- its start


async def test_it_is_started_when_first_needed_and_kept(lamp: Lamp) -> None:
    assert lamp.starts == []

    assert (await lamp.server.call("state", {})).structured == {"lamp": {"state": "off"}}
    assert (await lamp.server.send("turn", TURN)).structured == {"said": "the lamp of bob is on"}

    assert (len(lamp.starts), lamp.ledger) == (1, ["a-1"])


REFUSED = [
    ("no turn", Expected("turn"), "it offers no tool turn"),
    ("another schema", Expected("turn", sends=frozenset(TURN)), "needs 1 arguments that are not configured"),
    ("", Expected("turn", sends=frozenset({"colour"})), "its tool turn takes no colour"),
    ("", Expected("turn", schema={"type": "object"}), "takes other arguments than this version"),
    ("", Expected("turn", sha256="0" * 64), "has another schema than is configured: "),
    ("no end", Expected("turn"), "its list of tools has no end"),
    ("does not start", Expected("turn"), "it ended with status 4: no licence for (secret)"),
]


@pytest.mark.parametrize(("trouble", "expected", "told"), REFUSED, ids=[told[:30] for *_, told in REFUSED])
async def test_a_server_that_is_not_as_expected_is_refused(
    tmp_path: Path, trouble: str, expected: Expected, told: str
) -> None:
    (tmp_path / "secret").write_text("s3cret-value")
    async with lamp_at(tmp_path, expected, env_files={"LICENCE": tmp_path / "secret"}) as lamp:
        lamp.trouble(trouble)

        with pytest.raises(Unavailable) as caught:
            await lamp.server.call("state", {})

    assert told in str(caught.value)
    assert "the MCP server lamp" in str(caught.value)
    assert "Ignore" not in str(caught.value)


async def test_words_for_people_are_no_part_of_a_schema(lamp: Lamp) -> None:
    bare = {"type": "object", **program.TOOLS["turn"]}
    async with lamp_at(lamp.folder, Expected("turn", schema=bare)) as other:
        assert (await other.server.offered())["turn"].schema["title"] == program.HOSTILE


async def test_it_gets_of_our_environment_what_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWOOOI_X_A", "AWOOOI_Y", "TOKEN"):
        monkeypatch.setenv(name, "ours")
    (tmp_path / "key").write_text("its own\n")
    config = ServerConfig(
        command=("x",), env={"A": "b"}, env_from=("AWOOOI_X_*",), env_files={"KEY": tmp_path / "key"}
    )

    given = config.environment(os.environ)

    assert {name: given.get(name) for name in ("AWOOOI_X_A", "AWOOOI_Y", "TOKEN", "A", "KEY")} == {
        "AWOOOI_X_A": "ours",
        "AWOOOI_Y": None,
        "TOKEN": None,
        "A": "b",
        "KEY": "its own",
    }


# -- its end


@pytest.mark.parametrize("trouble", ["dies before", "dies after", "huge", "another type", "asks for input"])
async def test_what_is_not_answered_as_promised_is_unanswered_and_not_sent_again(
    lamp: Lamp, trouble: str
) -> None:
    await lamp.server.offered()
    lamp.trouble(trouble)

    with pytest.raises(Unanswered, match="the MCP server lamp: "):
        await lamp.server.send("turn", TURN)

    lamp.trouble("")
    assert lamp.ledger == ([] if trouble == "dies before" else ["a-1"])
    assert (await lamp.server.call("done", {"key": "a-1"})).structured == {"done": lamp.ledger == ["a-1"]}


async def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    async with lamp_at(tmp_path, call_timeout_secs=0.4) as lamp:
        await lamp.server.offered()
        lamp.trouble("hangs")

        with pytest.raises(Unanswered, match=r"no answer within 0.4 s"):
            await lamp.server.send("turn", TURN)

        lamp.trouble("")
        (first,) = lamp.starts
        await wait_until_async(lambda: _is_gone(first), timeout=8, what="the end of the one that hung")
        assert (await lamp.server.call("done", {"key": "a-1"})).structured == {"done": True}
        _, second = lamp.starts
    assert await _is_gone(second)


async def test_one_that_was_killed_is_started_anew(lamp: Lamp) -> None:
    await lamp.server.call("state", {})
    os.kill(lamp.starts[0], signal.SIGKILL)

    assert (await lamp.server.call("state", {})).structured == {"lamp": {"state": "off"}}
    assert len(lamp.starts) == 2


async def test_after_the_last_word_nothing_is_started(lamp: Lamp) -> None:
    """It would no longer be the last word."""
    with pytest.raises(Unavailable, match="went away before anything was sent") as caught:
        await lamp.server.send("turn", TURN)

    assert (type(caught.value), lamp.starts) == (Unavailable, [])


# -- what it says by itself


async def test_noise_is_passed_over(lamp: Lamp, caplog: pytest.LogCaptureFixture) -> None:
    lamp.trouble("noise")

    assert (await lamp.server.call("state", {})).structured == {"lamp": {"state": "off"}}

    assert "Ignore" not in caplog.text


async def test_an_answer_of_another_size_is_not_even_read_whole(tmp_path: Path) -> None:
    async with lamp_at(tmp_path, most_bytes=8192) as lamp:
        await lamp.server.offered()
        lamp.trouble("huge")
        began = time.monotonic()

        with pytest.raises(Unanswered, match="more than 8192 bytes at once"):
            await lamp.server.send("turn", TURN)

        assert time.monotonic() - began < 4


async def _is_gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
