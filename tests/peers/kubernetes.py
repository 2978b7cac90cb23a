"""A whole Kubernetes control plane on loopback: etcd, API server with RBAC, controllers, scheduler, kwok."""

from __future__ import annotations

import base64
import json
import os
import secrets
import ssl
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import yaml

from tests.peers.kubernetes_build import binaries
from tests.peers.process import Process
from tests.peers.tls import Authority
from tests.peers.waiting import free_ports, wait_until

GIVEN = "AWOOOI_TEST_KUBECONFIG"
NODE = "kwok-node-1"
MERGE = "application/merge-patch+json"
AUDITED = ("create", "update", "patch", "delete", "deletecollection")
_LOOPBACK = "127.0.0.1"


class Refused(RuntimeError):
    """The API server said no; `status` is its HTTP status."""

    def __init__(self, status: int, told: str) -> None:
        super().__init__(f"{status}: {told}")
        self.status = status


@dataclass
class KubernetesPeer:
    """`kubeconfig` is the administrator's; `ask` is a call in that name."""

    kubeconfig: Path
    folder: Path
    processes: Sequence[Process] = ()
    _context: ssl.SSLContext | None = field(default=None, repr=False)

    @classmethod
    def given(cls) -> KubernetesPeer | None:
        """The one that AWOOOI_TEST_KUBECONFIG names: a cluster for tests, where namespaces may be made."""
        named = os.environ.get(GIVEN)
        return None if named is None else cls(Path(named), Path(tempfile.mkdtemp(prefix="awoooi-k8s-")))

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[KubernetesPeer]:
        peer = cls.prepare(folder)
        try:
            peer.start()
            yield peer
        finally:
            peer.stop()

    @classmethod
    def prepare(cls, folder: Path) -> KubernetesPeer:
        folder.mkdir(parents=True)
        api, etcd, etcd_peer = free_ports(3)
        _write_keys(folder)
        token = secrets.token_urlsafe(24)
        (folder / "tokens.csv").write_text(f'{token},admin,1,"system:masters"\n')
        (folder / "audit.yaml").write_text(yaml.safe_dump(_audit_policy()))
        server = f"https://{_LOOPBACK}:{api}"
        config = write_kubeconfig(folder / "admin.kubeconfig", server, folder / "ca.crt", token)
        programs = binaries()
        commands = {
            "etcd": [str(programs / "kube"), *_etcd(folder, etcd, etcd_peer)],
            "api": [str(programs / "kube"), *_api_server(folder, api, etcd)],
            "controllers": [str(programs / "kube"), *_controllers(folder, config)],
            "scheduler": [str(programs / "kube"), *_scheduler(config)],
            "kwok": [str(programs / "kwok"), *_kwok(config)],
        }
        processes = [Process(command, folder / f"{name}.log") for name, command in commands.items()]
        return cls(config, folder, processes)

    @property
    def audit_log(self) -> Path | None:
        """One line of JSON for each change that a service account asked for, before it is answered."""
        return self.folder / "audit.log" if self.processes else None

    def start(self) -> None:
        etcd, api, *others = self.processes
        etcd.start()
        api.start()
        api.wait_until_ready(self.is_ready, timeout=60, what="the API server ready")
        for process in others:
            process.start()
        self._make_node()
        wait_until(lambda: self.try_get("/api/v1/namespaces/default/serviceaccounts/default"), timeout=60)

    def stop(self) -> None:
        for process in reversed(self.processes):
            process.stop(timeout=3)

    def is_ready(self) -> bool:
        try:
            return self._call("GET", "/readyz", None, "")[1] == b"ok"
        except OSError:
            return False

    # -- calls in the administrator's name

    def ask(self, method: str, path: str, body: Any = None, content: str = "application/json") -> Any:
        """The answer's JSON; Refused where the server says no."""
        status, answer = self._call(method, path, body, content)
        if status >= 400:
            raise Refused(status, answer.decode(errors="replace")[:500])
        return json.loads(answer)

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def try_get(self, path: str) -> Any | None:
        try:
            return self.get(path)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def patch(self, path: str, change: Mapping[str, Any]) -> Any:
        return self.ask("PATCH", path, change, MERGE)

    def make_namespace(self) -> str:
        """A new one of this test's own, where pods can be made at once."""
        name = f"test-{uuid4().hex[:10]}"
        self.ask("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        wait_until(lambda: self.try_get(f"/api/v1/namespaces/{name}/serviceaccounts/default"), timeout=30)
        return name

    def token_of(self, namespace: str, account: str) -> str:
        """A fresh token of a service account, as a pod would get it."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token: str = self.ask("POST", path, request)["status"]["token"]
        return token

    def login(self, token: str) -> Path:
        """A kubeconfig that logs in with this token."""
        config = yaml.safe_load(self.kubeconfig.read_text())
        config["users"] = [{"name": "user", "user": {"token": token}}]
        config["contexts"][0]["context"]["user"] = "user"
        config["current-context"] = config["contexts"][0]["name"]
        path = self.folder / f"{uuid4().hex}.kubeconfig"
        path.write_text(yaml.safe_dump(config))
        return path

    def _make_node(self) -> None:
        if self.try_get(f"/api/v1/nodes/{NODE}") is None:
            self.ask("POST", "/api/v1/nodes", _node(NODE))

    def _call(self, method: str, path: str, body: Any, content: str) -> tuple[int, bytes]:
        cluster, user = _cluster_and_user(self.kubeconfig)
        self._context = self._context or _tls(cluster, user)
        headers = {"Content-Type": content}
        if "token" in user:
            headers["Authorization"] = f"Bearer {user['token']}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(cluster["server"] + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=15, context=self._context) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read()


def write_kubeconfig(path: Path, server: str, ca_file: Path | None, token: str) -> Path:
    cluster = {"server": server, **({} if ca_file is None else {"certificate-authority": str(ca_file)})}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": cluster}],
        "users": [{"name": "user", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "user"}}],
        "current-context": "test",
    }
    path.write_text(yaml.safe_dump(config))
    return path


def _write_keys(folder: Path) -> None:
    """One PEM with key and chain serves TLS and signs the service accounts' tokens."""
    authority = Authority.make()
    (folder / "ca.crt").write_bytes(authority.certificate_pem())
    (folder / "server.pem").write_bytes(authority.issue_pem(_LOOPBACK))
    (folder / "accounts.pem").write_bytes(authority.issue_pem(_LOOPBACK))


def _etcd(folder: Path, port: int, peer_port: int) -> list[str]:
    url, peer_url = f"http://{_LOOPBACK}:{port}", f"http://{_LOOPBACK}:{peer_port}"
    return [
        "etcd",
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls={peer_url}",
        f"--initial-advertise-peer-urls={peer_url}",
        f"--initial-cluster=default={peer_url}",
        "--unsafe-no-fsync",
    ]


def _api_server(folder: Path, port: int, etcd: int) -> list[str]:
    return [
        "kube-apiserver",
        f"--etcd-servers=http://{_LOOPBACK}:{etcd}",
        f"--secure-port={port}",
        f"--bind-address={_LOOPBACK}",
        f"--advertise-address={_LOOPBACK}",
        f"--tls-cert-file={folder / 'server.pem'}",
        f"--tls-private-key-file={folder / 'server.pem'}",
        f"--service-account-key-file={folder / 'accounts.pem'}",
        f"--service-account-signing-key-file={folder / 'accounts.pem'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-cluster-ip-range=10.96.0.0/16",
        f"--cert-dir={folder / 'certs'}",
        f"--audit-policy-file={folder / 'audit.yaml'}",
        f"--audit-log-path={folder / 'audit.log'}",
        "--audit-log-mode=blocking",
        "--profiling=false",
    ]


def _audit_policy() -> dict[str, Any]:
    """What service accounts change, and nothing else: controllers and tests log in as the administrator."""
    changes = {"level": "Request", "userGroups": ["system:serviceaccounts"], "verbs": list(AUDITED)}
    rules = [changes, {"level": "None"}]
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": rules,
    }


def _controllers(folder: Path, config: Path) -> list[str]:
    return [
        "kube-controller-manager",
        f"--kubeconfig={config}",
        f"--service-account-private-key-file={folder / 'accounts.pem'}",
        "--use-service-account-credentials=false",
        "--secure-port=0",
        "--leader-elect=false",
        "--node-monitor-grace-period=1h",  # kwok's beat comes late on a busy machine: no pod would start
    ]


def _scheduler(config: Path) -> list[str]:
    return ["kube-scheduler", f"--kubeconfig={config}", "--secure-port=0", "--leader-elect=false"]


def _kwok(config: Path) -> list[str]:
    return [f"--kubeconfig={config}", "--manage-all-nodes=true", "--server-address="]


def _node(name: str) -> dict[str, Any]:
    room = {"cpu": "32", "memory": "256Gi", "pods": "5000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "type": "kwok"}},
        "status": {"allocatable": room, "capacity": room},
    }


def _cluster_and_user(kubeconfig: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    config = yaml.safe_load(kubeconfig.read_text())
    context = _named(config["contexts"], config["current-context"])["context"]
    cluster = _named(config["clusters"], context["cluster"])["cluster"]
    return cluster, _named(config["users"], context["user"])["user"]


def _named(entries: Sequence[dict[str, Any]], name: str) -> dict[str, Any]:
    return next(entry for entry in entries if entry["name"] == name)


def _tls(cluster: Mapping[str, Any], user: Mapping[str, Any]) -> ssl.SSLContext | None:
    if not cluster["server"].startswith("https"):
        return None
    data = cluster.get("certificate-authority-data")
    context = ssl.create_default_context(
        cafile=cluster.get("certificate-authority"), cadata=base64.b64decode(data).decode() if data else None
    )
    if "client-certificate" in user:
        context.load_cert_chain(user["client-certificate"], user["client-key"])
    return context
