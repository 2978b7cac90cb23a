"""What a hard rule is, what breaks one, and how much work a text may cause."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

MOST_CHARACTERS = 65_536
MOST_NESTING = 30
MOST_STEPS = 4_000
MOST_EXPANDED = 1_000_000
EXCERPT = 100


def listed(text: str) -> frozenset[str]:
    """A list of words, as people write one."""
    return frozenset(text.split())


class Rule(StrEnum):
    UNPARSABLE = "unparsable"
    OPAQUE = "opaque"
    SQL_UNBOUNDED = "sql_without_where"
    SQL_DROP = "sql_drop"
    SQL_TRUNCATE = "sql_truncate"
    SQL_SERVER = "sql_server"
    SQL_PRIVILEGE = "sql_privilege"
    KUBE_DELETE = "kubernetes_delete"
    KUBE_ALL = "kubernetes_all"
    KUBE_PRIVILEGE = "kubernetes_privilege"
    SCALE_TO_ZERO = "scale_to_zero"
    FORCE_DELETE = "force_delete"
    DRAIN = "drain"
    REMOVAL = "recursive_removal"
    RAW_DISK = "format_or_raw_disk"
    SYSTEM_FILES = "system_files"
    FETCH_AND_RUN = "fetch_and_run"
    SECRETS = "secrets_access"
    REMOTE_SHELL = "remote_shell"
    DATA_LOSS = "data_loss"
    OUTAGE = "outage"
    LOCK_OUT = "lock_out"
    ROOT = "root_of_the_host"
    MASS = "mass_change"


SAYS: Mapping[Rule, str] = {
    Rule.UNPARSABLE: "It cannot be read as a command, so nobody can say what it would do",
    Rule.OPAQUE: "What would run is only known when it runs",
    Rule.SQL_UNBOUNDED: "It changes or deletes every row, because no WHERE bounds it",
    Rule.SQL_DROP: "It drops something of the database",
    Rule.SQL_TRUNCATE: "It empties a table",
    Rule.SQL_SERVER: "It stops, locks or rewrites the database server or what it keeps",
    Rule.SQL_PRIVILEGE: "It hands out or takes away rights over the whole database",
    Rule.KUBE_DELETE: "It deletes what cannot simply be made again",
    Rule.KUBE_ALL: "It acts on everything of a kind at once",
    Rule.KUBE_PRIVILEGE: "It gives rights over the cluster or a node",
    Rule.SCALE_TO_ZERO: "It scales to zero",
    Rule.FORCE_DELETE: "It forces a deletion past the safeguards",
    Rule.DRAIN: "It drives the pods off a node",
    Rule.REMOVAL: "It removes whole trees of files",
    Rule.RAW_DISK: "It formats a disk or writes to it below the file system",
    Rule.SYSTEM_FILES: "It changes files that the system needs",
    Rule.FETCH_AND_RUN: "It runs what it fetches from the network",
    Rule.SECRETS: "It reads or changes secrets",
    Rule.REMOTE_SHELL: "It opens a shell or a way in from outside",
    Rule.DATA_LOSS: "It destroys stored data",
    Rule.OUTAGE: "It stops a service or a machine",
    Rule.LOCK_OUT: "It can lock people or machines out",
    Rule.ROOT: "It takes root rights or opens the host",
    Rule.MASS: "It changes as many things as it happens to find",
}


@dataclass(frozen=True, slots=True)
class Hit:
    """A rule and the piece of text that breaks it."""

    rule: Rule
    what: str

    @property
    def why(self) -> str:
        what = " ".join(self.what.split())
        shown = what if len(what) <= EXCERPT else what[: EXCERPT - 1] + "…"
        return f"{SAYS[self.rule]}: {shown}" if shown else f"{SAYS[self.rule]}."


class Unreadable(ValueError):
    """The text does not parse, or is too long or too deep; never leaves this folder."""


@dataclass(slots=True)
class Budget:
    """Bounds the work that one text causes, whatever it holds."""

    steps: int = MOST_STEPS
    characters: int = MOST_EXPANDED
    hits: list[Hit] = field(default_factory=list)

    def step(self) -> None:
        self.steps -= 1
        if self.steps < 0:
            raise Unreadable("too many commands")

    def spend(self, characters: int) -> None:
        self.characters -= characters
        if self.characters < 0:
            raise Unreadable("it expands to too much text")

    def deeper(self, depth: int) -> int:
        if depth >= MOST_NESTING:
            raise Unreadable("nested too deep")
        return depth + 1

    def hit(self, rule: Rule, what: str) -> None:
        found = Hit(rule, show(what))
        if found not in self.hits:
            self.hits.append(found)


# What an expansion gives when its value is known only at run time. They stand in the private use area,
# which no input reaches: text.py takes it out.
UNSET = "\ue000"  # a variable that nobody set, a placeholder
OUTPUT = "\ue001"  # what a command will print
SIFTED = "\ue002"  # the same, after a filter
FETCHED = "\ue003"  # what comes from the network
PRIVATE = "\ue006"  # what a command prints of the environment, of accounts, of a database
UNKNOWN = frozenset((UNSET, OUTPUT, SIFTED, FETCHED, PRIVATE))
RUN_TIME = frozenset((OUTPUT, SIFTED, FETCHED, PRIVATE))


def show(text: str) -> str:
    return "".join("…" if character in UNKNOWN else character for character in text)


def is_known(text: str) -> bool:
    return UNKNOWN.isdisjoint(text)
