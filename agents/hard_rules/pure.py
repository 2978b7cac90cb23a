"""What simple programs print, where that can be told without running them."""

from __future__ import annotations

import base64
import binascii
import re
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import unquote

from agents.hard_rules.expand import TEMPORARY
from agents.hard_rules.given import read
from agents.hard_rules.hits import is_known, listed
from agents.hard_rules.streams import EMPTY, NETWORK, SOMETHING, Scope, Stream
from agents.hard_rules.words import ansi

FETCHES = listed(
    "curl wget http https httpie aria2c lynx links w3m fetch ftp lftp tftp nc ncat "
    "netcat socat dig host nslookup"
    " telnet aws-s3 scp sftp iwr"
)
SIFTS = listed("grep egrep fgrep zgrep rg ag ack awk gawk mawk sed head tail jq yq cut fzf")
QUIET = listed("true : [ test cd pushd popd unset sleep mkdir touch rm mv cp chmod chown ssh-agent ssh-add")
SENDS = listed("ping logger mail sendmail scp rsync ftp")
DISCLOSES = listed("env printenv history tar zip pg_dump pg_dumpall mysqldump mongodump export declare")
# Their output is made to be evaluated, and comes from the program itself.
DAEMONS = re.compile(
    r"postgres(ql)?|postmaster|mysqld?|mariadbd?|mongo[ds]|redis(-server)?|etcd|kubelet|dockerd?|containerd|sshd|systemd"
    r"|kafka|zookeeper|clickhouse(-server)?|rabbitmq(-server)?|beam\.smp|kube-apiserver|cassandra"
)
GENERATORS = listed("completion docker-env podman-env shellenv hook init activate")


def printed(program: str, args: Sequence[str], stdin: Stream, scope: Scope) -> Stream:
    """Standard output. Unknown text keeps what is known of where it comes from."""
    if program in PRINTS and (found := PRINTS[program](args, stdin, scope)) is not None:
        return found if found.text is None or len(found.text) <= 200_000 else SOMETHING
    if program in FETCHES:
        return NETWORK
    if program in QUIET:
        return EMPTY
    sifted = (
        stdin.sifted
        or program in SIFTS
        or any(arg.startswith(("--field-selector", "--selector", "-l")) for arg in args)
    )
    return Stream(None, stdin.fetched, sifted, private=stdin.private or program in DISCLOSES)


def generates(program: str, args: Sequence[str]) -> bool:
    """`kubectl completion bash`, `minikube docker-env`: shell text of its own, to be evaluated."""
    return bool(args) and args[0] in GENERATORS and program not in FETCHES


def _echo(args: Sequence[str], _stdin: Stream, _scope: Scope) -> Stream:
    words = list(args)
    escapes = newline = False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        flags = words.pop(0)
        escapes, newline = escapes or "e" in flags, newline or "n" in flags
    text = " ".join(words)
    # sh's echo reads escapes without being asked to
    if escapes or re.search(r"\\(x|0|[0-7]{3})", text):
        text = ansi(re.sub(r"\\0([0-7]{1,3})", r"\\\1", text))
    return Stream(text + ("" if newline else "\n"))


def _printf(args: Sequence[str], _stdin: Stream, _scope: Scope) -> Stream | None:
    words = list(args[2:]) if args[:1] == ["-v"] else list(args)
    if words[:1] == ["--"]:
        words.pop(0)
    if not words:
        return EMPTY
    form, values = ansi(words[0]), deque(words[1:])
    pieces: list[str] = []
    while True:
        before = len(values)
        pieces.append(_formatted(form, values))
        if not values or len(values) == before:
            return Stream("".join(pieces))


def _formatted(form: str, left: deque[str]) -> str:
    """The format once, with the next values."""

    def one(found: re.Match[str]) -> str:
        if found[1] == "%":
            return "%"
        value = left.popleft() if left else ""
        if found[1] == "b":
            return ansi(re.sub(r"\\0([0-7]{1,3})", r"\\\1", value))
        if found[1] == "c":
            return value[:1]
        if found[1] in "xX" and value.isdigit():
            return f"{int(value[:18]):x}"
        if found[1] == "o" and value.isdigit():
            return f"{int(value[:18]):o}"
        return value

    return re.sub(r"%[-+ #0]*[0-9]*(?:\.[0-9]+)?([%a-zA-Z])", one, form)


def _cat(args: Sequence[str], stdin: Stream, scope: Scope) -> Stream | None:
    names = [arg for arg in args if not arg.startswith("-") or arg == "-"]
    if not names:
        return stdin
    streams = [stdin if name in ("-", "/dev/stdin") else scope.files.get(name, SOMETHING) for name in names]
    if any(stream.text is None for stream in streams):
        private = any(name.startswith("/etc/passwd") for name in names) or stdin.private
        return Stream(None, any(stream.fetched for stream in streams), stdin.sifted, private)
    return Stream("".join(stream.text or "" for stream in streams))


def decoded(text: str, how: str) -> str | None:
    """What an encoding hides; None where it is not of this encoding."""
    squeezed = re.sub(r"\s+", "", text)
    try:
        if how == "hex":
            return binascii.unhexlify(re.sub(r"\\x|0x", "", squeezed)).decode("utf-8", "replace")
        padded = squeezed + "=" * (-len(squeezed) % (8 if how == "base32" else 4))
        raw = (
            base64.b32decode(padded)
            if how == "base32"
            else base64.b64decode(padded.replace("-", "+").replace("_", "/"))
        )
    except (ValueError, binascii.Error):
        return None
    return raw.decode("utf-16-le" if b"\x00" in raw[1::2][:4] else "utf-8", "replace")


def _decoder(how: str) -> Callable[[Sequence[str], Stream, Scope], Stream | None]:
    def decode(args: Sequence[str], stdin: Stream, scope: Scope) -> Stream | None:
        given = read(args, ("w", "wrap", "o", "b"))
        if not any(name in ("d", "D", "decode", "r") for name, _ in given.options):
            return None
        source = scope.files.get(given.words[0], SOMETHING) if given.words else stdin
        if source.text is None or not is_known(source.text):
            return Stream(None, source.fetched)
        found = decoded(source.text, how)
        return None if found is None else Stream(found)

    return decode


def _openssl(args: Sequence[str], stdin: Stream, _scope: Scope) -> Stream | None:
    asked = {"-d", "-D"} & set(args) and {"base64", "-base64", "-a"} & set(args)
    found = decoded(stdin.text, "base64") if asked and stdin.text else None
    return None if found is None else Stream(found)


def _rev(_args: Sequence[str], stdin: Stream, _scope: Scope) -> Stream | None:
    return None if stdin.text is None else Stream("\n".join(line[::-1] for line in stdin.text.split("\n")))


def _tac(_args: Sequence[str], stdin: Stream, _scope: Scope) -> Stream | None:
    return (
        None
        if stdin.text is None
        else Stream("\n".join(reversed(stdin.text.rstrip("\n").split("\n"))) + "\n")
    )


def _tr(args: Sequence[str], stdin: Stream, _scope: Scope) -> Stream | None:
    given = read(args)
    if stdin.text is None or not given.words or given.has("c", "C", "complement"):
        return None
    first = _tr_set(given.words[0])
    if given.has("d", "delete"):
        return Stream("".join(c for c in stdin.text if c not in first))
    if len(given.words) < 2 or not (second := _tr_set(given.words[1])):
        return stdin
    table = {a: second[min(at, len(second) - 1)] for at, a in reversed(list(enumerate(first)))}
    return Stream("".join(table.get(c, c) for c in stdin.text))


def _tr_set(source: str) -> str:
    classes = {"[:lower:]": "a-z", "[:upper:]": "A-Z", "[:digit:]": "0-9", "[:space:]": " \t\n"}
    for name, stands_for in classes.items():
        source = source.replace(name, stands_for)
    return re.sub(
        r"(.)-(.)",
        lambda m: "".join(map(chr, range(ord(m[1]), min(ord(m[2]), ord(m[1]) + 300) + 1))),
        ansi(source),
    )


def _sed(args: Sequence[str], stdin: Stream, _scope: Scope) -> Stream | None:
    found = re.fullmatch(r"s(.)((?:(?!\1).)*)\1((?:(?!\1).)*)\1(g?)", args[0]) if len(args) == 1 else None
    if (
        not found
        or stdin.text is None
        or re.search(r"[\\*+?\[\]^$&]", found[2] + found[3])
        or "." in found[2]
    ):
        return None
    return Stream(stdin.text.replace(found[2], found[3], -1 if found[4] else 1))


def _xxd(args: Sequence[str], stdin: Stream, scope: Scope) -> Stream | None:
    joined = [arg.lstrip("-") for arg in args]
    if not any("r" in arg for arg in joined):
        return None
    return _decoder("hex")(["-r"], stdin, scope)


def _basename(args: Sequence[str], _stdin: Stream, _scope: Scope) -> Stream | None:
    return (
        Stream(args[0].rstrip("/").rpartition("/")[2].removesuffix(args[1] if len(args) > 1 else "") + "\n")
        if args
        else None
    )


def _process(args: Sequence[str], _stdin: Stream, _scope: Scope) -> Stream | None:
    """A daemon that others depend on counts as much as the first process: whoever would end it ends that."""
    return Stream("1\n") if any(DAEMONS.fullmatch(arg.lower()) for arg in args) else None


def _which(args: Sequence[str], _stdin: Stream, _scope: Scope) -> Stream | None:
    return Stream(f"/usr/bin/{args[-1]}\n") if args and not args[-1].startswith("-") else None


def _command(args: Sequence[str], stdin: Stream, scope: Scope) -> Stream | None:
    return _which(args, stdin, scope) if args[:1] in (["-v"], ["-V"]) else None


PRINTS: Mapping[str, Callable[[Sequence[str], Stream, Scope], Stream | None]] = {
    "echo": _echo,
    "printf": _printf,
    "cat": _cat,
    "tee": lambda _args, stdin, _scope: stdin,
    "base64": _decoder("base64"),
    "base32": _decoder("base32"),
    "xxd": _xxd,
    "openssl": _openssl,
    "rev": _rev,
    "tac": _tac,
    "tr": _tr,
    "sed": _sed,
    "basename": _basename,
    "which": _which,
    "pgrep": _process,
    "pidof": _process,
    "command": _command,
    "mktemp": lambda _args, _stdin, _scope: Stream(TEMPORARY + "\n"),
    "urldecode": lambda _args, stdin, _scope: None if stdin.text is None else Stream(unquote(stdin.text)),
}
