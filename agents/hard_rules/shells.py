"""Shells and what is built into them: whatever text they are given is read as a script."""

from __future__ import annotations

import re

from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.expand import SPLIT
from agents.hard_rules.given import read
from agents.hard_rules.hits import FETCHED, OUTPUT, SIFTED, Rule
from agents.hard_rules.pure import decoded
from agents.hard_rules.streams import EMPTY, SOMETHING, Stream

SHELLS = (
    "sh",
    "bash",
    "dash",
    "zsh",
    "ksh",
    "mksh",
    "ash",
    "fish",
    "rbash",
    "csh",
    "tcsh",
    "pwsh",
    "powershell",
    "cmd",
)


def shell(call: Call) -> Stream | None:
    if call.program in ("pwsh", "powershell", "cmd"):
        return windows(call)
    given = read(_minus_plus(call.args), ("o", "O", "rcfile", "init-file", "c"), stops=True)
    if (text := given.last("c", "command")) is None and any(name == "c" for name, _ in given.options):
        return None
    if text is not None:
        scope = call.scope.child(arguments=tuple(given.rest[1:]))
        return call.shell.deeper().script(text, scope, call.stdin, mass=call.mass)
    if given.wants_help:
        return EMPTY
    if given.rest and not given.has("s"):
        return _script_file(call, given.rest)
    if any(name == "i" for name, _ in given.options) and call.stdin.text is None:
        call.hit(Rule.REMOTE_SHELL)
    return standard_input(call)


def _minus_plus(args: tuple[str, ...]) -> list[str]:
    """`-lc TEXT` and `-c -l TEXT`: the text is the first word after all options."""
    args_ = list(args)
    for at, arg in enumerate(args_):
        if not arg.startswith(("-", "+")) or arg == "--":
            break
        if re.fullmatch(r"-[a-zA-Z]*c[a-zA-Z]*", arg):
            flags = arg.replace("c", "", 1)
            rest = args_[at + 1 :]
            more = []
            while rest and rest[0].startswith(("-", "+")) and rest[0] not in ("-", "--"):
                more.append(rest.pop(0))
                if more[-1] in ("-o", "+o", "-O", "+O") and rest:
                    more.append(rest.pop(0))
            if rest[:1] == ["--"]:
                rest.pop(0)
            return [*args_[:at], *([flags] if flags != "-" else []), *more, "-c", *rest[:1], "--", *rest[1:]]
    return args_


def _script_file(call: Call, rest: list[str]) -> Stream | None:
    name = rest[0]
    if name in ("-", "/dev/stdin"):
        return standard_input(call)
    if FETCHED in name:
        call.hit(Rule.FETCH_AND_RUN)
    file = call.scope.files.get(name)
    return run_stream(call, file) if file is not None else SOMETHING


def standard_input(call: Call) -> Stream | None:
    return run_stream(call, call.stdin)


def run_stream(call: Call, stream: Stream) -> Stream | None:
    if stream.text is not None:
        return call.script(stream.text, stdin=EMPTY)
    call.hit(Rule.FETCH_AND_RUN if stream.fetched else Rule.OPAQUE)
    return SOMETHING


def windows(call: Call) -> Stream | None:
    """PowerShell and cmd: their own words for removal, and `-EncodedCommand`."""
    text = " ".join(call.args)
    encoded = re.search(r"-e(?:nc?|ncod\w*|c)?\s+([A-Za-z0-9+/=]{8,})", text, re.IGNORECASE)
    text += " " + (decoded(encoded[1], "base64") or "") if encoded else ""
    if re.search(r"\b(remove-item|rm|rmdir|rd|del|erase|ri)\b.*(-r|/s|-fo)", text, re.IGNORECASE):
        call.hit(Rule.REMOVAL)
    if re.search(
        r"\b(format-volume|clear-disk|initialize-disk|diskpart|format\s+[a-z]:)", text, re.IGNORECASE
    ):
        call.hit(Rule.RAW_DISK)
    if re.search(r"\b(iex|invoke-expression|downloadstring|invoke-webrequest|iwr)\b", text, re.IGNORECASE):
        call.hit(Rule.FETCH_AND_RUN)
    if re.search(r"\b(stop-computer|restart-computer|stop-service|shutdown)\b", text, re.IGNORECASE):
        call.hit(Rule.OUTAGE)
    return SOMETHING


def evaluate(call: Call) -> Stream | None:
    text = " ".join(call.args[1:] if call.args[:1] == ("--",) else call.args)
    return call.shell.deeper().script(text, call.scope, call.stdin, mass=call.mass) if text.strip() else EMPTY


def source(call: Call) -> Stream | None:
    if not call.args:
        return EMPTY
    name = call.args[0]
    if name == "/dev/stdin":
        return standard_input(call)
    file = call.scope.files.get(name)
    if FETCHED in name:
        call.hit(Rule.FETCH_AND_RUN)
    return run_stream(call, file) if file is not None else EMPTY


def unset(call: Call) -> Stream | None:
    for name in call.args:
        if re.fullmatch(r"[A-Za-z_]\w*", name):
            call.scope.set(name, ("",))
    return EMPTY


def trap(call: Call) -> Stream | None:
    words = [arg for arg in call.args if not arg.startswith("-")]
    return call.script(words[0]) if len(words) > 1 and words[0] else EMPTY


def alias(call: Call) -> Stream | None:
    for arg in call.args:
        name, equals, text = arg.partition("=")
        if equals:
            call.scope.aliases[name] = text
    return EMPTY


def declare(call: Call) -> Stream | None:
    for at, arg in enumerate(call.args):
        if arg.endswith("=") and call.args[at + 1 :]:  # `declare -a x=(…)`: the parser puts the list behind
            call.scope.set(arg[:-1], (SPLIT.join(call.args[at + 1 :]),))
            return EMPTY
        if found := re.fullmatch(r"([A-Za-z_]\w*)(\+?)=(.*)", arg, re.DOTALL):
            call.scope.set(found[1], (found[3],), appends=bool(found[2]))
    return EMPTY


def read_variables(call: Call) -> Stream | None:
    names = read(call.args, ("a", "d", "i", "n", "N", "p", "t", "u")).words
    text = call.stdin.text
    words = text.split() if text is not None else []
    for at, name in enumerate(names):
        left = words[at:] if at == len(names) - 1 else words[at : at + 1]
        known = (" ".join(left),) if text is not None else (SIFTED if call.stdin.sifted else OUTPUT,)
        if re.fullmatch(r"[A-Za-z_]\w*", name):
            call.scope.set(name, known)
    return EMPTY


def scheduled(call: Call) -> Stream | None:
    """at and batch read what they will run."""
    if any(arg in ("-l", "-q", "--version") for arg in call.args) or call.program == "atq":
        return SOMETHING
    return run_stream(call, call.stdin) if call.stdin.text != "" else EMPTY


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = dict.fromkeys(SHELLS, shell)
    handlers |= dict.fromkeys(("declare", "typeset", "local", "export", "readonly", "setenv"), declare)
    handlers |= dict.fromkeys(("at", "batch", "atq"), scheduled)
    handlers |= dict.fromkeys((".", "source"), source)
    return handlers | {"eval": evaluate, "trap": trap, "alias": alias, "read": read_variables, "unset": unset}
