"""Programs on a machine: services, processes, network, users, kernel, ways in from outside."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agents.hard_rules.by_words import always, words_that
from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.clients import redis_lines
from agents.hard_rules.given import read
from agents.hard_rules.hits import Rule, listed
from agents.hard_rules.pure import DAEMONS
from agents.hard_rules.streams import EMPTY, Stream

ENDS_HOST = listed(
    "poweroff halt reboot kexec rescue emergency suspend hibernate hybrid-sleep soft-reboot exit"
)
ENDS_UNIT = listed("stop kill mask disable isolate")
TARGETS = re.compile(r"(poweroff|halt|reboot|rescue|emergency|shutdown|runlevel[016])(\.target)?$")
LOCKS_OUT = listed(
    "userdel groupdel deluser delgroup visudo vipw chpasswd killall5 rmmod insmod kexec ifdown"
)
MILD_SIGNALS = listed("0 1 3 10 12 28 HUP QUIT USR1 USR2 WINCH CONT INFO")


def systemctl(call: Call) -> Stream | None:
    given = read(
        call.args,
        (
            "H",
            "host",
            "M",
            "machine",
            "t",
            "type",
            "s",
            "signal",
            "p",
            "property",
            "n",
            "lines",
            "o",
            "output",
            "root",
        ),
    )
    verb, units = (given.words[0].lower() if given.words else ""), given.words[1:]
    if given.wants_help or given.has("dry-run"):
        return EMPTY
    if verb in ENDS_HOST or (
        any(TARGETS.match(unit) for unit in units) and verb in ("start", "isolate", "default")
    ):
        call.hit(Rule.OUTAGE)
    elif verb == "kill" and (given.last("s", "signal") or "TERM").removeprefix("SIG") in MILD_SIGNALS:
        return EMPTY
    elif verb in ENDS_UNIT or (verb == "set-default" and any(TARGETS.match(unit) for unit in units)):
        call.hit(Rule.OUTAGE)
    return None


def service(call: Call) -> Stream | None:
    words = [arg.lower() for arg in call.args if not arg.startswith("-")]
    if (len(words) > 1 and words[-1] in ("stop", "disable", "zap", "force-stop", "immediate")) or words[
        :1
    ] == ["stop"]:
        call.hit(Rule.OUTAGE)
    return None


def shutdown(call: Call) -> Stream | None:
    if not set(call.args) & {"-c", "--help", "--show", "-w", "--version"}:
        call.hit(Rule.OUTAGE)
    return EMPTY


def init(call: Call) -> Stream | None:
    if call.args and call.args[0] in ("0", "1", "6", "s", "S"):
        call.hit(Rule.OUTAGE)
    return EMPTY


def kill(call: Call) -> Stream | None:
    """Ends one process; init, every process, or whatever a search found is too many."""
    signal = "TERM"
    targets: list[str] = []
    words = list(call.args)
    while words:
        word = words.pop(0)
        if word in ("-s", "-n", "--signal") and words:
            signal = words.pop(0)
        elif word in ("-l", "-L", "--list", "--help"):
            return EMPTY
        elif word.startswith("-") and not targets and word != "--" and signal == "TERM" and word != "-1":
            signal = word.lstrip("-").removeprefix("signal=")
        elif word == "-1" and not targets and words and signal == "TERM":
            signal = "1"
        elif word != "--":
            targets.append(word)
    if signal.upper().removeprefix("SIG") not in MILD_SIGNALS and any(
        target in ("1", "-1", "0", "%0") for target in targets
    ):
        call.hit(Rule.OUTAGE)
    return EMPTY


RUNTIMES = re.compile(r"java|python[\d.]*|node|ruby|php(-fpm)?|perl")


def pkill(call: Call) -> Stream | None:
    mild = any(
        arg.lstrip("-").upper().removeprefix("SIGNAL=").removeprefix("SIG") in MILD_SIGNALS
        for arg in call.args
        if arg.startswith("-")
    )
    given = read(
        [arg for arg in call.args if not re.fullmatch(r"-(\d+|SIG[A-Z]+|[A-Z]{3,})", arg)],
        ("u", "U", "g", "G", "P", "s", "t", "signal", "user", "euid", "uid", "r", "o", "y", "parent"),
    )
    pattern = given.words[0] if given.words else ""
    everyone = bool(given.all("u", "U", "user", "euid", "uid", "g", "G", "t")) and not pattern
    wide = everyone or not re.search(r"[A-Za-z0-9_]{2}", pattern) or DAEMONS.fullmatch(pattern.lower())
    runtime = (
        call.program == "killall"
        and RUNTIMES.fullmatch(pattern)
        and {"-9", "-KILL", "-SIGKILL"} & set(call.args)
    )
    if (wide or runtime) and not mild and not given.wants_help:
        call.hit(Rule.OUTAGE)
    return EMPTY


def firewall(call: Call) -> Stream | None:
    text = call.said
    flushes = re.search(r"(^| )(-F|--flush|-X|--delete-chain|-Z? ?-F)( |$)", text)
    closes = re.search(r"(-P|--policy) (INPUT|OUTPUT|FORWARD) (DROP|REJECT)", text)
    blocks = re.search(
        r"-[AI] (INPUT|OUTPUT|FORWARD)( \d+)? -j (DROP|REJECT)|--dport (22|6443|443|53)\b.*-j (DROP|REJECT)",
        text,
    )
    if flushes or closes or blocks:
        call.hit(Rule.LOCK_OUT)
    return None


def netcat(call: Call) -> Stream | None:
    given = read(call.args, ("p", "s", "w", "q", "e", "c", "exec", "sh-exec", "i", "x", "X", "g", "G", "o"))
    if given.all("e", "c", "exec", "sh-exec"):
        call.hit(Rule.REMOTE_SHELL)
    redis_lines(call)
    here = {"localhost", "127.0.0.1", "::1"} & set(call.args)
    if call.stdin.text is None and not here and not given.has("z", "l"):
        call.hit(Rule.REMOTE_SHELL)
    return None


def socat(call: Call) -> Stream | None:
    if re.search(r"\b(exec|system|shell)\s*:", call.said, re.IGNORECASE):
        call.hit(Rule.REMOTE_SHELL)
    if call.stdin.text and re.search(r"\b(disable|shutdown|del|clear)\b", call.stdin.text):
        call.hit(Rule.OUTAGE)
    return None


def umount(call: Call) -> Stream | None:
    given = read(call.args, ("t", "types", "O", "N"))
    if given.has("l", "lazy", "f", "force", "a", "all", "R", "recursive"):
        call.hit(Rule.OUTAGE)
    return EMPTY


def packages(call: Call) -> Stream | None:
    given = read(call.args, ("o", "c", "t", "r"))
    verb = given.words[0].lower() if given.words else ""
    dry = given.has("s", "simulate", "dry-run", "just-print", "assumeno", "download-only")
    removes = verb in (
        "remove",
        "purge",
        "erase",
        "del",
        "uninstall",
        "autopurge",
        "delete",
        "rm",
        "unpublish",
    )
    short = call.program in ("rpm", "dpkg", "pacman") and any(
        name in ("e", "r", "P", "R", "purge", "remove", "erase") for name, _ in given.options
    )
    if (removes or short) and not dry and not given.wants_help:
        call.hit(Rule.OUTAGE)
    urls = [word for word in given.words[1:] if word.startswith(("http://", "git+"))]
    if (urls and verb in ("install", "add", "i", "dlx", "exec")) or (
        call.program == "npx" and "://" in call.said
    ):
        call.hit(Rule.FETCH_AND_RUN)
    return None


TOGETHER: tuple[tuple[str, Handler], ...] = (
    ("shutdown poweroff halt reboot", shutdown),
    ("init telinit", init),
    ("service rc-service invoke-rc.d initctl sv supervisorctl pm2 monit", service),
    ("pkill killall skill", pkill),
    ("iptables ip6tables iptables-legacy ebtables arptables", firewall),
    ("nc ncat netcat", netcat),
    ("apt apt-get aptitude yum dnf rpm dpkg apk pacman zypper brew snap", packages),
    ("pip pip3 pipx uv conda npm npx pnpm yarn gem cargo", packages),
)
"""programs that do the same"""

SAID: Mapping[str, tuple[str, Rule]] = {
    "loginctl": (r"^(kill|terminate|poweroff|reboot|halt)", Rule.OUTAGE),
    "usermod": (
        r"(^| )(-[a-zA-Z]*[Leups]|--lock|--expiredate|--shell|--password|--uid)|"
        r"\b(sudo|wheel|root|docker|admin)\b(?!-)",
        Rule.LOCK_OUT,
    ),
    "useradd": (r"(^| )(-o|-u 0|--uid[= ]0|-[a-zA-Z]*G (sudo|wheel|root|docker|admin))", Rule.ROOT),
    "adduser": (r"\b(sudo|wheel|root|docker)\b|--uid 0", Rule.ROOT),
    "gpasswd": (r"\b(sudo|wheel|root|docker)\b|-d ", Rule.ROOT),
    "chage": (r"-E ?0|-E ?-?\d", Rule.LOCK_OUT),
    "nft": (
        r"\b(flush|delete|destroy)\b|policy drop|(input|output|forward) (counter )?(drop|reject)$",
        Rule.LOCK_OUT,
    ),
    "sops": (r"(^| )(-d|--decrypt|decrypt|exec-env|exec-file)\b", Rule.SECRETS),
    "kubeseal": (r"--recovery-unseal", Rule.SECRETS),
    "ansible-vault": (r"^(view|decrypt|edit)", Rule.SECRETS),
    "ufw": (r"\b(disable|reset|delete)\b|default deny|deny (ssh|22)", Rule.LOCK_OUT),
    "firewall-cmd": (r"--panic-on|--remove|--delete|--set-default-zone=(drop|block|trusted)", Rule.LOCK_OUT),
    "ipvsadm": (r"(^| )(-C|--clear|-D|-d)\b", Rule.OUTAGE),
    "ip": (
        r"\bl(i|in|ink)? s(et)? .*\bdown\b|\bl(i|in|ink)? d(el|elete)?\b|\b(a|addr|address|r|"
        r"ro|route|rule|n|neigh) (flush|f|del|delete|d)\b|netns (del|delete)|\bset .*\bdown\b",
        Rule.LOCK_OUT,
    ),
    "ifconfig": (r"\bdown\b", Rule.LOCK_OUT),
    "route": (r"\b(del|delete|flush)\b", Rule.LOCK_OUT),
    "nmcli": (r"\b(off|down|delete|disconnect)\b", Rule.LOCK_OUT),
    "tc": (r"\badd\b.*\b(loss 100|netem loss)", Rule.OUTAGE),
    "setenforce": (r"^(0|permissive)", Rule.LOCK_OUT),
    "date": (r"(^| )(-s|--set)", Rule.OUTAGE),
    "timedatectl": (r"^set-(time|ntp (0|no|false))", Rule.OUTAGE),
    "hwclock": (r"--set|(^| )-[sw]|--systohc|--hctosys", Rule.OUTAGE),
    "sysctl": (
        r"kernel\.(panic|sysrq|modules_disabled|core_pattern)|ip_forward ?= ?0|vm\.panic",
        Rule.OUTAGE,
    ),
    "modprobe": (r"(^| )(-[a-z]*r|--remove)", Rule.OUTAGE),
    "history": (r"^-c", Rule.DATA_LOSS),
    "journalctl": (
        r"--vacuum-(time=[01](s|us|ms|min|m)?$|size=[01][KMB]?$|files=0)|--rotate.*--vacuum-time=1s",
        Rule.DATA_LOSS,
    ),
    "auditctl": (r"(^| )(-D|-e ?0)", Rule.LOCK_OUT),
    "nginx": (r"-s ?(stop|quit)", Rule.OUTAGE),
    "apachectl": (r"\b(stop|graceful-stop)\b", Rule.OUTAGE),
    "efibootmgr": (r"-B|-O", Rule.OUTAGE),
    "ssh-keygen": (r"-f /etc/ssh", Rule.LOCK_OUT),
    "ngrok": (r"^(tcp|http|tls)", Rule.REMOTE_SHELL),
    "security": (r"find-(generic|internet)-password|dump-keychain", Rule.SECRETS),
    "keyctl": (r"^(read|print|pipe|clear|revoke|purge)", Rule.SECRETS),
}
"""what a program's arguments must not say"""


def _nsupdate(call: Call) -> Stream | None:
    if call.stdin.text is not None and re.search(r"\bdel(ete)?\b", call.stdin.text):
        call.hit(Rule.OUTAGE)
    return EMPTY


def all_of_them() -> dict[str, Handler]:
    handlers = {name: handler for names, handler in TOGETHER for name in names.split()}
    handlers |= dict.fromkeys(LOCKS_OUT, always(Rule.LOCK_OUT))
    handlers |= {name: words_that(pattern, rule) for name, (pattern, rule) in SAID.items()}
    return handlers | {
        "systemctl": systemctl,
        "kill": kill,
        "umount": umount,
        "socat": socat,
        "passwd": always(Rule.LOCK_OUT, "-S --status"),
        "iptables-restore": always(Rule.LOCK_OUT, "-t --test"),
        "nsupdate": _nsupdate,
        "grub-install": always(Rule.RAW_DISK),
        "msfvenom": always(Rule.REMOTE_SHELL),
        "gcore": always(Rule.SECRETS),
    }
