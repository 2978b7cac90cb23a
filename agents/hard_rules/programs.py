"""Which rules are asked for which program: one table."""

from __future__ import annotations

import re
from collections.abc import Mapping

from agents.hard_rules import (
    clients,
    code,
    containers,
    disks,
    files,
    hosts,
    managers,
    runners,
    shells,
    web,
    wrappers,
)
from agents.hard_rules.by_words import always
from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.git import git
from agents.hard_rules.given import read
from agents.hard_rules.hits import Rule
from agents.hard_rules.kubectl import kubectl
from agents.hard_rules.sql_statements import begins_one
from agents.hard_rules.streams import Stream

CONTROLS = re.compile(r".*(ctl|cli|adm|admin|-cmd)$")


def _within(call: Call) -> Stream | None:
    """`k3s kubectl`, `minikube kubectl --`, `oc adm drain`: kubectl under another program."""
    given = read(call.args, ("p", "profile", "n", "namespace", "context"), stops=True)
    rest = given.rest
    if rest[:1] == ["kubectl"]:
        return call.run(["kubectl", *(rest[2:] if rest[1:2] == ["--"] else rest[1:])])
    if rest[:1] and rest[0] in ("crictl", "ctr", "helm"):
        return call.run(rest)
    return managers.manage(call)


def _openshift(call: Call) -> Stream | None:
    rest = [arg for arg in call.args if arg != "adm"]
    instead = {
        "rsh": "exec",
        "new-project": "create",
        "login": "config",
        "logout": "config",
        "project": "config",
    }
    if rest[:1] and rest[0] in instead:
        rest[0] = instead[rest[0]]
    if rest[:2] == ["adm", "policy"] or rest[:1] == ["policy"]:
        call.hit(Rule.KUBE_PRIVILEGE)
        return None
    if rest[:1] and rest[0] in (
        "status",
        "whoami",
        "start-build",
        "import-image",
        "tag",
        "process",
        "new-app",
        "projects",
        "must-gather",
        "node-logs",
        "inspect",
    ):
        return None
    return call.run(["kubectl", *rest])


def otherwise(call: Call) -> Stream | None:
    """A program that has no rules of its own."""
    said = " ".join((call.program, *call.args))
    if begins_one(said) and call.path.rpartition("/")[2] == call.path and not call.path.startswith("."):
        call.sql(" ".join((call.path, *call.args)))
        return None
    if call.path.startswith(("/etc/init.d/", "/etc/rc.d/")):
        return hosts.service(call)
    if call.program.removesuffix(".sh").endswith("uninstall"):
        call.hit(Rule.DATA_LOSS)
    if call.program.startswith("mkfs"):
        return always(Rule.RAW_DISK)(call)
    if CONTROLS.fullmatch(call.program):
        return managers.manage(call)
    return files.secret_reader(call) if call.program in files.READERS else None


HANDLERS: Mapping[str, Handler] = {
    **managers.all_of_them(),
    **files.all_of_them(),
    **disks.all_of_them(),
    **hosts.all_of_them(),
    **code.all_of_them(),
    **clients.all_of_them(),
    **web.all_of_them(),
    **containers.all_of_them(),
    **wrappers.all_of_them(),
    **shells.all_of_them(),
    **runners.all_of_them(),
    **dict.fromkeys(("kubectl", "k", "kubecolor", "kubectl-1", "hyperkube"), kubectl),
    **dict.fromkeys(("k3s", "minikube", "microk8s", "rke2", "microk8s.kubectl"), _within),
    "git": git,
    "oc": _openshift,
}
