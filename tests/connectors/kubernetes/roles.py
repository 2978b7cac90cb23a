"""The roles of deploy/kubernetes on a real API server, applied as their files say."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.peers import KubernetesPeer, wait_until
from tests.peers.kubernetes import Refused

FOLDER = Path(__file__).parents[3] / "deploy" / "kubernetes"
SPACE = "awoooi"
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_PATHS = {
    "ServiceAccount": f"/api/v1/namespaces/{SPACE}/serviceaccounts",
    "ClusterRole": f"{_RBAC}/clusterroles",
    "ClusterRoleBinding": f"{_RBAC}/clusterrolebindings",
}


def apply(kubernetes: KubernetesPeer, file: str) -> Path:
    """A kubeconfig of its service account."""
    manifests = list(yaml.safe_load_all((FOLDER / file).read_text()))
    _make(kubernetes, "/api/v1/namespaces", {"metadata": {"name": SPACE}})
    for one in manifests:
        _make(kubernetes, _PATHS[one["kind"]], one)
    account = next(one["metadata"]["name"] for one in manifests if one["kind"] == "ServiceAccount")
    wait_until(lambda: kubernetes.token_of(SPACE, account), timeout=20)
    return kubernetes.login(kubernetes.token_of(SPACE, account))


def rules(file: str) -> list[dict[str, list[str]]]:
    role = next(
        one for one in yaml.safe_load_all((FOLDER / file).read_text()) if one["kind"] == "ClusterRole"
    )
    found: list[dict[str, list[str]]] = role["rules"]
    return found


def _make(kubernetes: KubernetesPeer, path: str, body: Mapping[str, Any]) -> None:
    """Of an earlier run on the same cluster it is brought to what the file says today."""
    try:
        kubernetes.ask("POST", path, body)
    except Refused as refused:
        if refused.status != 409:
            raise
        kubernetes.patch(f"{path}/{body['metadata']['name']}", body)
