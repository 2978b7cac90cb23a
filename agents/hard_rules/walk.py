"""Walks through a script the way a shell would run it, running nothing: every branch, every substitution."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence

from agents.hard_rules import sql
from agents.hard_rules.calls import Call
from agents.hard_rules.expand import SPLIT, Expander
from agents.hard_rules.hits import (
    FETCHED,
    OUTPUT,
    PRIVATE,
    UNKNOWN,
    UNSET,
    Budget,
    Rule,
    Unreadable,
    is_known,
    listed,
)
from agents.hard_rules.paths import is_secret
from agents.hard_rules.programs import HANDLERS, otherwise
from agents.hard_rules.pure import DISCLOSES, FETCHES, SENDS, generates, printed
from agents.hard_rules.shell import parse
from agents.hard_rules.streams import EMPTY, NETWORK, SOMETHING, Scope, Stream
from agents.hard_rules.syntax import (
    Assignment,
    Command,
    Compound,
    Function,
    Pipeline,
    Redirect,
    Script,
    Simple,
    Text,
)
from agents.hard_rules.writes import broken_by

VERSION = re.compile(r"^(python|perl|ruby|php|node|lua|bash|tclsh|psql|pip)[-.\d]*\d$")
LOADED = listed(
    "LD_PRELOAD LD_LIBRARY_PATH LD_AUDIT BASH_ENV ENV PROMPT_COMMAND GIT_SSH_COMMAND PAGER GIT_PAGER EDITOR"
    " PYTHONSTARTUP PS4"
)
WRITABLE = re.compile(r"(?:^|:)(?:/tmp|/var/tmp|/dev/shm|\.|[^/:]*\.so)")
STARTS = re.compile(r"\.(bash|zsh|k?sh)rc$|\.(bash_)?profile$|\.bash_login$|\.zshenv$|/etc/profile")
MOST_CALLS_IN_CALLS = 12


class Interpreter:
    def __init__(self, budget: Budget, depth: int = 0) -> None:
        self.budget, self.depth = budget, depth

    def deeper(self) -> Interpreter:
        if self.depth >= MOST_CALLS_IN_CALLS:
            raise Unreadable("commands within commands go too deep")
        return Interpreter(self.budget, self.depth + 1)

    def sql(self, text: str, scope: Scope) -> None:
        sql.judge(text, self.budget, lambda inner: self.script(inner, scope, EMPTY))

    def script(self, text: str, scope: Scope, stdin: Stream, *, mass: bool = False) -> Stream:
        self.budget.spend(len(text))
        if text.strip() and not set(text.strip()) - UNKNOWN:
            self.budget.hit(Rule.FETCH_AND_RUN if FETCHED in text else Rule.OPAQUE, text)
            return SOMETHING
        return self.walk(parse(text, self.budget, self.depth), scope, stdin, mass=mass)

    # -- the tree

    def walk(self, script: Script, scope: Scope, stdin: Stream = EMPTY, *, mass: bool = False) -> Stream:
        printed_ = [self._pipeline(pipeline, scope, stdin, mass=mass) for pipeline in script.pipelines]
        return together(printed_)

    def _pipeline(self, pipeline: Pipeline, scope: Scope, stdin: Stream, *, mass: bool) -> Stream:
        stream = stdin
        for command in pipeline.commands:
            stream = self._command(command, scope, stream, mass=mass)
        return stream

    def _command(self, command: Command, scope: Scope, stdin: Stream, *, mass: bool) -> Stream:
        self.budget.step()
        if isinstance(command, Function):
            return self._function(command, scope)
        if isinstance(command, Compound):
            return self._compound(command, scope, stdin, mass=mass)
        return self._simple(command, scope, stdin, mass=mass)

    def _function(self, function: Function, scope: Scope) -> Stream:
        """Its body is judged where it stands, and again, with its arguments, where it is called."""
        if starts_itself(function):
            self.budget.hit(Rule.OUTAGE, f"{function.name}() starts itself without end")
            return EMPTY
        before = list(self.budget.hits)
        self.deeper()._command(function.body, scope.child(), EMPTY, mass=False)
        # Which program "$@" names is said by the call.
        self.budget.hits[len(before) :] = [
            h for h in self.budget.hits[len(before) :] if h.rule is not Rule.OPAQUE
        ]
        scope.functions[function.name] = function.body
        return EMPTY

    def _compound(self, compound: Compound, scope: Scope, stdin: Stream, *, mass: bool) -> Stream:
        inner = self.deeper()
        expander = inner._expander(scope)
        stdin = inner._redirected(compound.redirects, expander, scope, stdin)
        values = expander.fields(compound.words) if compound.words else [[]]
        if compound.kind == "for" and compound.variable:
            found = tuple(dict.fromkeys(field for fields in values for field in fields))
            mass = mass or any(
                not set(field).isdisjoint({OUTPUT, FETCHED}) or "*" in field for field in found
            )
            inner._each(compound, scope, stdin, found or (UNSET,), mass=mass)
            return SOMETHING
        if compound.kind == "while":
            mass = mass or (_reads(compound) and stdin.text is None and not stdin.sifted)
        outputs = [inner.walk(body, scope, stdin, mass=mass) for body in compound.bodies]
        stream = together(outputs)
        inner._written(compound.redirects, expander, scope, stream)
        return stream

    def _each(
        self, compound: Compound, scope: Scope, stdin: Stream, found: tuple[str, ...], *, mass: bool
    ) -> None:
        for value in found[:16]:
            scope.variables[compound.variable] = (value,)
            for body in compound.bodies:
                self.walk(body, scope, stdin, mass=mass)

    # -- a simple command

    def _expander(self, scope: Scope) -> Expander:
        def run(script: Script, inside: Scope) -> Stream:
            return self.deeper().walk(script, inside.child(arguments=inside.arguments))

        return Expander(scope, run, self.budget, self.depth)

    def _simple(self, simple: Simple, scope: Scope, stdin: Stream, *, mass: bool) -> Stream:
        expander = self._expander(scope)
        inside = scope if not simple.words else scope.child(arguments=scope.arguments)
        for assignment in simple.assignments:
            self._assign(assignment, self._expander(inside), inside)
        if not simple.words:
            inside = scope
        expander = self._expander(inside)
        stdin = self._redirected(simple.redirects, expander, scope, stdin)
        streams = [
            self.command(argv, scope if not simple.assignments else inside, stdin, mass=mass)
            for argv in _different(expander.fields(simple.words))
        ]
        stream = streams[0] if streams else EMPTY
        self._written(simple.redirects, expander, scope, stream)
        return stream

    def _assign(self, assignment: Assignment, expander: Expander, scope: Scope) -> None:
        expander.values(assignment.subscript)
        if assignment.index == "[]":
            fields = expander.fields(assignment.values)
            values = tuple(SPLIT.join(("", *chosen) if assignment.appends else chosen) for chosen in fields)
        else:
            values = expander.values(assignment.values[0])
        if assignment.name in LOADED:
            self._loaded(assignment.name, values, scope)
        scope.set(assignment.name, values, appends=assignment.appends)

    def _loaded(self, name: str, values: tuple[str, ...], scope: Scope) -> None:
        """Variables whose value is run or loaded by what comes after."""
        for value in values:
            if name.startswith("LD_"):
                if WRITABLE.search(value) or not is_known(value):
                    self.budget.hit(Rule.OPAQUE, f"{name}={value}")
            elif name in ("BASH_ENV", "ENV", "PYTHONSTARTUP"):
                continue
            elif value.strip():
                self.deeper().script(value, scope.child(), EMPTY)

    # -- redirections

    def _redirected(
        self, redirects: Sequence[Redirect], expander: Expander, scope: Scope, stdin: Stream
    ) -> Stream:
        for redirect in redirects:
            if redirect.operator in ("<<", "<<-"):
                stdin = Stream(expander.value(redirect.body)) if redirect.body else EMPTY
            elif redirect.operator == "<<<":
                stdin = Stream(expander.value(redirect.target) + "\n")
            elif redirect.operator in ("<", "<>", "<&"):
                stdin = self._read(expander.value(redirect.target), scope, stdin)
        return stdin

    def _read(self, path: str, scope: Scope, stdin: Stream) -> Stream:
        if path.startswith(("/dev/tcp/", "/dev/udp/")):
            self.budget.hit(Rule.REMOTE_SHELL, path)
        if is_secret(path):
            self.budget.hit(Rule.SECRETS, path)
        return stdin if path.isdigit() else scope.files.get(path, SOMETHING)

    def _written(
        self, redirects: Sequence[Redirect], expander: Expander, scope: Scope, stream: Stream
    ) -> None:
        for redirect in redirects:
            if redirect.operator.startswith("<"):
                continue
            for path in expander.values(redirect.target):
                self._write(path, redirect.operator)
                if STARTS.search(path):
                    self._run_file(stream, path, scope, EMPTY)
                scope.files[path] = stream

    def _write(self, path: str, operator: str) -> None:
        if rule := broken_by(path, appends=operator in (">>", "&>>")):
            self.budget.hit(rule, f"{operator} {path}")

    # -- a program

    def command(self, argv: Sequence[str], scope: Scope, stdin: Stream, *, mass: bool = False) -> Stream:
        self.budget.step()
        self.budget.spend(sum(map(len, argv)))
        if not argv:
            return EMPTY
        name, args = argv[0], tuple(argv[1:])
        if name in scope.functions:
            return self._call_function(name, args, scope, stdin, mass=mass)
        if name in scope.aliases:
            return self._call_alias(name, args, scope, stdin)
        program = program_of(name)
        if re.match(r"[a-z]+://", name):  # an address, alone: no program is called that
            return SOMETHING
        if not is_known(program) or (name != "[" and re.search(r"[*?\[]", name)):
            return self._unknown_program(name, argv)
        if (file := scope.files.get(name)) is not None:
            self._run_file(file, name, scope, stdin)
        spelled = (program, program.partition(".")[0], program.rstrip("0123456789"))
        program = next((spelling for spelling in spelled if spelling in HANDLERS), program)
        call, handler = Call(program, args, stdin, scope, self, mass, name), HANDLERS.get(program)
        self._remember_downloads(program, args, scope)
        stream = handler(call) if handler else otherwise(call)
        if generates(program, args):
            return EMPTY
        if program in FETCHES | SENDS and any(PRIVATE in arg for arg in args):
            self.budget.hit(Rule.REMOTE_SHELL, call.source)
        private = stdin.private or program in DISCLOSES
        if stream is not None and not (stream.text is None and private):
            return stream
        return printed(program, args, stdin, scope)

    def _remember_downloads(self, program: str, args: tuple[str, ...], scope: Scope) -> None:
        if program in FETCHES:
            for url in args:
                if "://" in url and (name := url.rstrip("/").rpartition("/")[2]):
                    scope.files[name] = scope.files[f"./{name}"] = NETWORK

    def _unknown_program(self, name: str, argv: Sequence[str]) -> Stream:
        rule = Rule.FETCH_AND_RUN if FETCHED in name else Rule.OPAQUE
        self.budget.hit(rule, " ".join(argv))
        return SOMETHING

    def _run_file(self, file: Stream, name: str, scope: Scope, stdin: Stream) -> None:
        if file.fetched:
            self.budget.hit(Rule.FETCH_AND_RUN, name)
        elif file.text is not None:
            self.deeper().script(file.text, scope, stdin)

    def _call_alias(self, name: str, args: tuple[str, ...], scope: Scope, stdin: Stream) -> Stream:
        inside = scope.child()
        text = inside.aliases.pop(name)
        return self.deeper().script(" ".join((text, *map(shlex.quote, args))), inside, stdin)

    def _call_function(
        self, name: str, args: tuple[str, ...], scope: Scope, stdin: Stream, *, mass: bool
    ) -> Stream:
        inside = scope.child(arguments=args)
        inside.functions.pop(name)
        return self.deeper()._command(scope.functions[name], inside, stdin, mass=mass)


def together(streams: Sequence[Stream]) -> Stream:
    """What several commands print one after the other; the unknown stands as such among what is known."""
    if len(streams) == 1:
        return streams[0]
    fetched, private = any(s.fetched for s in streams), any(s.private for s in streams)
    if all(stream.text is None for stream in streams) and streams:
        return Stream(None, fetched, streams[-1].sifted, private)
    texts = [stream.as_text if stream.text is not None else f"{stream.as_text}\n" for stream in streams]
    return Stream("".join(texts), fetched, private=private)


def program_of(name: str) -> str:
    """As rules know it: no folder, small letters, no version."""
    base = posixpath.basename(name.replace("\\", "/").rstrip("/")).lower()
    for ending in (".exe", ".sh", ".py") if base.startswith(("kafka-", "zookeeper-", "zkcli")) else (".exe",):
        base = base.removesuffix(ending)
    found = VERSION.match(base)
    return found[1] if found else base


def starts_itself(function: Function) -> bool:
    """A fork bomb: it calls itself more than once."""
    return sum(name == function.name for name in _names(function.body)) > 1


def _names(command: Command) -> Iterator[str]:
    if isinstance(command, Function):
        yield from _names(command.body)
    elif isinstance(command, Compound):
        for body in command.bodies:
            for pipeline in body.pipelines:
                for inner in pipeline.commands:
                    yield from _names(inner)
    elif command.words and isinstance(first := command.words[0][0], Text):
        yield first.value


def _reads(compound: Compound) -> bool:
    return "read" in [
        name for command in compound.bodies[0].pipelines for name in _names(command.commands[0])
    ]


def _different(choices: Sequence[list[str]]) -> list[list[str]]:
    return [list(argv) for argv in dict.fromkeys(map(tuple, choices))]
