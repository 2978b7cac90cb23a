"""docker and its like."""

from __future__ import annotations

import re

from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.given import Given, read
from agents.hard_rules.hits import RUN_TIME, SIFTED, Rule, listed
from agents.hard_rules.managers import manage
from agents.hard_rules.manifests import is_zero
from agents.hard_rules.streams import SOMETHING, Stream

REMOVES = listed("rm remove rmi del delete")
KEEPS_DATA = listed("volume service stack node secret machine pod")
RUN_VALUES = [
    "e",
    "env",
    "v",
    "volume",
    "p",
    "publish",
    "name",
    "network",
    "net",
    "w",
    "workdir",
    "u",
    "user",
    "l",
    "label",
    "m",
    "memory",
    "cpus",
    "entrypoint",
    "h",
    "hostname",
    "env-file",
    "mount",
    "restart",
    "add-host",
    "cap-add",
    "cap-drop",
    "c",
    "cpu-shares",
    "device",
    "dns",
    "log-driver",
    "log-opt",
    "pid",
    "ipc",
    "security-opt",
    "tmpfs",
    "ulimit",
    "platform",
    "pull",
    "shm-size",
    "stop-signal",
    "userns",
    "volumes-from",
    "gpus",
    "ip",
    "a",
    "attach",
    "health-cmd",
    "detach-keys",
    "index",
]
NOUNS = listed("container image volume network system service stack swarm node secret config plugin "
"context builder buildx compose manifest trust pod machine kube")  # fmt: skip


# Images that are started as the program that they hold.
TOOL_IMAGES = {
    name: name
    for name in ("kubectl", "helm", "terraform", "git", "curl", "psql", "ansible", "rclone", "restic")
}
TOOL_IMAGES |= {
    "aws-cli": "aws",
    "azure-cli": "az",
    "google-cloud-cli": "gcloud",
    "mc": "mc",
    "redis-cli": "redis-cli",
}


def docker(call: Call) -> Stream | None:
    given = read(
        call.args,
        (
            "H",
            "host",
            "context",
            "c",
            "config",
            "l",
            "log-level",
            "tlscacert",
            "n",
            "namespace",
            "a",
            "address",
        ),
        stops=True,
    )
    if not given.rest or "--help" in call.args[:3]:
        return SOMETHING
    verb, rest = given.rest[0].lower(), given.rest[1:]
    noun = ""
    if verb in NOUNS and rest:
        noun = verb
        if verb == "compose":
            return compose(call, rest)
        inner = read(rest, (), stops=True)
        verb, rest = (inner.rest[0].lower(), inner.rest[1:]) if inner.rest else ("", [])
    if verb in ("run", "exec", "create") and noun in ("", "container"):
        return _starts(call, rest)
    _judge(call, noun, verb, rest)
    return Stream(None, sifted=any(arg.startswith(("-f", "--filter")) for arg in rest))


def _judge(call: Call, noun: str, verb: str, rest: list[str]) -> None:
    given = read(rest, ("t", "time", "s", "signal", "filter"))
    text = " ".join(rest)
    mass = call.mass or any(not set(word).isdisjoint(RUN_TIME - {SIFTED}) for word in given.words)
    if not set(verb).isdisjoint(RUN_TIME):
        call.hit(Rule.OPAQUE)
    elif _loses_data(noun, verb, given, mass=mass):
        call.hit(Rule.DATA_LOSS)
    elif verb in ("kill", "stop", "pause") and mass:
        call.hit(Rule.OUTAGE)
    elif (noun, verb) == ("swarm", "leave") or (
        noun == "service" and verb == "scale" and re.search(r"=0+\b", text)
    ):
        call.hit(Rule.SCALE_TO_ZERO if verb == "scale" else Rule.OUTAGE)
    elif verb == "update" and is_zero(read(rest, ("replicas",)).last("replicas")):
        call.hit(Rule.SCALE_TO_ZERO)
    elif (noun, verb) == ("node", "update") and "drain" in text:
        call.hit(Rule.DRAIN)
    elif verb == "cp" and re.search(r"/etc/shadow|/run/secrets|\.ssh/", text):
        call.hit(Rule.SECRETS)


def _loses_data(noun: str, verb: str, given: Given, *, mass: bool) -> bool:
    if verb in REMOVES:
        forced = any(name in ("f", "force") for name, _ in given.options)
        return forced or mass or noun in KEEPS_DATA or given.has("v", "volumes")
    if verb == "prune":
        return noun in ("system", "volume") or given.has("a", "all", "volumes")
    return (noun, verb) == ("system", "reset")


def _starts(call: Call, rest: list[str]) -> Stream | None:
    given = read(rest, RUN_VALUES, stops=True)
    volumes = [*given.all("v", "volume"), *given.all("mount")]
    host = [
        volume
        for volume in volumes
        if re.match(
            r"/(:|$)|/(etc|root|proc|sys|dev|boot|var/run|run|var/lib)\b",
            volume.removeprefix("type=bind,").removeprefix("source=").removeprefix("src="),
        )
    ]
    if (
        given.has("privileged")
        or (given.last("pid") == "host")
        or given.last("cap-add") in ("ALL", "SYS_ADMIN")
    ) or (host and not all(volume.endswith(":ro") for volume in host)):
        call.hit(Rule.ROOT)
    entry = given.last("entrypoint")
    argv = given.rest[1:] if given.rest else []
    image = given.rest[0].rpartition("/")[2].partition(":")[0].partition("@")[0] if given.rest else ""
    if image in TOOL_IMAGES and not entry:
        call.run([TOOL_IMAGES[image], *(argv[1:] if argv[:1] == ["--"] else argv)])
    if entry:
        argv = [entry, *argv]
    if argv and argv[0].startswith("-"):
        return SOMETHING
    if argv:
        call.run(argv)
    return SOMETHING


def compose(call: Call, rest: list[str]) -> Stream | None:
    given = read(
        rest, ("f", "file", "p", "project-name", "profile", "env-file", "project-directory"), stops=True
    )
    if not given.rest:
        return SOMETHING
    verb, args = given.rest[0].lower(), given.rest[1:]
    if verb in ("exec", "run"):
        inner = read(args, RUN_VALUES, stops=True)
        if inner.rest[1:]:
            call.run(inner.rest[1:])
    elif (
        verb == "down"
        or (verb == "rm" and re.search(r"(^| )-[a-z]*[fv]|--force", " ".join(args)))
        or (verb in ("stop", "kill") and not read(args, ("t", "s")).words)
    ):
        call.hit(Rule.OUTAGE)
    elif re.search(r"(=|--scale[ =]\S+=)0\b", " ".join(args)) and verb in ("up", "scale"):
        call.hit(Rule.SCALE_TO_ZERO)
    return SOMETHING


def crictl(call: Call) -> Stream | None:
    given = read(
        call.args, ("r", "runtime-endpoint", "i", "image-endpoint", "config", "t", "timeout"), stops=True
    )
    if given.rest[:1] == ["exec"]:
        inner = read(given.rest[1:], ("timeout",), stops=True)
        return call.run(inner.rest[1:]) if inner.rest[1:] else SOMETHING
    return manage(call)


def docker_compose(call: Call) -> Stream | None:
    return compose(call, list(call.args))


def all_of_them() -> dict[str, Handler]:
    handlers: dict[str, Handler] = dict.fromkeys(("docker", "podman", "nerdctl"), docker)
    return handlers | dict.fromkeys(("docker-compose", "podman-compose"), docker_compose) | {"crictl": crictl}
