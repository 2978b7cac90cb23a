"""What the doctor says of MCP servers, and what stops the start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from awoooi.check_mcp import mcp
from awoooi.execution import executors_of
from awoooi.findings import Finding, Verdict
from awoooi.loading import load
from awoooi.mcp_servers import made, our_server
from connectors.executors.assigned import assign
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import serving
from schemas.errors import Misconfigured
from schemas.operations import Operation
from tests.awoooi.test_check_executor import NEVER
from tests.connectors.mcp.support import TURN_OFF, TURN_ON
from tests.connectors.mcp.worlds import lamp_command


async def findings(folder: Path, **settings: Any) -> list[Finding]:
    given = {"AWOOOI_STATE_DIR": str(folder), **{f"AWOOOI_{name}": told for name, told in settings.items()}}
    return list(await mcp(load(given)))


def lamp(folder: Path, **tool: Any) -> dict[str, str]:
    tools = {"turn-on": {**TURN_ON, **tool}, "turn-off": {**TURN_OFF, **tool}}
    return {
        "MCP_SERVERS": json.dumps({"lamp": {"command": lamp_command(folder)}}),
        "MCP_TOOLS": json.dumps(tools),
    }


async def test_where_nothing_goes_over_mcp(tmp_path: Path) -> None:
    assert await findings(tmp_path) == [Finding("mcp", Verdict.OK, "nothing goes over MCP")]


async def test_a_server_that_offers_what_is_needed(tmp_path: Path) -> None:
    server, *tools = await findings(tmp_path, **lamp(tmp_path))

    assert (server.verdict, server.what) == (
        Verdict.OK,
        "server lamp: 3 tools, those that are needed among them",
    )
    assert [(one.verdict, one.what) for one in tools] == [
        (Verdict.WARNING, f"tool {name}: any schema of lamp.turn that fits is taken")
        for name in ("turn-on", "turn-off")
    ]
    pin = tools[0].todo.split()[1]
    (pinned,) = await findings(tmp_path, **lamp(tmp_path, schema_sha256=pin))
    assert pinned.verdict is Verdict.OK


async def test_a_server_that_does_not(tmp_path: Path) -> None:
    (tmp_path / "trouble").write_text("no turn")

    (found,) = await findings(tmp_path, **lamp(tmp_path))

    assert (found.verdict, "it offers no tool turn" in found.what) == (Verdict.WRONG, True)


async def test_the_log_in_of_our_own_server(tmp_path: Path) -> None:
    with serving(FakeCluster(denied={*NEVER, ("patch", "deployments")})) as fake:
        clusters = {"MCP_KUBERNETES_CLUSTERS": f"default={fake.kubeconfig(tmp_path / 'kubeconfig')}"}

        _, login = await findings(tmp_path, **clusters, MCP_KUBERNETES_OPERATIONS="CORDON_NODE")
        _, lacking = await findings(tmp_path, **clusters, MCP_KUBERNETES_OPERATIONS="SCALE_DEPLOYMENT")

    assert (login.verdict, "CORDON_NODE, no more" in login.what) == (Verdict.OK, True), login
    assert "no SCALE_DEPLOYMENT: our log-in may not patch deployments" in lacking.what


async def test_a_way_back_that_nobody_could_go(tmp_path: Path) -> None:
    """Told without starting anything: the server is one that is not there."""
    nobody = {"MCP_SERVERS": '{"kubernetes": {"command": ["/nowhere"]}}'}

    alone, _ = await findings(tmp_path, **nobody, EXECUTORS="CORDON_NODE=mcp")
    both = await findings(tmp_path, **nobody, EXECUTORS="CORDON_NODE=mcp,UNCORDON_NODE=mcp")

    assert "UNCORDON_NODE, which takes it back, could be done by nobody" in alone.what
    assert [one.verdict for one in both] == [Verdict.WRONG]


NAMED: dict[str, tuple[dict[str, str], str]] = {
    "several writes": ({"EXECUTORS": "DRAIN_NODE=mcp"}, "DRAIN_NODE: several writes are not made over MCP"),
    "no such tool": ({"EXECUTORS": "CALL_TOOL=mcp"}, "mcp does not carry out CALL_TOOL"),
    "no such server": ({"MCP_TOOLS": json.dumps({"turn-on": TURN_ON})}, "there is no server 'lamp'"),
    "neither": ({"MCP_SERVERS": '{"a": {}}'}, "give either command or url"),
    "bare": ({"MCP_SERVERS": '{"a": {"url": "http://far/mcp"}}'}, "http is not protected on its way"),
    "a shell's words": ({"MCP_SERVERS": '{"a": {"command": "x | y"}}'}, "MCP_SERVERS"),
}


async def assigned(settings: Mapping[str, str]) -> None:
    loaded = load({f"AWOOOI_{name}": value for name, value in settings.items()})
    async with AsyncExitStack() as opened:
        assign(executors_of(loaded.settings, opened), loaded.settings.executors)


@pytest.mark.parametrize(("settings", "told"), NAMED.values(), ids=NAMED)
async def test_what_stops_the_start(settings: dict[str, str], told: str) -> None:
    with pytest.raises(Misconfigured, match="AWOOOI_") as caught:
        await assigned(settings)

    assert told in str(caught.value)


async def test_the_worker_starts_its_servers_beside_the_rest_and_ends_them(tmp_path: Path) -> None:
    settings = load({f"AWOOOI_{name}": told for name, told in lamp(tmp_path).items()}).settings
    async with AsyncExitStack() as opened:
        (executor,) = [one for one in executors_of(settings, opened) if one.name == "mcp"]
        assert executor.operations == {Operation.CALL_TOOL}
        async with asyncio.timeout(10):
            while not (tmp_path / "starts").exists():  # noqa: ASYNC110  (another process makes it)
                await asyncio.sleep(0.01)


def test_without_need_nothing_is_made() -> None:
    assert made(load({}).settings) is None


def test_our_own_server_gets_its_own_settings_alone() -> None:
    settings = load({"AWOOOI_MCP_KUBERNETES_CLUSTERS": "a=/k#c", "AWOOOI_CLICKHOUSE_PASSWORD": "x"}).settings

    ours = our_server(settings.mcp_kubernetes)

    given = ours.environment({"PATH": "/bin", "AWOOOI_KAFKA_PASSWORD": "x"})
    assert given == {
        "PATH": "/bin",
        "AWOOOI_CONFIG": "/dev/null",
        "AWOOOI_MCP_KUBERNETES_CLUSTERS": '{"a": "/k#c"}',
    }
    assert load(given).settings.mcp_kubernetes == settings.mcp_kubernetes


def test_the_examples_of_the_document_are_settings(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text()
    blocks = [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]
    assert len(blocks) == 2
    for block in blocks:
        file = tmp_path / "awoooi.yaml"
        file.write_text(block.replace("3f1c…", "ab" * 32))
        assert load({"AWOOOI_CONFIG": str(file)}).settings.mcp.servers


def test_a_wrong_field_is_named_with_its_place() -> None:
    wrong = json.dumps({"a": {"command": ["x"], "call_timeout_secs": 0}})

    with pytest.raises(Misconfigured, match=r"AWOOOI_MCP_SERVERS: a\.call_timeout_secs: "):
        load({"AWOOOI_MCP_SERVERS": wrong})
