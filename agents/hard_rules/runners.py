"""Programs that run others many times, later, or elsewhere."""

from __future__ import annotations

import re
from itertools import pairwise

from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.given import read
from agents.hard_rules.hits import SIFTED, Rule, is_known, listed
from agents.hard_rules.managers import manage
from agents.hard_rules.paths import is_scratch, is_secret
from agents.hard_rules.shells import run_stream
from agents.hard_rules.streams import EMPTY, SOMETHING, Stream

SCHEDULED = re.compile(r"\s*(?:@\w+|(?:[\d*/,\-A-Za-z]+\s+){5})\s*(\S.*)")


def xargs(call: Call) -> Stream | None:
    values = listed("I n L P d s a E max-args max-procs delimiter arg-file replace max-lines")
    given = read(call.args, values, stops=True)
    rest = given.rest or ["echo"]
    text = call.stdin.text
    items = (
        re.split(r"[\s\0,]+" if given.last("d") else r"[\s\0]+", text.strip())
        if text is not None
        else [call.stdin.as_text]
    )
    items = [item.strip("'\"") for item in items if item][:40]
    counted = (text is not None and is_known(text)) or call.stdin.sifted
    mark = given.last("I", "replace") or (
        "{}" if any(n in ("i", "I", "replace") for n, _ in given.options) else ""
    )
    if mark:
        for item in items:
            call.run([arg.replace(mark, item) for arg in rest], stdin=EMPTY, mass=not counted)
        return SOMETHING
    return call.run([*rest, *items], stdin=EMPTY, mass=not counted)


def parallel(call: Call) -> Stream | None:
    given = read(call.args, ("j", "jobs", "S", "sshlogin", "n", "a", "colsep"), stops=True)
    words = given.rest
    at = next((at for at, word in enumerate(words) if word in (":::", "::::")), len(words))
    if at == 0:
        return call.script("\n".join(words[1:]))
    items = words[at + 1 :] or [call.stdin.as_text]
    for item in items[:40]:
        text = " ".join(words[:at])
        call.script(text.replace("{}", item) if "{}" in text else f"{text} {item}", mass=not is_known(item))
    return SOMETHING


def find(call: Call) -> Stream | None:
    args = list(call.args)
    starts = next((at for at, arg in enumerate(args) if arg.startswith(("-", "(", "!"))), len(args))
    roots = args[:starts] or ["."]
    if "-exec" in args and any(map(is_secret, _named(args))):
        call.hit(Rule.SECRETS)
    at = starts
    while at < len(args):
        arg = args[at].lower()
        at += 1
        if arg == "-delete" and not all(map(_is_scratch_root, roots)):
            call.hit(Rule.REMOVAL)
        elif arg in ("-exec", "-execdir", "-ok", "-okdir", "-x", "--exec", "--exec-batch"):
            end = next((e for e in range(at, len(args)) if args[e] in (";", "+")), len(args))
            _find_runs(call, roots, args[at:end])
            at = end + 1
        elif (
            arg in ("-fprint", "-fls", "-fprintf", "-fprint0")
            and at < len(args)
            and args[at].startswith("/etc")
        ):
            call.hit(Rule.SYSTEM_FILES)
    return None


def _named(args: list[str]) -> list[str]:
    return [value for option, value in pairwise(args) if option in ("-name", "-path", "-iname")]


def _is_scratch_root(root: str) -> bool:
    return is_scratch(root) or is_scratch(f"{root.rstrip('/')}/found")


def _find_runs(call: Call, roots: list[str], argv: list[str]) -> None:
    removes = argv[:1] and argv[0].rpartition("/")[2] in ("rm", "unlink", "shred", "rmdir", "srm")
    if removes and not all(map(_is_scratch_root, roots)):
        call.hit(Rule.REMOVAL)
    for root in roots:
        found = root.rstrip("/") + "/" + SIFTED
        found_many = not _is_scratch_root(root)
        call.run([arg.replace("{}", found) for arg in argv], stdin=EMPTY, mass=found_many)


def script_option(values: str, names: tuple[str, ...], words: int | None = None) -> Handler:
    """Programs that take shell text as an option's value, or as all words from a place on."""

    def handle(call: Call) -> Stream | None:
        given = read(call.args, (*values.split(), *names), stops=words is not None)
        for text in given.all(*names):
            call.script(text)
        rest = given.rest[words:] if words is not None else []
        if rest and not given.all(*names):
            call.script(" ".join(rest)) if len(rest) == 1 else call.run(rest)
        return SOMETHING

    return handle


def remote(call: Call) -> Stream | None:
    """ssh: the words after the host are joined and read by a shell there."""
    values = listed("b c D E e F I i J L l m O o p Q R S W w B")
    given = read(call.args, values, stops=True)
    for option in given.all("o"):
        name, _, value = option.partition("=")
        if (
            name.strip().lower() in ("proxycommand", "localcommand", "knownhostscommand")
            and value.strip() != "none"
        ):
            call.script(value.replace("%h", "host").replace("%p", "22"))
    if given.all("R") and not given.rest[1:]:
        call.hit(Rule.REMOTE_SHELL)
    words = given.rest[1:]
    # options may also follow the host
    after = read(words, values, stops=True) if words and words[0].startswith("-") else None
    words = after.rest if after else words
    if words:
        return call.script(" ".join(words))
    if call.stdin.text is None:
        return run_stream(call, call.stdin) if call.stdin.fetched else SOMETHING
    return call.script(call.stdin.text, stdin=EMPTY)


def crontab(call: Call) -> Stream | None:
    given = read(call.args, ("u",))
    if given.has("r"):
        call.hit(Rule.DATA_LOSS)
    elif call.stdin.fetched:
        call.hit(Rule.FETCH_AND_RUN)
    elif not given.has("l"):
        for line in (call.stdin.text or "").split("\n"):
            if found := SCHEDULED.match(line):
                call.script(found[1], stdin=EMPTY)
    return Stream(None)


def watch(call: Call) -> Stream | None:
    given = read(call.args, ("n", "interval"), stops=True)
    return call.script(" ".join(given.rest)) if given.rest else EMPTY


def _tmux(call: Call) -> Stream | None:
    for at, arg in enumerate(call.args):
        if at and " " in arg:
            call.script(arg)
    if call.args[:1] == ("send-keys",):
        call.script(" ".join(a for a in call.args[1:] if a not in ("Enter", "C-m") and not a.startswith("-")))
    return SOMETHING


def _lxc(call: Call) -> Stream | None:
    if call.args[:1] == ("exec",) and "--" in call.args:
        return call.run(call.args[call.args.index("--") + 1 :])
    return manage(call)


def _vagrant(call: Call) -> Stream | None:
    given = read(call.args, ("c", "command"))
    for text in given.all("c", "command"):
        call.script(text)
    return manage(call)


def _flock(call: Call) -> Stream | None:
    given = read(call.args, ("c", "command", "w", "timeout", "E"))
    for text in given.all("c", "command"):
        call.script(text)
    rest = read(call.args, ("w", "timeout", "E"), stops=True).rest[1:]
    return SOMETHING if given.all("c", "command") or not rest else call.run(rest)


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = dict.fromkeys(("ssh", "mosh", "autossh", "slogin", "rsh"), remote)
    return handlers | {
        "xargs": xargs,
        "parallel": parallel,
        "find": find,
        "fd": find,
        "crontab": crontab,
        "watch": watch,
        "flock": _flock,
        "script": script_option("T log-timing", ("c", "command")),
        "screen": script_option("S c t X", (), 0),
        "tmux": _tmux,
        "pssh": script_option("h H l p o e t", (), 0),
        "pdsh": script_option("w x l u f", (), 0),
        "salt": script_option("t", (), 2),
        "expect": script_option("f", ("c",)),
        "start-stop-daemon": script_option("n p u c d x", ("exec", "startas"), None),
        "lxc": _lxc,
        "vagrant": _vagrant,
    }
