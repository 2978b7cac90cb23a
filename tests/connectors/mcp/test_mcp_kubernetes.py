"""`awoooi mcp-kubernetes` as any MCP client uses it: the SDK's own, over standard input and output."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.client.stdio import StdioServerParameters

from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import serving
from schemas.operations import Operation
from tests.connectors.kubernetes.worlds import World, fake_world

PLACE = {"namespace": "shop", "kind": "deployment", "name": "api"}
SCALE: dict[str, Any] = {**PLACE, "replicas": 3, "action_id": "mine-1"}
LOOK = {**PLACE, "operation": "SCALE_DEPLOYMENT", "parameters": {"replicas": 3}, "action_id": "mine-1"}
READ = ["check", "look", "dry_run", "probe", "verify"]


def parameters(world: World) -> StdioServerParameters:
    """No settings but its own."""
    own = {"AWOOOI_MCP_KUBERNETES_CLUSTERS": f"default={world.peer.kubeconfig}", "AWOOOI_CONFIG": os.devnull}
    offered = {"AWOOOI_MCP_KUBERNETES_OPERATIONS": "SCALE_DEPLOYMENT,DRAIN_NODE"}
    return StdioServerParameters(
        command=sys.executable, args=["-m", "awoooi", "mcp-kubernetes"], env={**own, **offered}
    )


async def test_an_operation_from_check_to_probe(tmp_path: Path) -> None:
    """One process for all of it: it takes a moment to start."""
    with serving(FakeCluster()) as fake:
        world = fake_world(fake, tmp_path)
        world.deploy("api", replicas=1)
        before = len(fake.cluster.writes)
        async with Client(parameters(world)) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert list(tools) == [*READ, "scale_deployment", "drain_node"]
            assert [tools[name].annotations.read_only_hint for name in tools] == [True] * 5 + [False] * 2  # type: ignore[union-attr]
            schema = tools["scale_deployment"].input_schema
            assert schema["properties"]["replicas"]["type"] == "integer"
            assert set(schema["required"]) == {*SCALE, "expected_state"}

            checked = (await client.call_tool("check", LOOK)).structured_content
            assert all(one["passed"] for one in checked["checks"]), checked
            state, version = checked["observed"]["hash"], checked["observed"]["version"]
            given = {**SCALE, "expected_state": state}

            outdated = await client.call_tool("scale_deployment", {**given, "expected_version": "1"})
            assert (outdated.structured_content["end"], outdated.structured_content["outdated"]) == (
                "refused",
                True,
            )
            other = await client.call_tool("scale_deployment", {**given, "expected_state": "0" * 64})
            assert other.structured_content["end"] == "changed"
            assert len(fake.cluster.writes) == before

            done = await client.call_tool("scale_deployment", {**given, "expected_version": version})
            again = await client.call_tool("scale_deployment", given)
            assert (done.structured_content["end"], again.structured_content["message"]) == (
                "done",
                "it was done before",
            )
            probed = await client.call_tool("probe", {**LOOK, "expected_state": state})
            assert probed.structured_content["happened"] == "yes"
            verified = await client.call_tool("verify", LOOK)
            assert verified.structured_content["effect"] in ("holds", "not_yet")

            for tool, wrong in WRONG:
                refused = await client.call_tool(tool, {**given, **wrong})
                assert refused.is_error, (tool, wrong)
        writes = fake.cluster.writes[before:]

    assert writes == ["patch deployment/shop/api"]


WRONG: list[tuple[str, dict[str, Any]]] = [
    ("delete_pod", {}),
    ("scale_deployment", {"replicas": "3"}),
    ("scale_deployment", {"replicas": 0}),
    ("scale_deployment", {"kind": "namespace"}),
    ("scale_deployment", {"command": "kubectl delete ns shop"}),
    ("scale_deployment", {"expected_state": ""}),
    ("check", {**LOOK, "operation": Operation.DELETE_POD.value, "kind": "pod", "parameters": {}}),
]
