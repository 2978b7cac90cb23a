"""The executor `ansible`: a configured playbook with typed variables, by ansible-runner. RUN_PLAYBOOK."""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import orjson

from connectors.evidence import Unavailable
from connectors.executors.arguments import begins_with_value, fill
from connectors.executors.by_name import Asked, ByName, Seen, What, file_hash, spoken
from connectors.executors.contract import Done, End, Executor, Happened
from connectors.executors.named import Limits, NamedFile, PlaybookThing
from connectors.executors.process import PATH, Job, Ran, run, user_for
from schemas.errors import Misconfigured
from schemas.operations import Operation

PLAY = Path(__file__).with_name("play.py")
LIMITS = Limits(cpu_secs=3600, memory_mib=4096, open_files=4096)
LOOK_SECS = 18.0
MOST_FILES = 5000
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}")
TEMPLATE = ("{{", "{%", "{#")
"""Ansible would compute what stands behind these"""
NOT_INSTALLED = "playbooks are configured, and Ansible is not installed here: pip install 'awoooi[ansible]'"


@dataclass(frozen=True, slots=True)
class Play:
    """What became of it. `ran` without `tasks`: it did not get as far as a task."""

    ran: Ran
    rc: int = -1
    tasks: Sequence[Mapping[str, str | int]] = ()
    messages: Sequence[str] = ()

    def count(self, what: str) -> int:
        return sum(int(task.get(what, 0)) for task in self.tasks)


class AnsibleExecutor(ByName[PlaybookThing]):
    name = "ansible"
    operation: ClassVar[Operation] = Operation.RUN_PLAYBOOK
    no_verify: ClassVar[str] = "nobody can tell: it does not say that it converges"

    def __init__(self, file: NamedFile, play: Path = PLAY) -> None:
        """Misconfigured where it could not run any. `play` is another's in tests."""
        super().__init__(file.playbooks)
        self._script = play
        if not file.playbooks:
            return
        if importlib.util.find_spec("ansible_runner") is None or not shutil.which(
            "ansible-playbook", path=_path()
        ):
            raise Misconfigured(NOT_INSTALLED)
        self._user = user_for(file.run_as, allow_root=file.allow_root)
        for one in file.playbooks.values():
            _hashes(one)

    def unfit(self, asked: Asked[PlaybookThing]) -> str:
        for name, value in asked.values.items():
            if any(mark in value for mark in TEMPLATE):
                return f"{name} holds what Ansible would compute"
        limit = fill(asked.thing.limit, asked.words())
        if limit and begins_with_value(asked.thing.limit) and not HOST.fullmatch(limit):
            return "limit is no host's name"
        return ""

    def observed(self, asked: Asked[PlaybookThing]) -> Mapping[str, str]:
        return _hashes(asked.thing)

    async def sent(self, asked: Asked[PlaybookThing], may_send: Callable[[], str]) -> Done:
        if why := may_send():
            return Done(End.REFUSED, why)
        play = await self._play(asked, asked.thing.timeout_secs)
        return Done(_end(play), _in_words(asked, play))

    async def looked(self, asked: Asked[PlaybookThing], what: What) -> Seen | None:
        """By check mode. That nothing would change tells something of a playbook that converges."""
        thing = asked.thing
        if not (thing.check_mode if what == "dry_run" else thing.converges):
            return None
        play = await self._play(asked, min(thing.timeout_secs, LOOK_SECS), "--check")
        if play.ran.status is None:
            raise Unavailable(_in_words(asked, play))
        return _meant(play, what), _in_words(asked, play)

    async def _play(self, asked: Asked[PlaybookThing], timeout_secs: float, cmdline: str = "") -> Play:
        given = {
            "playbook": str(asked.thing.playbook),
            "inventory": _inventory(asked.thing.inventory),
            "limit": fill(asked.thing.limit, asked.words()),
            "extravars": {**_typed(asked), "awoooi_action_id": asked.action_id},
            "cmdline": cmdline,
        }
        words = (sys.executable, "-P", str(self._script), orjson.dumps(given).decode())
        environment = {"AWOOOI_ACTION_ID": asked.action_id, "PATH": _path(), "LC_ALL": "C.UTF-8"}
        return _read(await run(Job(words, environment, LIMITS, timeout_secs, self._user)))


def _path() -> str:
    """Where ansible-playbook was installed with us comes first."""
    return f"{Path(sys.executable).parent}:{PATH}"


def _typed(asked: Asked[PlaybookThing]) -> dict[str, str | int]:
    numbers = {name for name, one in asked.thing.arguments.items() if one.least is not None}
    return {name: int(value) if name in numbers else value for name, value in asked.values.items()}


def _inventory(told: str) -> str:
    """A file's path; or the text of one, where hosts are listed."""
    if told.startswith("/"):
        return told
    hosts = [host.strip() for host in told.split(",") if host.strip()]
    here = f" ansible_connection=local ansible_python_interpreter={sys.executable}"
    return "\n".join(host + here * (host == "localhost") for host in hosts)


def _hashes(thing: PlaybookThing) -> dict[str, str]:
    """Of all that lies beside the playbook too, roles and variables. Misconfigured where it is not there."""
    found = {"playbook": file_hash(thing.playbook)}
    whole = hashlib.sha256()
    for number, path in enumerate(_files(thing.playbook.parent)):
        if number >= MOST_FILES:
            told = (
                f"{thing.playbook.parent} holds over {MOST_FILES} files: give playbooks a folder of their own"
            )
            raise Misconfigured(told)
        whole.update(f"{path.relative_to(thing.playbook.parent)}\0{file_hash(path)}\n".encode())
    if thing.inventory.startswith("/"):
        found["inventory"] = file_hash(Path(thing.inventory))
    return {**found, "beside": whole.hexdigest()}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and ".git" not in path.parts)


def _read(ran: Ran) -> Play:
    try:
        told = orjson.loads(ran.out.strip().splitlines()[-1])
        messages = told["messages"] or [told["error"]]
        return Play(ran, told["rc"], told["tasks"], [one for one in messages if one])
    except (IndexError, KeyError, TypeError, orjson.JSONDecodeError):
        return Play(ran)


def _meant(play: Play, what: What) -> Happened:
    if play.rc != 0:
        return Happened.UNKNOWN
    return Happened.NO if what != "dry_run" and play.count("changed") else Happened.YES


def _end(play: Play) -> End:
    if play.ran.not_started:
        return End.REFUSED
    if play.ran.status is None or play.rc < 0:
        return End.UNKNOWN
    if play.rc == 0:
        return End.DONE
    begun = play.count("ok") + play.count("failed")
    return End.PARTLY if begun else End.REFUSED


def _in_words(asked: Asked[PlaybookThing], play: Play) -> str:
    """By task only those that did something; Ansible's own words where one failed."""
    if play.ran.status is None or play.rc < 0:
        ended = play.ran.not_started or play.ran.killed or "it did not say how it ended"
        return f"{asked.name}: {ended} {spoken(play.ran.error[-500:], asked.values, {})}".rstrip()
    changed, failed = play.count("changed"), play.count("failed") + play.count("unreachable")
    did = [
        f"{task['task']} ({', '.join(f'{task[what]} {what}' for what in SAID if what in task)})"
        for task in play.tasks
        if any(what in task for what in SAID)
    ]
    told = f"{asked.name}: {changed} changed, {failed} failed" + "".join(f"; {one}" for one in did)
    return "; ".join((told, *(spoken(one, asked.values, {}) for one in play.messages)))


SAID = ("changed", "failed", "unreachable")


def check_contract(executor: AnsibleExecutor) -> Executor:
    return executor
