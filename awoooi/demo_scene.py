"""The demo's scene on a real cluster: a namespace of its own is made, and taken away whatever happens.

What stands in it is in demo_scene.yaml. AWOOOI itself gets two log-ins that live in that namespace; who runs
the demo lends theirs for making the scene and for nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from awoooi.demo_kubeconfig import Login, login_of
from awoooi.demo_story import StepFailed
from awoooi.demo_victim import break_database
from awoooi.stack import Logins
from connectors.evidence import Unavailable
from connectors.kubernetes import kinds
from connectors.kubernetes.client import Cluster
from connectors.kubernetes.config import KubernetesConfig
from connectors.kubernetes.connection import Refusal
from connectors.kubernetes.kinds import Kind
from connectors.kubernetes.reading import name_of, text
from schemas.errors import Misconfigured

TEMPLATE = Path(__file__).parent / "demo_scene.yaml"
RBAC = "rbac.authorization.k8s.io/v1"
ACCOUNT = Kind("serviceaccount", "ServiceAccount", "serviceaccounts")
MADE = {
    kind.kind: kind
    for kind in (
        *(kinds.NAMESPACE, ACCOUNT, kinds.SERVICE, kinds.NETWORK_POLICY, kinds.DEPLOYMENT, kinds.STATEFULSET),
        Kind("clusterrole", "ClusterRole", "clusterroles", RBAC, namespaced=False),
        Kind("clusterrolebinding", "ClusterRoleBinding", "clusterrolebindings", RBAC, namespaced=False),
        Kind("role", "Role", "roles", RBAC),
        Kind("rolebinding", "RoleBinding", "rolebindings", RBAC),
    )
}
OURS = "awoooi-demo-"
EVIDENCE, EXECUTOR = "evidence", "executor"
TOKEN_SECS = 3600
GONE_WITHIN_SECS = 20.0
ANNOUNCED = """
On {server} ({place}) it makes the namespace {namespace}
with frontend, api and postgres-db, and two log-ins with their roles: one reads, and no secrets; one may
replace pods, in this namespace alone. All of it goes when the demo ends."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Scene:
    """`logins` are AWOOOI's own, good for an hour; the one that writes, for this namespace."""

    namespace: str
    logins: Logins


@asynccontextmanager
async def scene_on(kubeconfig: str, test_id: str, say: Say) -> AsyncIterator[Scene]:
    """Misconfigured where the log-in may not do what this takes; nothing was made then."""
    login = login_of(kubeconfig)
    cluster = Cluster(login.server, login.place, KubernetesConfig(call_timeout_secs=15))
    namespace = f"{OURS}{test_id.removeprefix('tb2-').lower()}"
    folder = Path(tempfile.mkdtemp(prefix="awoooi-demo-login-"))
    try:
        await _require_rights(cluster, login)
        await tell_of_earlier_ones(cluster, say)
        say(ANNOUNCED.format(server=login.server, place=login.place, namespace=namespace))
        async with _namespace(cluster, namespace, say) as uid:
            await _make(cluster, namespace, uid)
            await break_database(cluster, namespace, say)
            reads, writes = [
                login.write(folder / f"{account}.kubeconfig", await _token(cluster, namespace, account))
                for account in (EVIDENCE, EXECUTOR)
            ]
            yield Scene(namespace, Logins(reads, writes))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        await cluster.close()


async def _require_rights(cluster: Cluster, login: Login) -> None:
    """Asked before anything is made; asking changes nothing."""
    wanted = [("create", kind, "") for kind in MADE.values()]
    wanted += [
        ("delete", kinds.NAMESPACE, ""),
        ("create", ACCOUNT, "token"),
        ("patch", kinds.STATEFULSET, ""),
    ]
    answers = await asyncio.gather(*(cluster.may(verb, kind, sub=sub) for verb, kind, sub in wanted))
    lacking = [
        f"{verb} {kind.plural}{f'/{sub}' if sub else ''}"
        for (verb, kind, sub), may in zip(wanted, answers, strict=True)
        if not may
    ]
    if lacking:
        raise Misconfigured(
            f"the log-in {login.place} may not {', '.join(lacking)} on {login.server}; the demo makes a "
            "namespace of its own with roles in it, which takes an administrator's log-in; nothing was made"
        )


async def tell_of_earlier_ones(cluster: Cluster, say: Say) -> None:
    """What a demo leaves that was killed without warning; one that runs is not ours to end."""
    with contextlib.suppress(Unavailable):
        for one in (await cluster.list(kinds.NAMESPACE)).items:
            if (name := name_of(one)).startswith(OURS):
                say(f"{name} is of another demo; where none runs, `kubectl delete namespace {name}`.")


@asynccontextmanager
async def _namespace(cluster: Cluster, name: str, say: Say) -> AsyncIterator[str]:
    made = await cluster.connection.call("POST", kinds.NAMESPACE.path(), body=_manifests(name)[0])
    try:
        yield text(made, "metadata", "uid")
    finally:
        await _take_away(cluster, name, say)


async def _take_away(cluster: Cluster, name: str, say: Say) -> None:
    by_hand = f"`kubectl delete namespace {name}` takes it away"
    try:
        await cluster.connection.call("DELETE", kinds.NAMESPACE.path("", name))
        deadline = time.monotonic() + GONE_WITHIN_SECS
        while await cluster.get(kinds.NAMESPACE, "", name) is not None:
            if time.monotonic() > deadline:
                say(f"The namespace {name} is going, and was not gone after {GONE_WITHIN_SECS:.0f} s.")
                return
            await asyncio.sleep(0.2)
    except Unavailable as error:
        say(f"The namespace {name} may be there still: {error}; {by_hand}")
    except asyncio.CancelledError:
        say(f"The namespace {name} may be there still: {by_hand}")
        raise
    else:
        say(f"The namespace {name} is gone, with all that was in it.")


async def _make(cluster: Cluster, namespace: str, uid: str) -> None:
    """In the file's order; whoever may not give a role away is told so by the server."""
    owner = {"apiVersion": "v1", "kind": kinds.NAMESPACE.kind, "name": namespace, "uid": uid}
    for body in _manifests(namespace)[1:]:
        kind = MADE[body["kind"]]
        if not kind.namespaced:
            body["metadata"]["ownerReferences"] = [owner]
        try:
            await cluster.connection.call("POST", kind.path(namespace), body=body)
        except Refusal as refusal:
            raise StepFailed(f"{kind.word} {body['metadata']['name']} cannot be made: {refusal}") from refusal


def _manifests(namespace: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(TEMPLATE.read_text().replace("NAMESPACE", namespace)))


async def _token(cluster: Cluster, namespace: str, account: str) -> str:
    asked = {
        "apiVersion": "authentication.k8s.io/v1",
        "kind": "TokenRequest",
        "spec": {"expirationSeconds": TOKEN_SECS},
    }
    path = f"{ACCOUNT.path(namespace, account)}/token"
    return text(await cluster.connection.call("POST", path, body=asked), "status", "token")
