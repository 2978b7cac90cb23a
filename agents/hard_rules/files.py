"""Programs on files and disks: removal, overwriting, formatting, rights, reading what is secret."""

from __future__ import annotations

import re

from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.given import read
from agents.hard_rules.hits import UNKNOWN, Rule, listed
from agents.hard_rules.paths import (
    is_disk,
    is_everything,
    is_scratch,
    is_secret,
    is_shared,
    is_system,
    is_top,
    is_vital,
)
from agents.hard_rules.streams import EMPTY, Stream
from agents.hard_rules.writes import broken_by

READERS = listed(
    "cat tac head tail less more most bat nl od xxd hexdump strings base64 base32 grep egrep fgrep "
    "rg awk gawk sed cut sort uniq tee cp scp rsync tar zip gzip bzip2 xz dd openssl gpg diff cmp wc "
    "column paste fold nano jq yq install ln link mv curl wget nc ncat socat split rev tr iconv "
    "file7 uuencode basenc pr fmt expand comm zcat zgrep gunzip bzcat cpio ar sftp ftp"
)
CLOSED = re.compile(r"0*|a?-[rwx]+|a=|ugo-[rwx]+")
CLOSES = re.compile(r"0?[0-7]00|(g?o?|go)[-=]\w*|\w+:?\w*")  # a mode for the owner alone, or an owner
GIVES = re.compile(r"(?:[ugoa]*\+[rwxX]+|[go]+-w)(?:,(?:[ugoa]*\+[rwxX]+|[go]+-w))*")
TAKES_ACL = re.compile(r"(?:^|,)[^,]*:(?:---|-|)(?:,|$)")
# A lock or a pid file in a data folder is removed one at a time.
KEPT_LIGHTLY = re.compile(r"/var/lib/.*\.(pid|lock|tmp|sock)$")


def rm(call: Call) -> Stream | None:
    given = read(call.args)
    if given.wants_help:
        return EMPTY
    paths = [*given.words, *given.rest]
    # Long options may be cut short.
    recursive = any(name == "R" or "recursive".startswith(name) for name, _ in given.options)
    if (recursive and not (paths and all(map(is_scratch, paths)))) or any(
        is_everything(path) and path.strip("*") != path for path in paths
    ):
        call.hit(Rule.REMOVAL)
    elif call.mass and any(not set(path).isdisjoint(UNKNOWN) for path in paths):
        call.hit(Rule.MASS)
    else:
        _needed(call, paths)
    return EMPTY


def _needed(call: Call, paths: list[str]) -> None:
    for path in paths:
        if is_disk(path):
            call.hit(Rule.RAW_DISK)
        elif is_secret(path):
            call.hit(Rule.SECRETS)
        elif not KEPT_LIGHTLY.match(path) and (rule := broken_by(path, appends=False)):
            call.hit(rule)


def unlink(call: Call) -> Stream | None:
    given = read(call.args)
    _needed(call, given.words)
    return EMPTY


def shred(call: Call) -> Stream | None:
    given = read(call.args, ("n", "s", "iterations", "size", "random-source"))
    if not given.wants_help and not all(map(is_scratch, given.words)):
        call.hit(Rule.DATA_LOSS)
    _needed(call, given.words)
    return EMPTY


def truncate(call: Call) -> Stream | None:
    given = read(call.args, ("s", "size", "r", "reference"))
    for path in given.words:
        if is_disk(path) or (is_vital(path) and not path.endswith(".log")):
            call.hit(Rule.SYSTEM_FILES)
        elif re.search(
            r"\.(db|sqlite3?|ibd|frm|mdf|ldf|dbf|wal|rdb|aof)$|/data/.*", path
        ) and not path.endswith(".log"):
            call.hit(Rule.DATA_LOSS)
    return EMPTY


def mv(call: Call) -> Stream | None:
    given = read(call.args, ("t", "target-directory", "S", "suffix"))
    target = given.last("t", "target-directory") or (given.words[-1] if given.words else "")
    sources = given.words if given.last("t", "target-directory") else given.words[:-1]
    if target.rstrip("/") == "/dev/null" or is_disk(target):
        call.hit(Rule.DATA_LOSS)
    for path in sources:
        if is_secret(path):
            call.hit(Rule.SECRETS)
        elif is_vital(path):
            call.hit(Rule.SYSTEM_FILES)
    _into(call, target)
    return EMPTY


def _into(call: Call, target: str) -> None:
    if is_disk(target):
        call.hit(Rule.RAW_DISK)
    elif re.search(
        (
            r"\.ssh/authorized_keys|/etc/(passwd|shadow|sudoers|cron|ld\.so|pam|profile|hosts\.|"
            r"systemd)|^/(boot|s?bin|usr/s?bin|lib)/"
        ),
        target,
    ):
        call.hit(Rule.SYSTEM_FILES)


def copy(call: Call) -> Stream | None:
    given = read(call.args, ("t", "target-directory", "S", "suffix", "m", "o", "g", "i", "P", "F", "l", "c"))
    words = given.words
    sent = call.program == "scp" and words and ":" in words[-1] and words[0].startswith("/etc/passwd")
    if sent or any(map(is_secret, words)):
        call.hit(Rule.SECRETS)
    if words:
        target = given.last("t", "target-directory") or words[-1]
        _into(call, target)
        if is_disk(words[0]) or (
            words[0].startswith(("/dev/zero", "/dev/null", "/dev/urandom")) and not is_scratch(target)
        ):
            call.hit(Rule.RAW_DISK)
        if (
            call.program == "scp"
            and len(words) > 1
            and re.match(r"[\w.@-]+:/($|(etc|boot|s?bin|usr|lib)(/|$))", target)
        ):
            call.hit(Rule.SYSTEM_FILES)
    return EMPTY


def tee(call: Call) -> Stream | None:
    given = read(call.args)
    for path in given.words:
        if rule := broken_by(path, appends=given.has("a", "append")):
            call.hit(rule)
        call.scope.files[path] = call.stdin
    return call.stdin


def rights(call: Call) -> Stream | None:
    """chmod, chown, chgrp, chattr, setfacl."""
    args = [f"a{arg}" if re.fullmatch(r"-[rwxXst]+", arg) else arg for arg in call.args]
    given = read(args, ("reference", "from", "m", "x") if call.program != "chmod" else ("reference",))
    recursive = any(name in ("R", "recursive") for name, _ in given.options)
    mode, paths = (given.words[0] if given.words else ""), given.words[1:]
    gives = bool(GIVES.fullmatch(mode)) and call.program == "chmod"
    if call.program in ("setfacl", "chattr"):
        given_acl = given.all("m", "modify") if call.program == "setfacl" else []
        gives = bool(given_acl) and not any(map(TAKES_ACL.search, given_acl))
        mode, paths = "=" if gives else "", given.words
    if (recursive and any(is_shared(path) or (is_everything(path) and not gives) for path in paths)) or (
        recursive and re.fullmatch(r"0*[0-7]?777|0*000|a\+rwx|a=rwx|ugo\+rwx|a-rwx|a=", mode)
    ):
        call.hit(Rule.LOCK_OUT)
    elif re.match(r"[ugoa]*[+=][rwx]*s|0*[2467][0-7]{3}$", mode) and call.program == "chmod":
        call.hit(Rule.ROOT)
    elif CLOSED.fullmatch(mode) and any(map(is_vital, paths)):
        call.hit(Rule.LOCK_OUT)
    elif any(
        (is_secret(path) and not CLOSES.fullmatch(mode))
        or is_disk(path)
        or re.match(r"/etc/(passwd|g?shadow|sudoers|group)", path)
        for path in paths
    ):
        call.hit(Rule.SYSTEM_FILES)
    elif any(
        normal in ("/", "/etc", "/usr", "/bin", "/var")
        for normal in (path.rstrip("/") or "/" for path in paths)
    ):
        call.hit(Rule.LOCK_OUT)
    return EMPTY


def tar(call: Call) -> Stream | None:
    for arg in call.args:
        if found := re.match(
            r"--(?:checkpoint-action=exec|to-command|use-compress-program|rsh-command|info-script)=(.*)", arg
        ):
            call.script(found[1])
    words = list(call.args)
    for at, arg in enumerate(words[:-1]):
        if arg in (
            "-I",
            "--use-compress-program",
            "--to-command",
            "-F",
            "--info-script",
            "--rsh-command",
            "--checkpoint-action",
        ):
            call.script(words[at + 1].removeprefix("exec="))
    if "--remove-files" in words:
        call.hit(Rule.REMOVAL)
    flags = words[0].lstrip("-") if words else ""
    into = words[words.index("-C") + 1] if "-C" in words[:-1] else ""
    if "x" in flags.split("=")[0] and into and is_top(into) and is_system(into):
        call.hit(Rule.SYSTEM_FILES)
    return secret_reader(call)


def secret_reader(call: Call) -> Stream | None:
    for arg in call.args:
        path = arg.lstrip("@")
        if arg.startswith("-") and "=" in arg:
            path = arg.partition("=")[2]
        if is_secret(path) and not re.search(r"\s", path):
            call.hit(Rule.SECRETS)
            return None
    return None


def sync(call: Call) -> Stream | None:
    """rsync: what it deletes, what it runs."""
    given = read(
        call.args, ("e", "rsh", "exclude", "include", "rsync-path", "f", "filter", "bwlimit", "files-from")
    )
    for text in given.all("e", "rsh", "rsync-path"):
        call.script(text)
    dry = given.has("n", "dry-run", "list-only")
    if (
        any(name.startswith(("delete", "del", "remove-source-files")) for name, _ in given.options)
        and not dry
    ):
        call.hit(Rule.REMOVAL)
    if any(map(is_secret, given.words)):
        call.hit(Rule.SECRETS)
    return EMPTY


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = dict.fromkeys(READERS, secret_reader)
    handlers |= dict.fromkeys(("chmod", "chown", "chgrp", "chattr", "setfacl"), rights)
    handlers |= dict.fromkeys(("cp", "scp", "install", "ln", "rcp"), copy)
    handlers |= dict.fromkeys(("shred", "srm", "wipe", "sfill"), shred)
    return handlers | {
        "rm": rm,
        "rmdir": unlink,
        "unlink": unlink,
        "truncate": truncate,
        "mv": mv,
        "tee": tee,
        "tar": tar,
        "bsdtar": tar,
        "rsync": sync,
    }
