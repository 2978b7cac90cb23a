"""Programs in other languages on a command line: what they call, and the shell text that they start."""

from __future__ import annotations

import re

from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.given import read
from agents.hard_rules.hits import FETCHED, OUTPUT, Rule, Unreadable, is_known
from agents.hard_rules.paths import is_scratch, is_secret
from agents.hard_rules.python_code import MOST, judge_python
from agents.hard_rules.streams import SOMETHING, Stream

RUNS = re.compile(
    (
        r"\b(system|exec\w*|spawn\w*|popen\w*|shell_exec|passthru|proc_open|pcntl_exec|fork|"
        r"capture[23]e?|pipeline|qx|syscall|"
        r"child_process|Runtime|ProcessBuilder|IO\.popen|Open3|os\.execute|io\.popen)\b|"
        r"`[^`]+`|%x[({\[]|\|\s*getline|\bKernel\b"
    ),
    re.IGNORECASE,
)
REMOVES = re.compile(
    (
        r"\b(unlink\w*|rm_rf?|rm_r|rmtree|remove_tree|remove_entry\w*|rmSync|rmdir\w*|"
        r"rmdirSync|delete_all|remove_dir|"
        r"deltree|File\.delete|FileUtils\.rm\w*|Dir\.(rmdir|delete|unlink)|os\.remove|Deno\.remove\w*|fs\.(rm|"
        r"unlink|truncate)\w*|truncate)\b"
    ),
    re.IGNORECASE,
)
HIDES = re.compile(
    (
        r"\b(eval|assert|create_function|Function|unpack|base64_decode|atob|from_base64|"
        r"decode_base64|pack|load(string)?)\s*[\( ]"
    ),
    re.IGNORECASE,
)
SED_RUNS = re.compile(
    r"(?:^|[;{}\n]|(?<=[\d$/!]))\s*s([^\w\s\\])(?:\\.|(?!\1).)*\1(?:\\.|(?!\1).)*\1[gpiImM0-9]*e"
)
OPENS = re.compile(
    r"\b(TCPSocket|IO::Socket|fsockopen|net\.connect|Socket|pty\.spawn|createConnection|"
    r"AF_INET|inet/tcp)\b|require\(['\"]net['\"]\)"
)
DELETES_REMOTELY = re.compile(
    r"\b(dropDatabase|deleteMany|clearObjects|deleteIndex|flushall|dropIndexes|drop)\s*\(", re.IGNORECASE
)
STRINGS = re.compile(
    r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"|`((?:[^`\\]|\\.)*)`|%x?[({\[]([^)}\]]*)[)}\]]|\bqx?q?[({/]([^)}/]*)[)}/]",
    re.DOTALL,
)


def python(call: Call) -> Stream | None:
    args = list(call.args)
    for at, arg in enumerate(args):
        if re.fullmatch(r"-[bBdEhiIOqsSuvVx]*c", arg):
            judge_python(call, args[at + 1] if at + 1 < len(args) else "")
            return SOMETHING
        if arg.startswith("-c") and len(arg) > 2:
            judge_python(call, arg[2:])
            return SOMETHING
        if arg == "-m":
            return _module(call, args[at + 1 :])
        if arg in ("-W", "-X"):
            continue
        if not arg.startswith("-"):
            file = call.scope.files.get(arg) if arg != "-" else call.stdin
            return _program(call, file) if file is not None else SOMETHING
    return _program(call, call.stdin) if not {"-V", "--version", "-h", "--help"} & set(args) else SOMETHING


def _module(call: Call, rest: list[str]) -> Stream | None:
    if rest and rest[0] in ("pip", "ensurepip"):
        return call.run(rest)
    if rest and rest[0] == "http.server":
        call.hit(Rule.REMOTE_SHELL)
    return SOMETHING


def _program(call: Call, source: Stream) -> Stream | None:
    if source.text is None:
        if source.fetched or not call.args:
            call.hit(Rule.FETCH_AND_RUN if source.fetched else Rule.OPAQUE)
        return SOMETHING
    if source.text.strip():
        judge_python(call, source.text) if call.program in ("python", "python3", "pypy") else judge_code(
            call, source.text
        )
    return SOMETHING


def judge_code(call: Call, text: str) -> None:
    """Any other language: names of functions outside of strings, and the strings that they are given."""
    if len(text) > MOST:
        raise Unreadable("a program that is too long")
    if not is_known(text) and not set(text) - {OUTPUT, FETCHED}:
        call.hit(Rule.FETCH_AND_RUN if FETCHED in text else Rule.OPAQUE)
        return
    strings = [
        next((group for group in found.groups() if group is not None), "") for found in STRINGS.finditer(text)
    ]
    bare = STRINGS.sub(lambda found: "`x`" if found[0].startswith("`") else "''", text)
    if any(is_secret(string) for string in strings if len(string) < 200):
        call.hit(Rule.SECRETS)
    if REMOVES.search(bare) and not (strings and all(map(is_scratch, strings))):
        call.hit(Rule.REMOVAL)
    if OPENS.search(text):
        call.hit(Rule.REMOTE_SHELL)
    if HIDES.search(bare) or DELETES_REMOTELY.search(bare):
        call.hit(Rule.OPAQUE if HIDES.search(bare) else Rule.DATA_LOSS)
    if RUNS.search(bare) or (RUNS.search(text) and "`" in text):
        _strings_run(call, strings)


def _strings_run(call: Call, strings: list[str]) -> None:
    started = [
        string
        for string in strings
        if re.search(r"[a-z]", string) and string not in ("child_process", "fileutils", "open3")
    ]
    if not started:
        call.hit(Rule.OPAQUE)
    for string in started:
        call.script(re.sub(r"\\(['\"\\])", r"\1", string))
    if len(started) > 1:
        call.run(started)


def interpreter(options: str) -> Handler:
    """Languages whose program is the value of one of these options."""
    names = options.split()

    def handle(call: Call) -> Stream | None:
        values = list(call.args)
        found = False
        for at, arg in enumerate(values):
            if any(
                re.fullmatch(rf"-[a-zA-Z0-9]*{name}" if len(name) == 1 else rf"--?{name}", arg)
                for name in names
            ) and at + 1 < len(values):
                judge_code(call, values[at + 1])
                found = True
            elif any(len(name) > 1 and arg.startswith(f"--{name}=") for name in names):
                judge_code(call, arg.partition("=")[2])
                found = True
        words = [arg for arg in values if not arg.startswith("-")]
        if words[:1] == ["eval"] and len(words) > 1:
            judge_code(call, words[1])
            return SOMETHING
        if (not found and not words) or values == ["-"]:
            return _program(call, call.stdin)
        if not found and (file := call.scope.files.get(words[0])) is not None:
            return _program(call, file)
        return SOMETHING

    return handle


def awk(call: Call) -> Stream | None:
    given = read(call.args, ("F", "v", "f", "e", "assign", "field-separator", "file", "source"))
    texts = given.all("e", "source") or given.words[:1]
    for text in texts:
        bare = re.sub(r"\"(?:[^\"\\]|\\.)*\"", '""', text)
        strings = re.findall(r"\"((?:[^\"\\]|\\.)*)\"", text)
        if re.search(r"\bsystem\s*\(", bare):
            known = re.findall(r"\bsystem\s*\(\s*\"((?:[^\"\\]|\\.)*)\"", text)
            for string in known:
                call.script(string.replace('\\"', '"') + " " + OUTPUT, mass=True)
            if not known:
                call.hit(Rule.OPAQUE)
        for string in re.findall(r"\|&?\s*\"((?:[^\"\\]|\\.)*)\"", text) + re.findall(
            r"\"((?:[^\"\\]|\\.)*)\"\s*\|&?\s*getline", text
        ):
            if re.fullmatch(r"\s*(/bin/|/usr/bin/)?(ba|da|z|k)?sh\b.*", string):
                for inner in strings:
                    call.script(inner.replace('\\"', '"')) if inner != string else None
                call.hit(Rule.OPAQUE)
            else:
                call.script(string)
        if "/inet/" in text:
            call.hit(Rule.REMOTE_SHELL)
    return _reader_after(call, given.words[1:])


def _reader_after(call: Call, paths: list[str]) -> Stream | None:
    if any(map(is_secret, paths)):
        call.hit(Rule.SECRETS)
    return None


def sed(call: Call) -> Stream | None:
    given = read(call.args, ("e", "f", "expression", "file", "l"))
    scripts = given.all("e", "expression") or given.words[:1]
    for text in scripts:
        for piece in re.split(r"[;\n]", text):
            if found := re.match(r"\s*(?:\d+|\$|/[^/]*/)?(?:,(?:\d+|\$|/[^/]*/))?\s*e(?:\s+(.*))?$", piece):
                call.script(found[1]) if found[1] else call.hit(Rule.OPAQUE)
        if SED_RUNS.search(text):
            call.hit(Rule.OPAQUE)
    in_place = any(name in ("i", "in-place") for name, _ in given.options)
    files = given.words if given.all("e", "expression", "f", "file") else given.words[1:]
    if in_place and any(
        re.match(r"/etc/(passwd|shadow|sudoers|group|pam|ssh)|/boot/", path) or is_secret(path)
        for path in files
    ):
        call.hit(Rule.SYSTEM_FILES)
    return _reader_after(call, files)


def editor(call: Call) -> Stream | None:
    """vi, ed, less and their like: `!` starts a shell."""
    for arg in [*call.args, *((call.stdin.text or "").split("\n"))]:
        if found := re.match(r"[-+c]*:?\s*(?:silent\s+)?[rw]?!\s*(\S.*)", arg):
            call.script(found[1].removesuffix(" -c :q"))
        elif re.search(r":?(py3?|lua|perl|ruby) .*\b(system|exec|popen|call)\b", arg):
            call.hit(Rule.OPAQUE)
    return _reader_after(call, [arg for arg in call.args if not arg.startswith(("-", "+", ":"))])


def gdb(call: Call) -> Stream | None:
    for arg in call.args:
        if found := re.match(r"(?:-ex=)?\s*(?:!|shell\s+)(.+)", arg):
            call.script(found[1])
        elif re.match(r"(?:-ex=)?\s*(python|call|print \(?int\)?system)", arg):
            call.hit(Rule.OPAQUE)
    return SOMETHING


def make(call: Call) -> Stream | None:
    given = read(call.args, ("f", "C", "j", "file", "directory", "eval", "E", "I", "o", "W"))
    for text in given.all("eval", "E"):
        call.hit(Rule.OPAQUE) if "$(shell" in text else [
            call.script(line.strip().lstrip("@-")) for line in re.split(r"\n\t|:\s*;|;", text)[1:]
        ]
    if given.last("f", "file") == "-" and call.stdin.text:
        for line in call.stdin.text.split("\n"):
            if line.startswith("\t"):
                call.script(line.strip().lstrip("@-"))
    return SOMETHING


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = dict.fromkeys(("python", "python2", "python3", "pypy", "pypy3"), python)
    handlers |= dict.fromkeys(("awk", "gawk", "mawk", "nawk"), awk)
    handlers |= dict.fromkeys(
        ("vi", "vim", "ed", "ex", "view", "nvim", "rvim", "less", "more", "man", "emacs"), editor
    )
    handlers |= dict.fromkeys(("perl", "raku"), interpreter("e E"))
    handlers |= dict.fromkeys(("ruby", "irb", "jruby"), interpreter("e"))
    handlers |= dict.fromkeys(("node", "nodejs", "bun", "deno", "iojs"), interpreter("e p eval print"))
    return handlers | {
        "php": interpreter("r B R E"),
        "lua": interpreter("e"),
        "luajit": interpreter("e"),
        "rscript": interpreter("e"),
        "tclsh": interpreter("c"),
        "jshell": interpreter("e"),
        "groovy": interpreter("e"),
        "osascript": interpreter("e"),
        "sed": sed,
        "gsed": sed,
        "gdb": gdb,
        "lldb": gdb,
        "make": make,
        "gmake": make,
    }
