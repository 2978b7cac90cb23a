"""The observed state: what must not change between an approval and its execution, as hashes and numbers.

Left out on purpose: readiness, versions, status, and whatever a crash loop or a rollout changes by itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.executors.contract import digest
from connectors.kubernetes.reading import Obj, dig, name_of, namespace_of, part, parts, text

OWN_TAINTS = "node.kubernetes.io/"
"""taints that the cluster sets and takes by itself as a node's health changes"""


def uid_of(obj: Obj) -> str:
    return text(obj, "metadata", "uid")


def of_object(obj: Obj, budgets: Sequence[Obj] = ()) -> dict[str, str]:
    """uid, specification, wanted replicas, the specifications of the budgets that cover its pods."""
    wanted = dig(obj, "spec", "replicas")
    return {
        "uid": uid_of(obj),
        "spec": digest(part(obj, "spec")),
        **({"replicas": str(wanted)} if isinstance(wanted, int) else {}),
        "budgets": of_budgets(budgets),
    }


def of_budgets(budgets: Sequence[Obj]) -> str:
    """By name: a budget that is made anew with the same words is the same."""
    told = sorted((namespace_of(one), name_of(one), digest(part(one, "spec"))) for one in budgets)
    return digest(told) if told else ""


def of_node(obj: Obj) -> dict[str, str]:
    spec: Mapping[str, Any] = part(obj, "spec")
    taints = [one for one in parts(spec, "taints") if not text(one, "key").startswith(OWN_TAINTS)]
    return {"uid": uid_of(obj), "spec": digest({**spec, "taints": taints})}
