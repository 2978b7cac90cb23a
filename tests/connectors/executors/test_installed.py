"""Executors of other packages: used where they are sound, told by name where they are not."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

import pytest

from connectors.executors.assigned import assign
from connectors.executors.command import CommandExecutor
from connectors.executors.contract import End, Executor
from connectors.executors.installed import GROUP, Given, check_overlaps, installed
from connectors.executors.named import NamedFile
from schemas.errors import Misconfigured
from schemas.operations import Operation
from tests.connectors.executors.lamps import Lamp
from tests.connectors.executors.worlds import OWNER, always, commands, named_order

HERE = "tests.connectors.executors.test_installed"
PACKAGE = """
from connectors.executors.contract import Checked, Done, Effect, End, Happened, Observed, Probed, Verified
from schemas.operations import Operation
from schemas.preflight import Check


class Torch:
    name = "torch"
    operations = frozenset({Operation.CALL_TOOL})

    def __init__(self, given):
        self.colour = given.options["colour"]

    def validate(self, order):
        return ""

    async def check(self, order):
        return Checked((await self.dry_run(order),), Observed({"colour": self.colour}))

    async def dry_run(self, order):
        return Check(name="dry_run", passed=True)

    async def execute(self, order, expected, may_go_on):
        why = may_go_on(Observed({"colour": self.colour}))
        return Done(End.REFUSED, why) if why else Done(End.DONE, f"{self.colour} light")

    async def probe(self, order, expected, before=None):
        return Probed(Happened.UNKNOWN)

    async def verify(self, order, before=None):
        return Verified(Effect.HOLDS)

    def undo(self, order, checked):
        return None
"""
METADATA = "Metadata-Version: 2.1\nName: torch-for-awoooi\nVersion: 1\n"


class Rival(CommandExecutor):
    name = "rival"


def make_rival(given: Given) -> Executor:
    return Rival(commands(given.state_dir))


def make_half(_: Given) -> object:
    return type("Half", (), {"name": "half", "operations": {"REBOOT"}, "validate": print})()


def make_fault(_: Given) -> Executor:
    raise RuntimeError("no licence")


def _point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, GROUP)


async def test_an_installed_packages_executor_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an installer leaves it: a module, and its metadata beside it."""
    about = tmp_path / "torch_for_awoooi-1.dist-info"
    about.mkdir()
    (tmp_path / "torch_for_awoooi.py").write_text(PACKAGE)
    (about / "METADATA").write_text(METADATA)
    (about / "entry_points.txt").write_text(f"[{GROUP}]\ntorch = torch_for_awoooi:Torch\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    (torch,) = installed((), {"torch.colour": "red"}, tmp_path)
    order = named_order(Operation.CALL_TOOL, "light")
    found = assign((torch,))[Operation.CALL_TOOL]
    done = await found.execute(order, "", always)

    assert (done.end, done.message) == (End.DONE, "red light")
    sys.modules.pop("torch_for_awoooi")
    monkeypatch.undo()
    assert not [point for point in entry_points(group=GROUP) if point.name == "torch"]


BROKEN = {
    "not there": (_point("x", "nowhere.at:all"), r"executor 'x' \(nowhere.at:all\) cannot be loaded: Module"),
    "no function": (_point("x", f"{HERE}:METADATA"), r"cannot be loaded: TypeError: 'str' object is not"),
    "it fails": (_point("x", f"{HERE}:make_fault"), "cannot be loaded: RuntimeError: no licence"),
    "half of one": (_point("half", f"{HERE}:make_half"), "is no executor: it has no check, dry_run, execute"),
    "another name": (_point("x", f"{HERE}:make_rival"), "calls itself 'rival'; the two names must agree"),
    "a name taken": (_point("command", f"{HERE}:make_rival"), "there is an executor of this name already"),
}


@pytest.mark.parametrize(("point", "says"), BROKEN.values(), ids=BROKEN)
def test_a_broken_one_stops_the_start_with_its_name(point: EntryPoint, says: str, tmp_path: Path) -> None:
    Lamp(tmp_path)
    with pytest.raises(Misconfigured, match=says) as told:
        installed((CommandExecutor(NamedFile()),), {}, tmp_path, [point])

    assert point.name in str(told.value)


def test_an_option_of_nobody_is_told(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match=r"torsh\.colour: there is no such executor installed"):
        installed((), {"torsh.colour": "red"}, tmp_path, [])


async def test_an_operation_of_two_needs_a_word_of_the_settings(tmp_path: Path) -> None:
    lamp = Lamp(tmp_path)
    built_in = (CommandExecutor(commands(tmp_path)),)
    added = installed(built_in, {}, tmp_path, [_point("rival", f"{HERE}:make_rival")])
    run = Operation.RUN_COMMAND

    with pytest.raises(
        Misconfigured, match=r"command and rival both carry out RUN_COMMAND.*RUN_COMMAND=rival"
    ):
        check_overlaps(built_in, added, ())
    check_overlaps(built_in, added, (run,))
    check_overlaps((CommandExecutor(NamedFile()),), added, ())

    chosen = assign((*built_in, *added), {run: "rival"})[run]
    order = named_order(run, "turn-on", owner=OWNER)
    checked = await chosen.check(order)
    assert checked.observed is not None
    assert (await chosen.execute(order, checked.observed.hash, always)).end is End.DONE
    assert (chosen.name, lamp.state) == ("rival", "on")
