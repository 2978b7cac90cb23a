"""Disruption budgets: which pods they cover, and whether they would let some of them go. Pure and total."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from connectors.kubernetes.execution.act import PodSeen
from connectors.kubernetes.reading import Obj, dig, name_of, namespace_of, number, part, parts, strings, text
from schemas.preflight import Check

BUDGETS = "budgets"
ALWAYS = "AlwaysAllow"
Selects = Callable[[str, Mapping[str, str]], bool]
"""a namespace and the labels of a pod in it"""


def covers(budget: Obj, namespace: str, labels: Mapping[str, str]) -> bool:
    """An empty selector covers all pods of the namespace, none covers nothing."""
    return _selecting(budget)(namespace, labels)


def _selecting(budget: Obj) -> Selects:
    """Its selector, read once for however many pods are held against it."""
    selector, space = part(budget, "spec", "selector"), namespace_of(budget)
    equal = strings(selector, "matchLabels").items()
    expressions = parts(selector, "matchExpressions")

    def selects(namespace: str, labels: Mapping[str, str]) -> bool:
        fits = namespace == space and equal <= labels.items()
        return fits and all(_holds(one, labels) for one in expressions)

    return selects if dig(budget, "spec", "selector") is not None else lambda *_: False


def _holds(expression: Obj, labels: Mapping[str, str]) -> bool:
    """What is not understood counts as covering: then it is asked."""
    name, how = text(expression, "key"), text(expression, "operator")
    values = dig(expression, "values") or ()
    if how == "Exists":
        return name in labels
    if how == "DoesNotExist":
        return name not in labels
    return how not in ("In", "NotIn") or (labels.get(name) in values) is (how == "In")


def selector_text(selector: Obj) -> str:
    """A label selector as the API server wants it in a query."""
    equal = [f"{name}={value}" for name, value in sorted(strings(selector, "matchLabels").items())]
    return ",".join([*equal, *map(_term, parts(selector, "matchExpressions"))])


def _term(expression: Obj) -> str:
    name, how = text(expression, "key"), text(expression, "operator")
    if how in ("Exists", "DoesNotExist"):
        return name if how == "Exists" else f"!{name}"
    values = ",".join(str(value) for value in dig(expression, "values") or ())
    return f"{name} {how.lower()} ({values})"


def of_pods(budgets: Sequence[Obj], pods: Sequence[PodSeen]) -> list[Obj]:
    """Those that cover any of them, by name."""
    found = {(namespace_of(one), name_of(one)): one for one in budgets if _covers_any(one, pods)}
    return [found[key] for key in sorted(found)]


def _covers_any(budget: Obj, pods: Sequence[PodSeen]) -> bool:
    selects = _selecting(budget)
    return any(selects(pod.namespace, pod.labels) for pod in pods)


def allow_eviction(budgets: Sequence[Obj], pods: Sequence[PodSeen]) -> Check:
    """Each of these pods, as things stand: an eviction asks the same of the API server."""
    if not pods:
        return Check(name=BUDGETS, passed=True, message="no pod is taken away")
    noes = list(dict.fromkeys(no for pod in pods for no in _noes(budgets, pod)))
    if noes:
        return Check(name=BUDGETS, passed=False, message="; ".join(noes[:3]))
    told = ", ".join(name_of(budget) for budget in budgets)
    return Check(name=BUDGETS, passed=True, message=f"allowed by {told}" if told else "no budget covers it")


def _noes(budgets: Sequence[Obj], pod: PodSeen) -> Iterator[str]:
    covering = [budget for budget in budgets if covers(budget, pod.namespace, pod.labels)]
    if len(covering) > 1:
        yield f"{len(covering)} budgets cover pod {pod.name}: the API server evicts no such pod"
    for budget in covering:
        if not _lets_go(budget, pod):
            healthy, wanted = (
                number(budget, "status", name) for name in ("currentHealthy", "desiredHealthy")
            )
            yield f"budget {name_of(budget)} needs {wanted} healthy pods and has {healthy}"


def _lets_go(budget: Obj, pod: PodSeen) -> bool:
    """A pod that is not ready is no loss to a budget that has what it needs."""
    if number(budget, "status", "disruptionsAllowed") > 0:
        return True
    if pod.ready:
        return False
    healthy, wanted = (number(budget, "status", name) for name in ("currentHealthy", "desiredHealthy"))
    return text(budget, "spec", "unhealthyPodEvictionPolicy") == ALWAYS or 0 < wanted <= healthy


def allow_scaling(budgets: Sequence[Obj], replicas: int) -> Check:
    """Nothing in a cluster asks a budget when a workload is scaled down: so we do."""
    for budget in budgets:
        least = dig(budget, "spec", "minAvailable")
        if isinstance(least, int) and replicas < least:
            told = f"budget {name_of(budget)} needs {least} pods, and {replicas} would be left"
            return Check(name=BUDGETS, passed=False, message=told)
    return Check(
        name=BUDGETS, passed=True, message="the budgets are kept" if budgets else "no budget covers it"
    )


def allow_rollout(budgets: Sequence[Obj], *, all_at_once: bool) -> Check:
    """A rollout asks no budget either; one that goes pod by pod keeps its own bounds."""
    if all_at_once and budgets:
        told = f"it takes all pods down at once, and budget {name_of(budgets[0])} covers them"
        return Check(name=BUDGETS, passed=False, message=told)
    return Check(name=BUDGETS, passed=True, message="a rollout keeps the workload's own bounds")
