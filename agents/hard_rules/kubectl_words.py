"""The words of kubectl's command line: flags that take a value, verbs, resources under all their names."""

from __future__ import annotations

from collections.abc import Mapping

from agents.hard_rules.hits import listed

VALUES = listed(
    "n namespace context cluster user kubeconfig s server token as as-group as-uid "
    "cache-dir certificate-authority"
    " client-certificate client-key request-timeout tls-server-name username password v "
    "vmodule profile profile-output"
    " l selector field-selector o output f filename k kustomize replicas "
    "current-replicas resource-version timeout"
    " grace-period cascade p patch type patch-file subresource c container image image-pull-policy overrides"
    " override-type restart port labels env limits requests serviceaccount generator "
    "expose-protocol tail since"
    " since-time max-log-requests pod-running-timeout to-revision revision sort-by template label-columns L"
    " chunk-size address accept-hosts accept-paths reject-paths www www-prefix "
    "api-prefix unix-socket for min max"
    " cpu-percent name field-manager dry-run-strategy raw clusterrole role group verb resource resource-name"
    " non-resource-url from-literal from-file from-env-file docker-server docker-username docker-password"
    " target share-processes copy-to set-image from prefix keys duration audience bound-object-kind"
    " bound-object-name expiration-seconds key cert hard scopes schedule class rule "
    "default-backend annotation"
    " tcp node-port clusterip external-name external-ip target-port protocol "
    "session-affinity load-balancer-ip"
    " max-unavailable min-available value description preemption-policy pod-selector "
    "skip-wait-for-delete-timeout"
    " prune-allowlist prune-whitelist applyset retries field-path api-group sort-columns "
    "bash log-dir log-file"
)
VERBS = listed(
    "get describe logs log top explain version cluster-info api-resources api-versions "
    "auth config options help"
    " completion events diff wait delete create apply replace patch edit scale autoscale "
    "rollout set label annotate"
    " expose run exec attach cp port-forward proxy debug drain cordon uncordon taint "
    "certificate kustomize plugin"
    " convert alpha rolling-update"
)
# Plugins that are known to read, or that manage what is judged elsewhere.
PLUGINS = listed("ctx ns neat tree who-can krew stern view-allocations resource-capacity df-pv images "
"access-matrix tail trace sniff argo cnpg cert-manager lineage deprecations outdated "
"popeye score rbac-lookup get-all ktop kubescape hns konfig iexec exec-as "
"view-utilization")  # fmt: skip
SHORT: Mapping[str, str] = {
    "ns": "namespace",
    "po": "pod",
    "pvc": "persistentvolumeclaim",
    "pv": "persistentvolume",
    "crd": "customresourcedefinition",
    "crds": "customresourcedefinition",
    "no": "node",
    "deploy": "deployment",
    "sts": "statefulset",
    "ds": "daemonset",
    "rs": "replicaset",
    "rc": "replicationcontroller",
    "svc": "service",
    "ing": "ingress",
    "sa": "serviceaccount",
    "sc": "storageclass",
    "cm": "configmap",
    "hpa": "horizontalpodautoscaler",
    "pdb": "poddisruptionbudget",
    "cj": "cronjob",
    "ep": "endpoint",
    "ev": "event",
    "quota": "resourcequota",
    "netpol": "networkpolicy",
    "vs": "volumesnapshot",
    "vsc": "volumesnapshotcontent",
    "csr": "certificatesigningrequest",
    "pvcs": "persistentvolumeclaim",
    "pvs": "persistentvolume",
    "kt": "kafkatopic",
    "pg": "postgresql",
}


def flags_of(args: tuple[str, ...]) -> frozenset[str]:
    """Letters that are a flag for one verb and take a value for another."""
    verb = next((arg for arg in args if not arg.startswith("-")), "")
    flags: frozenset[str] = frozenset()
    if "patch" not in args:
        flags |= {"p"}
    if "logs" in args or "log" in args or verb in ("exec", "attach", "run"):
        flags |= {"f", "k"}
    if verb == "logs":
        flags |= {"p"}
    return flags


def resource_of(word: str) -> str:
    """One name for all spellings: `po`, `pods`, `Pods.v1.`, `pod/web-0`."""
    name = word.split("/", maxsplit=1)[0].split(".", maxsplit=1)[0].lower()
    if name in SHORT:
        return SHORT[name]
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("s", "")):
        if (
            name.endswith(ending)
            and name not in ("redis", "ingress")
            and not (ending == "s" and name.endswith("ss"))
        ):
            return name[: -len(ending)] + instead
    return name


def resources(words: list[str]) -> list[str]:
    """The kinds that words name: the first one with its commas, and every `kind/name`."""
    if not words:
        return []
    named = [piece for word in words for piece in word.split(",") if "/" in piece]
    return [resource_of(piece) for piece in [*words[0].split(","), *named]]
