"""The file of what may be run by name: commands, HTTP calls, Ansible playbooks. People write it, YAML.

    commands:
      clear-cache:
        description: Empties the page cache of one shop
        program: /usr/local/bin/clear-cache
        run: ["--shop", "{shop}"]
        arguments: {shop: {pattern: "[a-z]{2,20}"}}

Names stand once in the whole file. What is wrong stops the start, with its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Generic, Literal, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, StringConstraints, field_validator, model_validator

from connectors.checked_file import Complaint, parse_checked, read_bytes
from connectors.executors.arguments import ARGUMENT_NAME, Argument, Written, faults
from connectors.executors.plain_json import texts_in
from schemas.operations import Operation, Risk

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
ArgumentName = Annotated[str, StringConstraints(pattern=ARGUMENT_NAME)]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9-]{1,60}$")]
VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]
MIB = 1024 * 1024
OWN_VARIABLES = ("AWOOOI_ACTION_ID", "HOME", "TMPDIR")
SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "mksh", "fish", "csh", "tcsh", "ash", "busybox"})
LOOPBACK = ("localhost", "127.0.0.1", "::1")
L = TypeVar("L")


class Named(Written):
    """What commands, calls and playbooks have in common."""

    description: str = Field(min_length=8, description="what it does, for those who are asked")
    arguments: dict[ArgumentName, Argument] = Field(default_factory=dict)
    risk: Risk = Field(Risk.HIGH, description="below HIGH only with a reason")
    reason: str = Field("", description="why it is less risky than others")
    timeout_secs: float = Field(60, gt=0, le=840)
    undo: Name | None = Field(None, description="of its kind: takes it back, with the same arguments")
    repeatable: bool = Field(
        False, description="the same action id sent twice, in whatever order, has one effect"
    )

    @model_validator(mode="after")
    def _says_why(self) -> Self:
        if self.risk.rank < Risk.HIGH.rank and len(self.reason.split()) < 2:
            raise ValueError(f"is below {Risk.HIGH}: a reason must say why")
        return self

    def templates(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        """Every text that arguments are put into, with its place below this."""
        return iter(())

    def others(self) -> Iterator[tuple[str, str]]:
        """Names of others of its kind that it needs, each with the field that says so."""
        if self.undo:
            yield "undo", self.undo

    def text(self) -> str:
        """What would run, for people and for the hard rules."""
        return ""


class Looked(Named, Generic[L]):
    """What is asked of its target changes nothing."""

    dry_run: L | None = Field(None, description="says yes where the call would be taken")
    probe: L | None = Field(None, description="says by {action_id} whether it was done")
    verify: L | None = Field(None, description="says whether it holds; no is: not yet")

    def looks(self) -> Iterator[tuple[str, L]]:
        """Each with its field."""
        looks = {"dry_run": self.dry_run, "probe": self.probe, "verify": self.verify}
        yield from ((field, look) for field, look in looks.items() if look is not None)


class Limits(Written):
    """Of the processor, memory, files and processes of one command."""

    cpu_secs: int = Field(60, ge=1, le=3600)
    memory_mib: int = Field(2048, ge=16, le=1024 * 1024, description="of address space, each process")
    file_mib: int = Field(64, ge=0, le=1024 * 1024, description="the largest file that it may write")
    open_files: int = Field(256, ge=16, le=65536)
    processes: int = Field(1024, ge=1, le=65536, description="of its user, all together, threads too")


class CommandThing(Named):
    program: str = Field(pattern=r"^/[^\x00-\x1f]+$", description="an absolute path; never a shell")
    run: tuple[str, ...] = Field((), description="its words, with {argument} where one goes")
    dry_run: Name | None = Field(None, description="command that tries it and changes nothing: 0 is a yes")
    probe: Name | None = Field(
        None, description="command that tells by action id: 0 it was done, 1 it was not, else unknown"
    )
    verify: Name | None = Field(None, description="command that looks: 0 it holds, 1 not yet, else unknown")
    refused_with: tuple[int, ...] = Field((), description="exit statuses that say: nothing was done")
    environment: dict[VariableName, str] = Field(default_factory=dict)
    environment_files: dict[VariableName, Path] = Field(
        default_factory=dict, description="variable: file that holds its secret"
    )
    limits: Limits = Limits()

    @field_validator("program")
    @classmethod
    def _no_shell(cls, program: str) -> str:
        if Path(program).name in SHELLS:
            raise ValueError(f"{program} is a shell: name the program, or a script with a #! line of its own")
        return program

    @model_validator(mode="after")
    def _own_variables(self) -> Self:
        taken = {*OWN_VARIABLES} & {*self.environment, *self.environment_files}
        twice = self.environment.keys() & self.environment_files.keys()
        if taken or twice:
            raise ValueError(f"{', '.join(sorted(taken | twice))} is given already")
        return self

    def templates(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield from ((("run", number), word) for number, word in enumerate(self.run))

    def others(self) -> Iterator[tuple[str, str]]:
        for field in ("dry_run", "probe", "verify", "undo"):
            if name := getattr(self, field):
                yield field, name

    def text(self) -> str:
        return " ".join((self.program, *self.run))


class Condition(Written):
    """When an answer says yes: its status, and if wanted what stands at a place in its JSON."""

    status: tuple[int, ...] = (200,)
    at: str = Field("", description="names and numbers with dots between: items.0.state")
    equals: tuple[str, ...] = Field((), description="any of these stands there, as text")

    @model_validator(mode="after")
    def _goes_together(self) -> Self:
        if bool(self.at) != bool(self.equals):
            raise ValueError("`at` goes with `equals`")
        return self


class Look(Written):
    """A GET that changes nothing, and what its answer means."""

    url: str
    yes_when: Condition = Condition()
    no_when: Condition | None = Field(None, description="neither yes nor no: nobody can tell")


class CallThing(Looked[Look]):
    method: Literal["POST", "PUT", "PATCH", "DELETE"] = "POST"
    url: str = Field(description="fixed scheme and host; {argument} in its path and query")
    headers: dict[HeaderName, str] = Field(default_factory=dict, description="as they are")
    header_files: dict[HeaderName, Path] = Field(
        default_factory=dict, description="header: file that holds its secret value"
    )
    body: Any = Field(None, description="JSON with {argument} in its texts; a text of one argument alone too")
    idempotency_header: HeaderName = Field("Idempotency-Key", description="carries the action id")
    accepts: tuple[int, ...] = Field(tuple(range(200, 300)), description="statuses that say: done")
    plain_http: bool = Field(False, description="http without TLS to another machine, if you must")
    ca_file: Path | None = Field(None, description="PEM; the system's authorities where none is given")

    def urls(self) -> Iterator[tuple[tuple[str, ...], str]]:
        yield ("url",), self.url
        yield from (((field, "url"), look.url) for field, look in self.looks())

    def templates(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield from self.urls()
        yield from texts_in(self.body, ("body",))

    def text(self) -> str:
        return f"{self.method} {self.url}"


class PlaybookThing(Named):
    playbook: Path = Field(description="its file, an absolute path")
    inventory: str = Field("localhost,", description="a file, or hosts with commas")
    limit: str = Field("", description="hosts of the inventory, with {argument} where one goes")
    check_mode: bool = Field(True, description="it can be tried with --check")
    converges: bool = Field(
        False, description="once done, check mode finds nothing more to change: so it is probed and verified"
    )
    timeout_secs: float = Field(600, gt=0, le=840)

    @model_validator(mode="after")
    def _is_tried(self) -> Self:
        if self.converges and not self.check_mode:
            raise ValueError("converges is seen in check mode")
        if not self.playbook.is_absolute():
            raise ValueError(f"playbook: {self.playbook} must be an absolute path")
        return self

    def templates(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield ("limit",), self.limit

    def text(self) -> str:
        return f"ansible-playbook {self.playbook}"


class NamedFile(Written):
    commands: dict[Name, CommandThing] = Field(default_factory=dict)
    calls: dict[Name, CallThing] = Field(default_factory=dict)
    playbooks: dict[Name, PlaybookThing] = Field(default_factory=dict)
    hosts: tuple[str, ...] = Field((), description="the only hosts that calls may go to")
    run_as: str = Field("", description="the user that commands and playbooks run as, where we are root")
    allow_root: bool = Field(False, description="without run_as, as root all the same")

    def kinds(self) -> Iterator[tuple[str, Operation, Mapping[str, Named]]]:
        yield "commands", Operation.RUN_COMMAND, self.commands
        yield "calls", Operation.CALL_HTTP, self.calls
        yield "playbooks", Operation.RUN_PLAYBOOK, self.playbooks

    def texts(self) -> dict[str, str]:
        """What each of them runs, by its name."""
        return {name: one.text() for _, _, things in self.kinds() for name, one in things.items()}

    def risks(self) -> dict[str, Risk]:
        return {name: one.risk for _, _, things in self.kinds() for name, one in things.items()}


def read_named(path: Path) -> NamedFile:
    """Misconfigured tells each fault with its line. Looks at nothing but this file."""
    return parse_named(read_bytes(path, "the file of named actions"), str(path))


def parse_named(content: bytes, name: str) -> NamedFile:
    return parse_checked(content, NamedFile, name, _complaints)


# -- what no single field shows


def _complaints(file: NamedFile) -> Iterator[Complaint]:
    seen: set[str] = set()
    for kind, _, things in file.kinds():
        for name, thing in things.items():
            place = (kind, name)
            if name in seen:
                yield place, "the name is taken: it stands once in the whole file"
            seen.add(name)
            for where, text in thing.templates():
                yield from (((*place, *where), told) for told in faults(text, thing.arguments))
            yield from _others(things, thing, place)
    for name, call in file.calls.items():
        for where, url in call.urls():
            yield from (
                (("calls", name, *where), told) for told in _address(url, file.hosts, plain=call.plain_http)
            )


def _others(things: Mapping[str, Named], thing: Named, place: tuple[str, str]) -> Iterator[Complaint]:
    for field, name in thing.others():
        other = things.get(name)
        if other is None:
            yield (*place, field), f"there is no {name} among {place[0]}"
            continue
        needs = {one for one, argument in other.arguments.items() if argument.default is None}
        if missing := sorted(needs - thing.arguments.keys()):
            yield (*place, field), f"{name} needs {', '.join(missing)}, which this has not"


def _address(url: str, hosts: tuple[str, ...], *, plain: bool) -> Iterator[str]:
    try:
        parts = urlsplit(url)
    except ValueError as error:
        yield f"is no address: {error}"
        return
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield "must begin with https://host or http://host"
        return
    if "{" in parts.scheme + parts.netloc or "@" in parts.netloc or "#" in url:
        yield "scheme and host are fixed; no user, no fragment"
        return
    if parts.hostname not in hosts:
        yield f"{parts.hostname} is not among `hosts`; allowed: {', '.join(hosts) or 'none'}"
    if parts.scheme == "http" and not plain and parts.hostname not in LOOPBACK:
        yield "http is not protected on its way: https, or plain_http: true"
