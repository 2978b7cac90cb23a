"""kubectl: what of its command line is refused, verb by verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from agents.hard_rules.calls import Call
from agents.hard_rules.given import Given, read
from agents.hard_rules.hits import FETCHED, RUN_TIME, SIFTED, Rule, is_known, listed
from agents.hard_rules.kubectl_words import PLUGINS, VALUES, VERBS, flags_of, resource_of, resources
from agents.hard_rules.manifests import is_zero, judge_manifest, judge_patch
from agents.hard_rules.paths import is_secret
from agents.hard_rules.streams import SOMETHING, Stream

# Deleting one loses data, stops a service, or locks people out.
KEPT = listed(
    "namespace persistentvolumeclaim persistentvolume customresourcedefinition node "
    "deployment statefulset daemonset"
    " service ingress secret clusterrole clusterrolebinding role rolebinding "
    "serviceaccount storageclass apiservice"
    " all volumesnapshot volumesnapshotcontent volumesnapshotclass volumeattachment "
    "replicationcontroller backup"
    " cluster postgresql postgrescluster kafka kafkatopic kafkacluster elasticsearch "
    "mongodbcommunity mysqlcluster"
    " innodbcluster rabbitmqcluster redis rediscluster perconaxtradbcluster cassandradatacenter etcdcluster"
    " cephcluster cephblockpool machine machineset machinedeployment helmrelease project priorityclass"
    " backupstoragelocation application applicationset cronjob"
)
WRITES = listed("delete patch label annotate taint scale set cordon drain apply replace autoscale expose")


def kubectl(call: Call) -> Stream | None:
    given = read(call.args, VALUES - flags_of(call.args))
    words = [word.lower() for word in given.words]
    verb = words[0] if words else ""
    if not verb or (given.wants_help and verb not in ("exec", "run", "debug")):
        return SOMETHING
    if not is_known(verb):
        call.hit(Rule.OPAQUE)
    elif verb in VERB_RULES:
        VERB_RULES[verb](call, given, words[1:])
    elif verb not in VERBS and verb not in PLUGINS:
        call.hit(Rule.UNPARSABLE, f"kubectl has no verb {verb}")
    if _is_secret_asked(verb, words, given):
        call.hit(Rule.SECRETS)
    if verb in WRITES and given.has("all") and not is_rehearsed(given):
        call.hit(Rule.KUBE_ALL)
    sifted = bool(given.last("l", "selector", "field-selector"))
    return Stream(None, sifted=sifted)


def is_rehearsed(given: Given) -> bool:
    states = [value for name, value in given.options if name == "dry-run"]
    return bool(states) and (states[-1] is None or states[-1].lower() in ("client", "server", "true"))


def _is_secret_asked(verb: str, words: list[str], given: Given) -> bool:
    if verb == "create" and words[1:2] == ["token"]:
        return True
    if verb == "config" and words[1:2] == ["view"]:
        return given.has("raw")
    if verb == "get" and (raw := given.last("raw")):
        return "/secrets" in raw.lower()
    if verb == "cp":
        return any(is_secret(word.partition(":")[2] or word) for word in given.words[1:])
    return verb in ("get", "describe", "edit", "patch", "view-secret") and "secret" in resources(words[1:])


# -- verbs


def _delete(call: Call, given: Given, words: list[str]) -> None:
    if is_rehearsed(given):
        return
    if given.has("force", "now") or is_zero(given.last("grace-period")):
        call.hit(Rule.FORCE_DELETE)
    if given.has("all") or given.last("selector", "l") == "":
        call.hit(Rule.KUBE_ALL)
    if given.all("f", "filename", "k", "kustomize", "raw"):
        _delete_by_file(call, given)
    kinds = resources(words)
    if any(kind in KEPT for kind in kinds):
        call.hit(Rule.KUBE_DELETE)
    elif any(not is_known(kind) for kind in kinds) or (
        not kinds and not given.all("f", "filename", "k", "raw")
    ):
        call.hit(Rule.OPAQUE if kinds else Rule.UNPARSABLE)
    unfound = not (RUN_TIME - {SIFTED}).isdisjoint("".join(words[1:]))
    if call.mass or unfound:
        call.hit(Rule.MASS)


def _delete_by_file(call: Call, given: Given) -> None:
    text = call.stdin.text if given.last("f", "filename") == "-" else None
    if text is None:
        call.hit(Rule.OPAQUE)
        return
    for kind in judge_manifest(text, call.hit):
        if resource_of(kind) in KEPT:
            call.hit(Rule.KUBE_DELETE)


def _scale(call: Call, given: Given, _words: list[str]) -> None:
    replicas = given.last("replicas")
    if is_rehearsed(given):
        return
    if is_zero(replicas) or replicas == "":
        call.hit(Rule.SCALE_TO_ZERO)
    elif replicas is not None and not RUN_TIME.isdisjoint(replicas):
        call.hit(Rule.OPAQUE)
    elif replicas is None:
        call.hit(Rule.UNPARSABLE, "kubectl scale without --replicas")


def _drain(call: Call, given: Given, _words: list[str]) -> None:
    if not is_rehearsed(given):
        call.hit(Rule.DRAIN)


def _cordon(call: Call, given: Given, words: list[str]) -> None:
    many = len(words) > 3 or not RUN_TIME.isdisjoint("".join(words)) or bool(given.all("l", "selector"))
    if (many or call.mass) and not is_rehearsed(given):
        call.hit(Rule.MASS)


def _taint(call: Call, given: Given, words: list[str]) -> None:
    if is_rehearsed(given):
        return
    if any(word.endswith(":noexecute") for word in words):
        call.hit(Rule.DRAIN)
    if given.all("l", "selector") or call.mass:
        call.hit(Rule.MASS)


def _patch(call: Call, given: Given, _words: list[str]) -> None:
    if is_rehearsed(given):
        return
    for patch in given.all("p", "patch"):
        judge_patch(patch, call.hit)
    for file in given.all("patch-file"):
        stream = call.stdin if file in ("-", "/dev/stdin") else call.scope.files.get(file)
        if stream is not None and stream.text:
            judge_patch(stream.text, call.hit)


def _apply(call: Call, given: Given, _words: list[str]) -> None:
    """apply, create and replace: from a manifest that is there to read, or from the network."""
    for file in given.all("f", "filename", "k", "kustomize"):
        if "://" in file or file.startswith(("github.com/", "git@")) or FETCHED in file:
            call.hit(Rule.FETCH_AND_RUN)
        elif file in ("-", "/dev/stdin") or file in call.scope.files:
            _manifest(call, call.stdin if file in ("-", "/dev/stdin") else call.scope.files[file])
    if is_rehearsed(given):
        return
    if raw := given.last("raw"):
        call.hit(Rule.FORCE_DELETE if "finalize" in raw else Rule.OPAQUE)
    if given.has("force") and not given.has("server-side"):
        call.hit(Rule.FORCE_DELETE)
    if given.has("prune"):
        call.hit(Rule.KUBE_ALL)


def _manifest(call: Call, stream: Stream) -> None:
    if stream.fetched or (stream.text is not None and FETCHED in stream.text):
        call.hit(Rule.FETCH_AND_RUN)
    elif stream.text is not None:
        judge_manifest(stream.text, call.hit)


def _create(call: Call, given: Given, words: list[str]) -> None:
    _apply(call, given, words)
    if is_rehearsed(given):
        return
    if words[:1] in (["clusterrolebinding"], ["rolebinding"]):
        role = given.last("clusterrole", "role") or ""
        if words[0] == "clusterrolebinding" or role in ("cluster-admin", "admin") or not is_known(role):
            call.hit(Rule.KUBE_PRIVILEGE)
    if words[:1] in (["clusterrole"], ["role"]) and (
        "*" in (given.last("verb") or "") or "*" in (given.last("resource") or "")
    ):
        call.hit(Rule.KUBE_PRIVILEGE)
    if words[:1] in (["job"], ["cronjob"], ["deployment"]) and given.rest:
        call.run(given.rest)


def _run(call: Call, given: Given, _words: list[str]) -> None:
    if given.has("privileged"):
        call.hit(Rule.KUBE_PRIVILEGE)
    if overrides := given.last("overrides"):
        judge_patch(overrides, call.hit)
    if given.rest:
        call.run(given.rest)
    elif len(given.words) > 2:
        call.run(given.words[2:])


def _exec(call: Call, given: Given, _words: list[str]) -> None:
    """Everything after the pod is the command; before `--` was asked for, its options too."""
    rest = given.rest
    if not rest:
        plain = read(call.args, VALUES | {"c", "container"})
        if len(plain.words) > 2:
            rest = _after_words(call.args, plain.words[:2])
    if rest:
        call.run(rest, stdin=call.stdin)


def _after_words(args: tuple[str, ...], words: list[str]) -> list[str]:
    """The arguments after these words: what an old kubectl took for the command."""
    at = 0
    for word in words:
        at = args.index(word, at) + 1
    rest = list(args[at:])
    while len(rest) > 1 and rest[0].startswith("-"):
        rest = rest[2:] if rest[0] in ("-c", "-n", "--container", "--namespace") else rest[1:]
    return rest


def _debug(call: Call, given: Given, words: list[str]) -> None:
    if resource_of(words[0] if words else "") == "node" or given.last("profile") == "sysadmin":
        call.hit(Rule.KUBE_PRIVILEGE)
    if given.rest:
        call.run(given.rest)


def _proxy(call: Call, given: Given, _words: list[str]) -> None:
    address, hosts = given.last("address") or "", given.last("accept-hosts") or ""
    if address.strip("[]") in ("0.0.0.0", "::", "*") or "*" in hosts or given.has("disable-filter"):  # noqa: S104 (judged, not bound)
        call.hit(Rule.KUBE_PRIVILEGE)


def _set(call: Call, _given: Given, words: list[str]) -> None:
    if words[:1] == ["subject"] and "admin" in call.source:
        call.hit(Rule.KUBE_PRIVILEGE)


def _autoscale(call: Call, given: Given, _words: list[str]) -> None:
    if is_zero(given.last("max")) or is_zero(given.last("min")):
        call.hit(Rule.SCALE_TO_ZERO)


def _config(call: Call, _given: Given, words: list[str]) -> None:
    if words[:1] and words[0].startswith(("delete-", "unset")):
        call.hit(Rule.LOCK_OUT)


def _certificate(call: Call, given: Given, words: list[str]) -> None:
    if words[:1] == ["approve"] and (given.has("all") or not RUN_TIME.isdisjoint("".join(words))):
        call.hit(Rule.KUBE_PRIVILEGE)


VERB_RULES: Mapping[str, Callable[[Call, Given, list[str]], None]] = {
    "delete": _delete,
    "scale": _scale,
    "drain": _drain,
    "cordon": _cordon,
    "taint": _taint,
    "patch": _patch,
    "apply": _apply,
    "replace": _apply,
    "create": _create,
    "run": _run,
    "exec": _exec,
    "rsh": _exec,
    "debug": _debug,
    "proxy": _proxy,
    "set": _set,
    "autoscale": _autoscale,
    "config": _config,
    "certificate": _certificate,
}
