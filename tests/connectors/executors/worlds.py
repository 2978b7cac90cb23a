"""One world an executor: what it acts on, an order that it can carry out, and how often that was done."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from connectors.executors.ansible import AnsibleExecutor
from connectors.executors.command import CommandExecutor
from connectors.executors.contract import Executor, Observed, Order
from connectors.executors.http_call import HttpExecutor
from connectors.executors.named import NamedFile, parse_named
from connectors.kubernetes import kinds
from connectors.kubernetes.fake import FakeCluster
from connectors.kubernetes.fake_server import Fault, serving
from schemas.operations import Operation, Parameters, Step
from tests.connectors.executors.lamps import Lamp, lamp_server
from tests.connectors.kubernetes.orders import executing, order
from tests.connectors.kubernetes.worlds import fake_world

OWNER = "bob@example.com"


@dataclass
class World:
    executor: Executor
    order: Callable[[str], Order]
    """by its action id"""
    unsound: Order
    slow: tuple[Executor, Order]
    """nobody answers in time"""
    done: Callable[[], int]
    state: Callable[[], object]
    real_values: tuple[str, ...]
    """which its messages may hold"""
    hang: Callable[[], object] = lambda: None
    """from now on the slow one is"""
    probes_by_state: bool = False
    """whose act it was is not told: what is as it was asked to be needs no other"""


def always(_: Observed) -> str:
    return ""


def named_order(operation: Operation, name: str, action_id: str = "a-1", **arguments: str) -> Order:
    return Order(Step(operation=operation, parameters=Parameters(name=name, arguments=arguments)), action_id)


COMMANDS = """
allow_root: true
commands:
  turn-on:
    description: Turns the lamp on
    program: {folder}/turn
    run: ["{{owner}}", "on"]
    arguments: {{owner: {{pattern: "[a-z@.]+"}}}}
    dry_run: is-off
    probe: was-done
    verify: is-on
    undo: turn-off
  turn-off:
    description: Turns the lamp off
    program: {folder}/turn
    run: ["{{owner}}", "off"]
    arguments: {{owner: {{pattern: "[a-z@.]+"}}}}
    probe: was-done
  is-on: {{description: Whether it is on, program: {folder}/is, run: ["on"]}}
  is-off: {{description: Whether it is off, program: {folder}/is, run: ["off"]}}
  was-done: {{description: Whether it was done, program: {folder}/done}}
  slow:
    description: Never ends by itself
    program: {folder}/wait
    timeout_secs: 0.4
"""


def commands(folder: Path) -> NamedFile:
    return parse_named(COMMANDS.format(folder=folder).encode(), "actions.yaml")


@asynccontextmanager
async def command_world(folder: Path) -> AsyncIterator[World]:
    lamp, run = Lamp(folder), Operation.RUN_COMMAND
    executor = CommandExecutor(commands(folder))
    yield World(
        executor,
        lambda action_id: named_order(run, "turn-on", action_id, owner=OWNER),
        named_order(run, "turn-on", owner="a b; reboot"),
        (executor, named_order(run, "slow")),
        lambda: len(lamp.ledger),
        lambda: lamp.state,
        (OWNER,),
    )


CALLS = """
hosts: [127.0.0.1]
calls:
  turn-on:
    description: Turns the lamp on
    url: {url}/lamps/{{owner}}/on
    arguments: {{owner: {{pattern: "[^ ]+"}}}}
    dry_run: {{url: "{url}/lamps", yes_when: {{at: lamp.state, equals: ["off"]}}}}
    probe: {{url: "{url}/actions/{{action_id}}", no_when: {{status: [404]}}}}
    verify:
      url: {url}/lamps
      yes_when: {{at: lamp.state, equals: ["on"]}}
      no_when: {{at: lamp.state, equals: ["off"]}}
    undo: turn-off
  turn-off:
    description: Turns the lamp off
    url: {url}/lamps/{{owner}}/off
    arguments: {{owner: {{pattern: "[^ ]+"}}}}
  slow:
    description: Is never answered
    url: {url}/slow
    timeout_secs: 0.4
"""


def calls(url: str) -> NamedFile:
    return parse_named(CALLS.format(url=url).encode(), "actions.yaml")


@asynccontextmanager
async def http_world(_: Path) -> AsyncIterator[World]:
    with lamp_server() as lamp:
        executor, call = HttpExecutor(calls(lamp.url)), Operation.CALL_HTTP
        yield World(
            executor,
            lambda action_id: named_order(call, "turn-on", action_id, owner=OWNER),
            named_order(call, "turn-on", owner="a b"),
            (executor, named_order(call, "slow")),
            lambda: len(lamp.ledger),
            lambda: lamp.state,
            (OWNER,),
        )
        await executor.close()


PLAYBOOKS = """
allow_root: true
playbooks:
  turn-on:
    description: Turns the lamp on
    playbook: {folder}/plays/on.yml
    arguments: {{owner: {{pattern: "[a-z@.]+"}}}}
    converges: true
    undo: turn-off
  turn-off:
    description: Turns the lamp off
    playbook: {folder}/plays/off.yml
    arguments: {{owner: {{pattern: "[a-z@.]+"}}}}
    converges: true
  slow:
    description: Never ends by itself
    playbook: {folder}/plays/slow.yml
    timeout_secs: 0.5
    check_mode: false
"""
STAND_IN = """
import json, sys, time
from pathlib import Path
given, folder = json.loads(sys.argv[1]), Path("{folder}")
wanted = Path(given["playbook"]).stem
while wanted == "slow":  # a play that hangs: it is killed at its time-out, nothing waits for it
    time.sleep(1)
changed = int((folder / "state").read_text().strip() != wanted)
if changed and "--check" not in given["cmdline"]:
    (folder / "state").write_text(wanted)
    with (folder / "ledger").open("a") as ledger:
        ledger.write(given["extravars"]["awoooi_action_id"] + "\\n")
said = "lamp of " + given["extravars"].get("owner", "")
tasks = [{{"task": said, "ok": 1, "changed": changed}}]
print(json.dumps({{"rc": 0, "tasks": tasks, "messages": [], "error": ""}}))
"""


@asynccontextmanager
async def ansible_world(folder: Path) -> AsyncIterator[World]:
    """Ansible itself takes seconds for each play: a stand-in keeps to its check mode and answers."""
    lamp, run = Lamp(folder), Operation.RUN_PLAYBOOK
    (folder / "plays").mkdir()
    for name in ("on", "off", "slow"):
        (folder / "plays" / f"{name}.yml").write_text("[]")
    stand_in = lamp.program("play.py", STAND_IN.format(folder=folder))
    executor = AnsibleExecutor(parse_named(PLAYBOOKS.format(folder=folder).encode(), "x"), stand_in)
    yield World(
        executor,
        lambda action_id: named_order(run, "turn-on", action_id, owner=OWNER),
        named_order(run, "turn-on", owner="{{ lookup('pipe', 'id') }}"),
        (executor, named_order(run, "slow")),
        lambda: len(lamp.ledger),
        lambda: lamp.state,
        (OWNER,),
        probes_by_state=True,
    )


Opened = Callable[..., AbstractAsyncContextManager[Executor]]
"""an executor on the cluster of a kubeconfig, with settings of its own"""


@asynccontextmanager
async def scaling_world(folder: Path, opened: Opened) -> AsyncIterator[World]:
    """A deployment is scaled on a fake cluster, which takes as long over a second one as nobody waits."""
    with serving(FakeCluster()) as server:
        cluster = fake_world(server, folder)
        for name in ("api", "slow"):
            cluster.deploy(name, replicas=1)
        before = len(server.cluster.writes)

        def scaled(name: str, **given: str) -> Order:
            return order(cluster, Operation.SCALE_DEPLOYMENT, "deployment", name, replicas=2, **given)

        async with (
            opened(cluster.peer.kubeconfig) as executor,
            opened(cluster.peer.kubeconfig, call_timeout_secs=0.8) as hasty,
        ):
            yield World(
                executor,
                lambda action_id: scaled("api", action_id=action_id),
                scaled("-api"),
                (hasty, scaled("slow")),
                lambda: len(server.cluster.writes) - before,
                lambda: server.cluster.get(kinds.DEPLOYMENT, "shop", "api")["spec"]["replicas"],
                ("api",),
                lambda: server.faults.append(Fault("PATCH", delay_secs=60)),
            )


WORLDS = {
    "command": command_world,
    "http": http_world,
    "ansible": ansible_world,
    "kubernetes": partial(scaling_world, opened=executing),
}
