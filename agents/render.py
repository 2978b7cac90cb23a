"""An operation as people would type it, from our template: no text of a model is in it but checked names."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

import orjson

from agents.privacy import LABEL
from schemas.operations import Operation, Step

Template = Callable[[Step], str]


def command(step: Step) -> str:
    """Empty for NONE, and where kubectl would take a name for an option: a pod named `--all` is all of them.

    It is shown to people, who copy it; executors work from the typed step.
    """
    told = step.parameters
    names = (step.target.namespace, step.target.name, told.container, told.name)
    if any(name and name.startswith("-") for name in names):
        return ""
    template = _TEMPLATES.get(step.operation)
    return template(step) if template else ""


def executable(step: Step, runs: tuple[str, ...], configured: Mapping[str, str]) -> tuple[str, ...]:
    """Every text that would run for a named thing: what is configured for it, and what it is told.

    A label is one value, whatever it stands for: without its brackets no shell's pattern is seen in it.
    """
    name = step.parameters.name
    if not name:
        return ()
    own = (configured[name],) if name in configured else ()
    told = (LABEL.sub(lambda label: label[0][1:-1], text) for text in step.parameters.arguments.values())
    return (*own, *runs, *told)


def _kubectl(step: Step, rest: str) -> str:
    where = f" -n {shlex.quote(step.target.namespace)}" if step.target.namespace else ""
    return f"kubectl{where} {rest}"


def _target(step: Step) -> str:
    return shlex.quote(f"{step.target.kind}/{step.target.name}")


def _details(step: Step) -> str:
    return _kubectl(step, f"describe {_target(step)}") if step.target.kind and step.target.name else ""


def _delete_pod(step: Step) -> str:
    return _kubectl(step, f"delete pod {shlex.quote(step.target.name)}")


def _restart(step: Step) -> str:
    return _kubectl(step, f"rollout restart {_target(step)}")


def _scale(step: Step) -> str:
    return _kubectl(step, f"scale {_target(step)} --replicas={step.parameters.replicas}")


def _roll_back(step: Step) -> str:
    revision = step.parameters.revision
    return _kubectl(
        step, f"rollout undo {_target(step)}" + (f" --to-revision={revision}" if revision else "")
    )


def _resources(step: Step) -> str:
    told = step.parameters
    parts = [f"set resources {_target(step)}"]
    if told.container:
        parts.append(f"-c {shlex.quote(told.container)}")
    for option, amounts in (("requests", told.requests), ("limits", told.limits)):
        if amounts:
            listed = ",".join(f"{name}={amount}" for name, amount in sorted(amounts.items()))
            parts.append(f"--{option}={shlex.quote(listed)}")
    return _kubectl(step, " ".join(parts))


def _run_again(step: Step) -> str:
    return f"{_kubectl(step, f'get {_target(step)} -o yaml')} | {_kubectl(step, 'replace --force -f -')}"


def _node(verb: str) -> Template:
    return lambda step: f"kubectl {verb} {shlex.quote(step.target.name)}"


def _drain(step: Step) -> str:
    return f"kubectl drain {shlex.quote(step.target.name)} --ignore-daemonsets"


def _expand(step: Step) -> str:
    patch = orjson.dumps({"spec": {"resources": {"requests": {"storage": step.parameters.size}}}}).decode()
    return _kubectl(step, f"patch pvc {shlex.quote(step.target.name)} -p {shlex.quote(patch)}")


def _delete_pvc(step: Step) -> str:
    return _kubectl(step, f"delete pvc {shlex.quote(step.target.name)}")


def _restore_pvc(step: Step) -> str:
    given = step.parameters
    return f"# make pvc {shlex.quote(step.target.name)} ({given.size}) from volume snapshot {given.name}"


def _named(what: str) -> Template:
    def text(step: Step) -> str:
        told = " ".join(
            shlex.quote(f"{name}={value}") for name, value in sorted(step.parameters.arguments.items())
        )
        return f"{what} {shlex.quote(step.parameters.name or '')} {told}".rstrip()

    return text


_TEMPLATES: Mapping[Operation, Template] = {
    Operation.GET_DETAILS: _details,
    Operation.DELETE_POD: _delete_pod,
    Operation.RESTART_DEPLOYMENT: _restart,
    Operation.SCALE_DEPLOYMENT: _scale,
    Operation.ROLLBACK_DEPLOYMENT: _roll_back,
    Operation.SET_RESOURCES: _resources,
    Operation.RESTART_JOB: _run_again,
    Operation.CORDON_NODE: _node("cordon"),
    Operation.UNCORDON_NODE: _node("uncordon"),
    Operation.DRAIN_NODE: _drain,
    Operation.EXPAND_PVC: _expand,
    Operation.DELETE_PVC: _delete_pvc,
    Operation.RESTORE_PVC: _restore_pvc,
    Operation.RUN_PLAYBOOK: _named("playbook"),
    Operation.RUN_COMMAND: _named("command"),
    Operation.CALL_HTTP: _named("call"),
    Operation.CALL_TOOL: _named("tool"),
}
