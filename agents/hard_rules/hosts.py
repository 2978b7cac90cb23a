"""Programs on a machine: services, processes, network, users, kernel, ways in from outside."""

from __future__ import annotations

import re

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


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = dict.fromkeys(("shutdown", "poweroff", "halt", "reboot"), shutdown)
    handlers |= dict.fromkeys(("init", "telinit"), init)
    handlers |= dict.fromkeys(
        ("service", "rc-service", "invoke-rc.d", "initctl", "sv", "supervisorctl", "pm2", "monit"), service
    )
    handlers |= dict.fromkeys(("pkill", "killall", "skill"), pkill)
    handlers |= dict.fromkeys(("iptables", "ip6tables", "iptables-legacy", "ebtables", "arptables"), firewall)
    handlers |= dict.fromkeys(("nc", "ncat", "netcat"), netcat)
    handlers |= dict.fromkeys(
        (
            "apt",
            "apt-get",
            "aptitude",
            "yum",
            "dnf",
            "rpm",
            "dpkg",
            "apk",
            "pacman",
            "zypper",
            "brew",
            "pip",
            "pip3",
            "npx",
            "pnpm",
            "npm",
            "snap",
            "gem",
            "pipx",
            "uv",
            "conda",
            "yarn",
            "cargo",
        ),
        packages,
    )
    handlers |= dict.fromkeys(LOCKS_OUT, always(Rule.LOCK_OUT))
    return handlers | {
        "systemctl": systemctl,
        "loginctl": words_that(r"^(kill|terminate|poweroff|reboot|halt)", Rule.OUTAGE),
        "kill": kill,
        "umount": umount,
        "socat": socat,
        "passwd": always(Rule.LOCK_OUT, "-S --status"),
        "usermod": words_that(
            r"(^| )(-[a-zA-Z]*[Leups]|--lock|--expiredate|--shell|--password|--uid)|"
            r"\b(sudo|wheel|root|docker|admin)\b(?!-)",
            Rule.LOCK_OUT,
        ),
        "useradd": words_that(
            r"(^| )(-o|-u 0|--uid[= ]0|-[a-zA-Z]*G (sudo|wheel|root|docker|admin))", Rule.ROOT
        ),
        "adduser": words_that(r"\b(sudo|wheel|root|docker)\b|--uid 0", Rule.ROOT),
        "gpasswd": words_that(r"\b(sudo|wheel|root|docker)\b|-d ", Rule.ROOT),
        "chage": words_that(r"-E ?0|-E ?-?\d", Rule.LOCK_OUT),
        "nft": words_that(
            r"\b(flush|delete|destroy)\b|policy drop|(input|output|forward) (counter )?(drop|reject)$",
            Rule.LOCK_OUT,
        ),
        "iptables-restore": always(Rule.LOCK_OUT, "-t --test"),
        "sops": words_that(r"(^| )(-d|--decrypt|decrypt|exec-env|exec-file)\b", Rule.SECRETS),
        "kubeseal": words_that(r"--recovery-unseal", Rule.SECRETS),
        "ansible-vault": words_that(r"^(view|decrypt|edit)", Rule.SECRETS),
        "ufw": words_that(r"\b(disable|reset|delete)\b|default deny|deny (ssh|22)", Rule.LOCK_OUT),
        "firewall-cmd": words_that(
            r"--panic-on|--remove|--delete|--set-default-zone=(drop|block|trusted)", Rule.LOCK_OUT
        ),
        "ipvsadm": words_that(r"(^| )(-C|--clear|-D|-d)\b", Rule.OUTAGE),
        "ip": words_that(
            (
                r"\bl(i|in|ink)? s(et)? .*\bdown\b|\bl(i|in|ink)? d(el|elete)?\b|\b(a|addr|address|r|"
                r"ro|route|rule|n|neigh) (flush|f|del|delete|d)\b|netns (del|delete)|\bset .*\bdown\b"
            ),
            Rule.LOCK_OUT,
        ),
        "ifconfig": words_that(r"\bdown\b", Rule.LOCK_OUT),
        "route": words_that(r"\b(del|delete|flush)\b", Rule.LOCK_OUT),
        "nmcli": words_that(r"\b(off|down|delete|disconnect)\b", Rule.LOCK_OUT),
        "tc": words_that(r"\badd\b.*\b(loss 100|netem loss)", Rule.OUTAGE),
        "setenforce": words_that(r"^(0|permissive)", Rule.LOCK_OUT),
        "date": words_that(r"(^| )(-s|--set)", Rule.OUTAGE),
        "timedatectl": words_that(r"^set-(time|ntp (0|no|false))", Rule.OUTAGE),
        "hwclock": words_that(r"--set|(^| )-[sw]|--systohc|--hctosys", Rule.OUTAGE),
        "sysctl": words_that(
            r"kernel\.(panic|sysrq|modules_disabled|core_pattern)|ip_forward ?= ?0|vm\.panic", Rule.OUTAGE
        ),
        "modprobe": words_that(r"(^| )(-[a-z]*r|--remove)", Rule.OUTAGE),
        "history": words_that(r"^-c", Rule.DATA_LOSS),
        "journalctl": words_that(
            r"--vacuum-(time=[01](s|us|ms|min|m)?$|size=[01][KMB]?$|files=0)|--rotate.*--vacuum-time=1s",
            Rule.DATA_LOSS,
        ),
        "auditctl": words_that(r"(^| )(-D|-e ?0)", Rule.LOCK_OUT),
        "nginx": words_that(r"-s ?(stop|quit)", Rule.OUTAGE),
        "apachectl": words_that(r"\b(stop|graceful-stop)\b", Rule.OUTAGE),
        "nsupdate": _nsupdate,
        "grub-install": always(Rule.RAW_DISK),
        "efibootmgr": words_that(r"-B|-O", Rule.OUTAGE),
        "ssh-keygen": words_that(r"(^| )-R\b|-f /etc/ssh", Rule.LOCK_OUT),
        "msfvenom": always(Rule.REMOTE_SHELL),
        "ngrok": words_that(r"^(tcp|http|tls)", Rule.REMOTE_SHELL),
        "security": words_that(r"find-(generic|internet)-password|dump-keychain", Rule.SECRETS),
        "keyctl": words_that(r"^(read|print|pipe|clear|revoke|purge)", Rule.SECRETS),
        "gcore": always(Rule.SECRETS),
    }


def _nsupdate(call: Call) -> Stream | None:
    if call.stdin.text is not None and re.search(r"\bdel(ete)?\b", call.stdin.text):
        call.hit(Rule.OUTAGE)
    return EMPTY
