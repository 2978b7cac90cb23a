"""The executor `command`: an allow-listed program with typed arguments, never a shell. RUN_COMMAND."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from connectors.evidence import Unavailable
from connectors.executors.arguments import words_of
from connectors.executors.by_name import Asked, ByName, Seen, What, file_hash, spoken
from connectors.executors.contract import Done, End, Executor, Happened
from connectors.executors.named import SHELLS, CommandThing, NamedFile
from connectors.executors.process import Job, Ran, run, user_for
from connectors.secret import secrets_of
from schemas.errors import Misconfigured
from schemas.operations import Operation

LAST_LINES = 5
LOOK_SECS = 15.0
"""for a dry run, a probe, a look: whoever waits for checks waits no longer"""


class CommandExecutor(ByName[CommandThing]):
    name = "command"
    operation: ClassVar[Operation] = Operation.RUN_COMMAND

    def __init__(self, file: NamedFile) -> None:
        """Misconfigured where a program is none, or where it would run as root."""
        super().__init__(file.commands)
        self._user = user_for(file.run_as, allow_root=file.allow_root) if file.commands else None
        wrong = [f"{name}: {told}" for name, one in file.commands.items() for told in program_troubles(one)]
        if wrong:
            raise Misconfigured("\n".join(f"commands.{told}" for told in wrong))

    def unfit(self, asked: Asked[CommandThing]) -> str:
        words = _words(asked)
        return words if isinstance(words, str) else ""

    def observed(self, asked: Asked[CommandThing]) -> Mapping[str, str]:
        for told in program_troubles(asked.thing):
            raise Misconfigured(told)
        return {"program": file_hash(Path(asked.thing.program))}

    async def sent(self, asked: Asked[CommandThing], may_send: Callable[[], str]) -> Done:
        try:
            secrets = secrets_of(asked.thing.environment_files)
        except Misconfigured as error:
            return Done(End.REFUSED, str(error))
        job = self._job(asked, secrets, asked.thing.timeout_secs)
        if why := may_send():
            return Done(End.REFUSED, why)
        ran = await run(job)
        return Done(_end(ran, asked.thing), _in_words(asked, ran, secrets))

    async def looked(self, asked: Asked[CommandThing], what: What) -> Seen | None:
        """By another command, which changes nothing."""
        name: str | None = getattr(asked.thing, what)
        if name is None:
            return None
        other = self.of(name, asked)
        if wrong := self.unfit(other):
            raise Unavailable(f"{name}: {wrong}")
        try:
            secrets = secrets_of(other.thing.environment_files)
        except Misconfigured as error:
            raise Unavailable(f"{name}: {error}") from error
        ran = await run(self._job(other, secrets, min(other.thing.timeout_secs, LOOK_SECS)))
        return _meant(ran), _in_words(other, ran, secrets)

    def _job(self, asked: Asked[CommandThing], secrets: Mapping[str, str], timeout_secs: float) -> Job:
        words = _words(asked)
        assert not isinstance(words, str)  # it was validated
        environment = {**asked.thing.environment, **secrets, "AWOOOI_ACTION_ID": asked.action_id}
        return Job(words, environment, asked.thing.limits, timeout_secs, self._user)


def program_troubles(command: CommandThing) -> Iterator[str]:
    """Whether it is there, and whether only those whom it belongs to can exchange it."""
    path = Path(command.program)
    try:
        real = path.resolve(strict=True)
        mode = real.stat().st_mode
    except OSError as error:
        yield f"program {path} cannot be run: {error.strerror}"
        return
    if not stat.S_ISREG(mode) or not os.access(real, os.X_OK):
        yield f"program {path} is no file that can be run"
    if mode & stat.S_IWOTH:
        yield f"program {path} can be written by everybody: chmod o-w {real}"
    if real.name in SHELLS:
        yield f"program {path} is a shell"


def _words(asked: Asked[CommandThing]) -> list[str] | str:
    """The program and its words; or what is wrong with them."""
    words = words_of(asked.thing.run, asked.thing.arguments, asked.words())
    return words if isinstance(words, str) else [asked.thing.program, *words]


def _meant(ran: Ran) -> Happened:
    if ran.status == 0:
        return Happened.YES
    return Happened.NO if ran.status == 1 else Happened.UNKNOWN


def _end(ran: Ran, command: CommandThing) -> End:
    """A program that failed may have done some of it, unless it is known to tell."""
    if ran.not_started:
        return End.REFUSED
    if ran.status is None:
        return End.UNKNOWN
    if ran.status == 0:
        return End.DONE
    return End.REFUSED if ran.status in command.refused_with else End.PARTLY


def _in_words(asked: Asked[CommandThing], ran: Ran, secrets: Mapping[str, str]) -> str:
    """Its last lines say most, of what went wrong first of all."""
    ended = ran.not_started or ran.killed or f"exit status {ran.status}"
    last = (ran.error.strip() or ran.out.strip()).splitlines()[-LAST_LINES:]
    told = spoken("\n".join(last), asked.values, secrets)
    return f"{asked.name}: {ended}" + (f": {told}" if told else "")


def check_contract(executor: CommandExecutor) -> Executor:
    return executor
