"""Which MCP servers there are, how each is reached, and which of their tools may be called by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints, model_validator

from connectors.executors.arguments import Written, faults
from connectors.executors.named import LOOPBACK, Looked, Name, VariableName
from connectors.executors.plain_json import texts_in
from connectors.kubernetes.config import ExecutorConfig
from connectors.secret import read_secret, secrets_of
from schemas.operations import PROPOSED, SHAPES, Operation, Risk

OPERATIONS = tuple(operation for operation, shape in SHAPES.items() if shape.kinds and operation in PROPOSED)
SEVERAL_WRITES = frozenset({Operation.DRAIN_NODE, Operation.RESTART_JOB})
"""between their writes only the server could ask for the last word, so the executor leaves them alone"""
KUBERNETES = "kubernetes"
"""the server that offers the operations on Kubernetes; where none is configured it is our own"""
ToolName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./:-]{1,128}$")]
OWN_VARIABLES = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
"""what a server's process gets of our environment without being told"""


class ServerConfig(BaseModel):
    """Either a command, which speaks over its standard input and output, or an address."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    command: tuple[str, ...] = Field((), description="program and its words; no shell reads them")
    env: dict[VariableName, str] = Field(default_factory=dict, description="of its process; no secrets")
    env_from: tuple[str, ...] = Field(
        (), description="variables of ours that it gets too; a name that ends in * means all that begin so"
    )
    env_files: dict[VariableName, Path] = Field(
        default_factory=dict, description="variable: file that holds its secret"
    )
    cwd: Path | None = Field(None, description="where its process starts")
    url: str | None = Field(None, pattern=r"^https?://[^@\s]+$", description="of streamable HTTP")
    token: SecretStr | None = Field(None, description="sent as a bearer token")
    token_file: Path | None = Field(None, description="instead of token")
    ca_file: Path | None = Field(None, description="PEM; the system's authorities where none is given")
    start_timeout_secs: float = Field(30.0, gt=0, le=120, description="until it has told its tools")
    call_timeout_secs: float = Field(24.0, gt=0, le=840, description="for one call of a tool")
    most_bytes: int = Field(1024 * 1024, ge=4096, le=64 * 1024 * 1024, description="of one answer")

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if bool(self.command) == (self.url is not None):
            raise ValueError("give either command or url")
        if self.url is None and (self.token or self.token_file or self.ca_file):
            raise ValueError("token and ca_file belong to a url")
        if self.url is not None and (self.env or self.env_from or self.env_files or self.cwd):
            raise ValueError("env and cwd belong to a command")
        if self.token is not None and self.token_file is not None:
            raise ValueError("give either token or token_file")
        if self.url is not None and _is_bare(self.url):
            raise ValueError("http is not protected on its way: https, or an address of this machine")
        return self

    def __str__(self) -> str:
        """Without its environment."""
        return self.url or " ".join(self.command)

    def bearer(self) -> str | None:
        if self.token is None and self.token_file is None:
            return None
        return read_secret(self.token, self.token_file, "token")

    def environment(self, ours: Mapping[str, str]) -> dict[str, str]:
        """Of its process: nothing of ours that it was not given."""
        given = {name: value for name, value in ours.items() if name in OWN_VARIABLES or self._gets(name)}
        return {**given, **self.env, **secrets_of(self.env_files)}

    def _gets(self, name: str) -> bool:
        return any(name == one or (one.endswith("*") and name.startswith(one[:-1])) for one in self.env_from)


class Reading(Written):
    """A read tool, and what stands in its answer."""

    tool: ToolName
    sends: dict[str, Any] = Field(default_factory=dict, description="its arguments, with {argument} in texts")
    at: str = Field("", description="in its structured answer; names and numbers with dots between")
    yes_when: tuple[str, ...] = Field(min_length=1, description="as text: done; it holds; would be taken")
    no_when: tuple[str, ...] = Field((), description="as text: not done; not yet; all else: nobody can tell")


class ToolThing(Looked[Reading]):
    """A write tool, by the name that CALL_TOOL calls it by."""

    server: Name
    tool: ToolName
    sends: dict[str, Any] = Field(
        default_factory=dict, description="its arguments, with {argument} and {action_id} in texts"
    )
    schema_sha256: str | None = Field(
        None, pattern=r"^[0-9a-f]{64}$", description="of the schema of its arguments, as `doctor` tells it"
    )
    error_is_no: bool = Field(False, description="when it answers with an error, nothing was done")

    def templates(self) -> Iterator[tuple[tuple[str | int, ...], str]]:
        yield from texts_in(self.sends, ("sends",))
        for field, reading in self.looks():
            yield from texts_in(reading.sends, (field, "sends"))

    def text(self) -> str:
        return f"{self.server}.{self.tool}"

    def __str__(self) -> str:
        return self.text()

    @model_validator(mode="after")
    def _fits_its_arguments(self) -> Self:
        wrong = [told for _, text in self.templates() for told in faults(text, self.arguments)]
        if wrong:
            raise ValueError("; ".join(wrong))
        return self


class McpConfig(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    servers: dict[Name, ServerConfig] = Field(
        default_factory=dict,
        description="name → command or url; the one named kubernetes offers the operations of Kubernetes",
    )
    tools: dict[Name, ToolThing] = Field(
        default_factory=dict, description="name → a write tool that CALL_TOOL may call, and its arguments"
    )

    def texts(self) -> dict[str, str]:
        """What each of them calls, by its name."""
        return {name: tool.text() for name, tool in self.tools.items()}

    def risks(self) -> dict[str, Risk]:
        return {name: tool.risk for name, tool in self.tools.items()}

    @model_validator(mode="after")
    def _names_what_is_there(self) -> Self:
        writes = {(tool.server, tool.tool) for tool in self.tools.values()}
        for name, tool in self.tools.items():
            if tool.server not in self.servers:
                there = ", ".join(sorted(self.servers)) or "none"
                raise ValueError(f"tools.{name}: there is no server {tool.server!r}; there are: {there}")
            reads = {(tool.server, reading.tool) for _, reading in tool.looks()}
            if both := sorted(one for _, one in reads & writes):
                raise ValueError(f"tools.{name}: {both[0]} cannot both read and write")
            if tool.undo is not None and tool.undo not in self.tools:
                raise ValueError(f"tools.{name}: there is no tool {tool.undo!r} to undo it")
        return self


class McpKubernetesConfig(ExecutorConfig):
    """Of `awoooi mcp-kubernetes`: its own log-ins, and what it offers."""

    setting: ClassVar[str] = "AWOOOI_MCP_KUBERNETES_CLUSTERS"

    operations: tuple[Operation, ...] = Field((), description="that it offers; none: all on Kubernetes")

    @model_validator(mode="after")
    def _are_on_kubernetes(self) -> Self:
        for operation in self.operations:
            if operation not in OPERATIONS:
                raise ValueError(f"{operation} is none; there are: {', '.join(OPERATIONS)}")
        return self


def _is_bare(url: str) -> bool:
    return urlsplit(url).scheme == "http" and urlsplit(url).hostname not in LOOPBACK
