"""A program: as whom, within which bounds, how it ends, and what is told of it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.executors import process
from connectors.executors.command import CommandExecutor
from connectors.executors.contract import Done, End, Happened
from connectors.executors.named import parse_named
from connectors.executors.process import User, user_for
from schemas.errors import Misconfigured
from schemas.operations import Operation
from tests.connectors.executors.lamps import Lamp
from tests.connectors.executors.worlds import always, commands, named_order
from tests.peers import wait_until, wait_until_async

ROOT = Path(__file__).parents[3]
RUN = Operation.RUN_COMMAND
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


@pytest.fixture
def lamp(tmp_path: Path) -> Lamp:
    return Lamp(tmp_path)


def made(lamp: Lamp, text: str, **said: object) -> CommandExecutor:
    """One command `it`, whose program is this text."""
    program = lamp.program("it", text)
    told = "".join(f"    {name}: {value}\n" for name, value in said.items())
    file = (
        f"allow_root: true\ncommands:\n  it:\n    description: What it does\n    program: {program}\n{told}"
    )
    return CommandExecutor(parse_named(file.encode(), "actions.yaml"))


async def ran(executor: CommandExecutor, action_id: str = "a-1", **arguments: str) -> Done:
    order = named_order(RUN, "it", action_id, **arguments)
    checked = await executor.check(order)
    assert checked.observed is not None, checked.checks
    return await executor.execute(order, checked.observed.hash, always)


async def shell(lamp: Lamp, text: str, **said: object) -> Done:
    return await ran(made(lamp, f"#!/bin/sh\n{text}\n", **said))


ENDS = [
    pytest.param("exit 0", {}, End.DONE, "it: exit status 0", id="0"),
    pytest.param("echo out; echo no >&2; exit 3", {}, End.PARTLY, "it: exit status 3: no", id="another"),
    pytest.param("exit 3", {"refused_with": "[3]"}, End.REFUSED, "status 3", id="one that says: nothing"),
    pytest.param("kill -9 $$", {}, End.UNKNOWN, "it was killed by SIGKILL", id="a signal"),
    pytest.param("sleep 60", {"timeout_secs": 0.2}, End.UNKNOWN, "not done within 0.2 s", id="time-out"),
]


@pytest.mark.parametrize(("text", "said", "end", "words"), ENDS)
async def test_how_it_ends_says_what_is_known(
    lamp: Lamp, text: str, said: dict[str, object], end: End, words: str
) -> None:
    done = await shell(lamp, text, **said)

    assert (done.end, words in done.message) == (end, True), done.message


async def test_what_cannot_be_started_did_nothing(lamp: Lamp) -> None:
    done = await ran(made(lamp, "#!/nowhere/interpreter\n"))

    assert (done.end, done.message) == (End.REFUSED, "it: No such file or directory")


async def test_its_environment_is_clean_its_folder_its_own_and_its_stdin_empty(
    lamp: Lamp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWOOOI_SECRET", "not to be seen")
    (lamp.folder / "token").write_text("tok-123456789\n")

    text = f'cd "{lamp.folder}"; echo "$OLDPWD" > pwd; env > env; cat | wc -c > stdin'
    files = f"{{TOKEN: {lamp.folder}/token}}"
    await shell(lamp, text, environment="{MODE: soft}", environment_files=files)

    told = dict(line.split("=", 1) for line in (lamp.folder / "env").read_text().splitlines())
    own = {"AWOOOI_ACTION_ID", "HOME", "TMPDIR", "PATH", "LANG", "MODE", "TOKEN"}
    assert told.keys() - {"PWD", "OLDPWD", "SHLVL", "_"} == own
    assert (told["AWOOOI_ACTION_ID"], told["TOKEN"]) == ("a-1", "tok-123456789")
    where = (lamp.folder / "pwd").read_text().strip()
    assert where == told["HOME"]
    assert not where.startswith(str(lamp.folder))
    assert not os.path.exists(where)  # noqa: PTH110, ASYNC240  gone with its run
    assert (lamp.folder / "stdin").read_text().strip() == "0"


async def test_no_shell_sees_its_arguments(lamp: Lamp) -> None:
    """Even what a shell would take apart is one word."""
    evil = "$(touch pwned); `id` && x | y > z *"
    executor = made(
        lamp, '#!/bin/sh\nprintf "%s" "$1"\n', run='["{text}"]', arguments='{text: {pattern: ".*"}}'
    )

    done = await ran(executor, text=evil)

    assert done.message == f"it: exit status 0: {evil}"


async def test_its_secrets_are_in_no_word_of_it(lamp: Lamp) -> None:
    (lamp.folder / "token").write_text("tok-123456789\n")
    files = f"{{TOKEN: {lamp.folder}/token}}"

    done = await shell(lamp, 'echo "no log-in with $TOKEN" >&2; exit 1', environment_files=files)

    assert done.message == "it: exit status 1: no log-in with (secret)"


async def test_a_secret_that_is_gone_stops_it_before_anything_happens(lamp: Lamp) -> None:
    (lamp.folder / "token").write_text("x")
    executor = made(lamp, "#!/bin/sh\necho x > ran\n", environment_files=f"{{TOKEN: {lamp.folder}/token}}")
    (lamp.folder / "token").unlink()

    done = await ran(executor)

    assert (done.end, "does not exist" in done.message) == (End.REFUSED, True)


async def test_its_output_is_cut_and_half_a_line_left_out(
    lamp: Lamp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "MOST_OUTPUT", 100)

    done = await shell(lamp, "for n in 1 2 3 4 5 6 7 8; do echo bob$n@example.com bob@x.yz; done")

    assert done.message.endswith("bob3@example.com bob@x.yz")


LIMITED = [
    pytest.param("{cpu_secs: 7}", "ulimit -t; exit 9", End.PARTLY, "status 9: 7", id="processor"),
    pytest.param("{file_mib: 1}", "head -c 2000000 /dev/zero > big", End.PARTLY, "", id="file size"),
    pytest.param(
        "{memory_mib: 64}", 'python3 -c "bytearray(200000000)"', End.PARTLY, "MemoryError", id="memory"
    ),
    pytest.param("{open_files: 16}", "ulimit -n; exit 9", End.PARTLY, "status 9: 16", id="files"),
]


@pytest.mark.parametrize(("limits", "text", "end", "words"), LIMITED)
async def test_it_is_kept_within_limits(lamp: Lamp, limits: str, text: str, end: End, words: str) -> None:
    done = await shell(lamp, text, limits=limits)

    assert (done.end, words in done.message) == (end, True), done.message


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


async def test_a_time_out_kills_all_of_its_group(lamp: Lamp) -> None:
    executor = CommandExecutor(commands(lamp.folder))
    order = named_order(RUN, "slow")
    checked = await executor.check(order)
    assert checked.observed is not None

    done = await executor.execute(order, checked.observed.hash, always)

    assert done.end is End.UNKNOWN
    child = int((lamp.folder / "child").read_text())
    wait_until(lambda: is_gone(child), 5, what="its child gone")


async def test_what_left_its_group_holds_nobody_up(lamp: Lamp) -> None:
    """It has a session of its own and keeps the streams open: it is not killed, and not waited for."""
    began = time.monotonic()

    done = await shell(lamp, f'setsid sleep 60 & echo $! > "{lamp.folder}/child"; sleep 0.2; exit 0')

    os.kill(int((lamp.folder / "child").read_text()), signal.SIGKILL)
    assert (done.end, time.monotonic() - began < 30) == (End.DONE, True)


async def test_who_calls_it_off_kills_it(lamp: Lamp) -> None:
    executor = made(lamp, f'#!/bin/sh\nsleep 60 & echo $! > "{lamp.folder}/child"\nwait\n')
    order = named_order(RUN, "it")
    checked = await executor.check(order)
    assert checked.observed is not None
    running = asyncio.ensure_future(executor.execute(order, checked.observed.hash, always))
    child_of = lamp.folder / "child"
    await wait_until_async(lambda: child_of.exists() and child_of.read_text(), 10, what="its child")

    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    child = int((lamp.folder / "child").read_text())
    wait_until(lambda: is_gone(child), 5, what="its child gone")
    again = await executor.execute(order, checked.observed.hash, always)
    assert (again.end, again.message) == (End.UNKNOWN, "it was sent before")


WORKER = """
import asyncio, sys
from connectors.executors.named import Limits
from connectors.executors.process import Job, run
asyncio.run(run(Job([sys.argv[1]], {}, Limits(), 60)))
"""


def test_nothing_runs_on_when_its_worker_was_killed(lamp: Lamp) -> None:
    """By a signal that nobody can catch."""
    child_of = lamp.folder / "child"
    with subprocess.Popen([sys.executable, "-c", WORKER, str(lamp.folder / "wait")], cwd=ROOT) as worker:
        wait_until(lambda: child_of.exists() and child_of.read_text(), 10, what="its child")
        worker.kill()

    wait_until(lambda: is_gone(int(child_of.read_text())), 5, what="its child gone")
    own = Path((lamp.folder / "home").read_text().strip())
    wait_until(lambda: not own.exists(), 5, what="its folder gone")


async def test_a_program_that_was_exchanged_is_not_what_was_approved(lamp: Lamp) -> None:
    executor = CommandExecutor(commands(lamp.folder))
    order = named_order(RUN, "turn-on", owner="bob@example.com")
    checked = await executor.check(order)
    assert checked.observed is not None
    lamp.program("turn", "#!/bin/sh\nexit 0\n")

    done = await executor.execute(order, checked.observed.hash, always)

    assert (done.end, lamp.ledger) == (End.CHANGED, [])


async def test_without_a_dry_run_it_is_no_pass_and_without_a_probe_nobody_knows(lamp: Lamp) -> None:
    executor = made(lamp, "#!/bin/sh\nexit 0\n")
    order = named_order(RUN, "it")

    checked = await executor.check(order)
    probed = await executor.probe(order, "")

    assert [(check.name, check.passed) for check in checked.checks][-1] == ("dry_run", False)
    assert (probed.happened, probed.repeatable) == (Happened.UNKNOWN, False)


async def test_only_what_says_so_may_be_sent_again(lamp: Lamp) -> None:
    def with_probe(more: str) -> CommandExecutor:
        text = f"""
allow_root: true
commands:
  it: {{description: What it does, program: {lamp.folder}/turn, probe: was-done, {more}}}
  was-done: {{description: Whether it was done, program: {lamp.folder}/done}}
"""
        return CommandExecutor(parse_named(text.encode(), "x"))

    once = await with_probe("timeout_secs: 9").probe(named_order(RUN, "it"), "")
    again = await with_probe("repeatable: true").probe(named_order(RUN, "it"), "")

    assert (once.happened, once.repeatable) == (Happened.NO, False)
    assert (again.happened, again.repeatable) == (Happened.NO, True)


# -- at the start


def with_program(path: Path, more: str = "allow_root: true") -> CommandExecutor:
    text = f"{more}\ncommands:\n  it: {{description: What it does, program: {path}}}\n"
    return CommandExecutor(parse_named(text.encode(), "actions.yaml"))


def test_a_program_that_is_none_stops_the_start(tmp_path: Path) -> None:
    plain, shell_by_another_name = tmp_path / "plain", tmp_path / "tool"
    plain.write_text("x")
    shell_by_another_name.symlink_to("/bin/sh")
    (tmp_path / "open").write_text("x")
    (tmp_path / "open").chmod(0o777)

    for path, says in (
        (tmp_path / "none", "commands.it: program .*/none cannot be run: No such file"),
        (plain, "is no file that can be run"),
        (tmp_path / "open", "can be written by everybody: chmod o-w"),
        (shell_by_another_name, "is a shell"),
    ):
        with pytest.raises(Misconfigured, match=says):
            with_program(path)


@AS_ROOT
def test_root_runs_nothing_unless_told_as_whom() -> None:
    with pytest.raises(Misconfigured, match="run_as: this process is root"):
        with_program(Path("/bin/true"), "hosts: []")
    with pytest.raises(Misconfigured, match="run_as: there is no user 'nobody-at-all' here"):
        with_program(Path("/bin/true"), "run_as: nobody-at-all")
    with pytest.raises(Misconfigured, match="run_as: root is root"):
        with_program(Path("/bin/true"), "run_as: root")


def test_nobody_but_root_becomes_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)

    with pytest.raises(Misconfigured, match="only root can run as nobody"):
        user_for("nobody", allow_root=False)
    assert user_for("", allow_root=False) is None


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Which other users may enter, unlike a test's own."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@AS_ROOT
async def test_it_runs_as_its_user_and_no_group_of_ours(open_folder: Path) -> None:
    program = open_folder / "who"
    program.write_text('#!/bin/sh\necho "$(id -u) $(id -g) $(id -G) $(touch mine && echo writes)"\n')
    program.chmod(0o755)

    done = await ran(with_program(program, "run_as: nobody"))

    user = User.named("nobody")
    groups = " ".join(map(str, user.groups))
    assert done.message == f"it: exit status 0: {user.uid} {user.gid} {groups} writes"
