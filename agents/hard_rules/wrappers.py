"""Programs that run other programs: what they would run is judged in their place."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.given import read
from agents.hard_rules.hits import Rule
from agents.hard_rules.managers import manage
from agents.hard_rules.paths import is_secret
from agents.hard_rules.streams import EMPTY, SOMETHING, Stream

# Their options with a value, and how many words come before the program.
PREFIXES: Mapping[str, tuple[str, int]] = {
    "sudo": ("u user g group h host p prompt C close-from D chdir R chroot r role t type T U other-user", 0),
    "doas": ("u C", 0),
    "pkexec": ("user", 0),
    "nohup": ("", 0),
    "nice": ("n adjustment", 0),
    "ionice": ("c class n classdata p pid P u", 0),
    "chrt": ("T P D", 1),
    "taskset": ("", 1),
    "timeout": ("s signal k kill-after", 1),
    "gtimeout": ("s signal k kill-after", 1),
    "time": ("f format o output", 0),
    "stdbuf": ("i input o output e error", 0),
    "unbuffer": ("", 0),
    "setsid": ("", 0),
    "setarch": ("", 1),
    "linux64": ("", 0),
    "command": ("", 0),
    "builtin": ("", 0),
    "exec": ("a", 0),
    "busybox": ("", 0),
    "toybox": ("", 0),
    "chroot": ("userspec groups", 1),
    "unshare": ("S G R wd setuid setgid map-user map-group propagation", 0),
    "nsenter": ("t target S setuid G setgid r root w wd", 0),
    "strace": ("e o p s u E P a b X I S O", 0),
    "ltrace": ("e o p s u a n", 0),
    "gosu": ("", 1),
    "su-exec": ("", 1),
    "tini": ("p e", 0),
    "dumb-init": ("", 0),
    "catchsegv": ("", 0),
    "fakeroot": ("l f i s", 0),
    "proxychains": ("f", 0),
    "proxychains4": ("f", 0),
    "torsocks": ("", 0),
    "sshpass": ("p f d P", 0),
    "systemd-run": (
        "p property u unit uid gid M H on-calendar on-active setenv E slice working-directory",
        0,
    ),
    "systemd-inhibit": ("what who why mode", 0),
    "systemd-nspawn": ("D directory M u user", 0),
    "cpulimit": ("l p e c", 0),
    "numactl": ("C N m p i l physcpubind membind cpunodebind", 0),
    "prlimit": ("p", 0),
    "capsh": ("", 0),
    "firejail": ("", 0),
    "bwrap": ("bind ro-bind dev proc tmpfs chdir setenv", 0),
    "perf": ("e o p F", 1),
    "rlwrap": ("", 0),
    "doppler": ("p project c config t token", 1),
    "aws-vault": ("", 2),
    "chamber": ("", 2),
    "dotenv": ("f e", 0),
    "direnv": ("", 2),
    "caffeinate": ("", 0),
    "coproc": ("", 0),
    "noglob": ("", 0),
    "nocorrect": ("", 0),
    "entr": ("", 0),
}
SUBCOMMAND = {
    "doppler": "run",
    "perf": "record stat trace",
    "direnv": "exec",
    "aws-vault": "exec",
    "chamber": "exec",
}


def prefix(call: Call) -> Stream | None:
    values, skipped = PREFIXES[call.program]
    if call.program in SUBCOMMAND and (not call.args or call.args[0] not in SUBCOMMAND[call.program].split()):
        return manage(call)
    given = read(call.args, values.split(), stops=True)
    if call.program == "sudo" and any(name in ("e", "edit") for name, _ in given.options):
        return _sudoedit(call, given.rest)
    if any(name in ("v", "V") for name, _ in given.options) and call.program == "command":
        return None
    rest = given.rest[skipped:]
    while rest and re.fullmatch(r"[A-Za-z_]\w*=.*", rest[0], re.DOTALL):
        rest = rest[1:]
    if rest[:1] == ["--"]:
        rest = rest[1:]
    return call.run(rest) if rest else _rooted(call, given.options)


def _rooted(call: Call, options: list[tuple[str, str | None]]) -> Stream | None:
    """`sudo -i`, `sudo su`, `nsenter -t 1`: a shell of root with nothing in it yet."""
    if call.program in ("sudo", "doas") and any(name in ("i", "s", "login", "shell") for name, _ in options):
        if call.stdin.text is None:
            call.hit(Rule.ROOT)
        elif call.stdin.text:
            call.script(call.stdin.text)
    if call.program == "nsenter":
        call.hit(Rule.ROOT)
    return None


def _sudoedit(call: Call, files: list[str]) -> Stream | None:
    for file in files:
        if is_secret(file) or file.startswith("/etc/"):
            call.hit(Rule.SYSTEM_FILES)
    return EMPTY


def env(call: Call) -> Stream | None:
    given = read(call.args, ("u", "unset", "C", "chdir", "S", "split-string"), stops=True)
    scope = call.scope.child()
    rest = [*given.rest]
    split = given.last("S", "split-string")
    while rest and "=" in rest[0]:
        name, _, value = rest.pop(0).partition("=")
        scope.set(name, (value,))
    if rest[:1] == ["--"]:
        rest = rest[1:]
    if split is not None:
        return call.script(" ".join((split, *rest)))
    if not rest:
        return SOMETHING
    return call.shell.deeper().command(rest, scope, call.stdin, mass=call.mass)


def su(call: Call) -> Stream | None:
    given = read(call.args, ("c", "command", "s", "shell", "g", "group", "G", "u", "user"))
    for text in given.all("c", "command"):
        call.script(text)
    if not given.all("c", "command"):
        rest = given.rest or (given.words[1:] if call.program == "runuser" and given.all("u", "user") else [])
        if rest:
            return call.run(rest)
        if call.stdin.text:
            return call.script(call.stdin.text, stdin=EMPTY)
        call.hit(Rule.ROOT)
    return SOMETHING


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = dict.fromkeys(PREFIXES, prefix)
    handlers |= dict.fromkeys(("su", "runuser"), su)
    return handlers | {"env": env}
