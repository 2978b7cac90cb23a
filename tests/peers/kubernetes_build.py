"""The programs of a Kubernetes control plane, and kwok for its nodes, built from their Go modules."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from tests.peers.alertmanager import find_go
from tests.peers.cache import cached, run_build

MINOR = "34.4"
ETCD = "3.6.4"
KWOK = "0.7.0"
VERSION = f"1.{MINOR}-kwok-{KWOK}"
_KUBERNETES = "k8s.io/kubernetes"
_SOURCE = Path(__file__).with_name("kubernetes_main.go")
_COMMANDS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
# Its staging modules are pinned by hand: outside the module its own `replace` lines count for nothing.
_STAGING = """
api apiextensions-apiserver apimachinery apiserver cli-runtime client-go cloud-provider cluster-bootstrap
code-generator component-base component-helpers controller-manager cri-api cri-client csi-translation-lib
dynamic-resource-allocation endpointslice externaljwt kms kube-aggregator kube-controller-manager kube-proxy
kube-scheduler kubectl kubelet metrics mount-utils pod-security-admission sample-apiserver sample-cli-plugin
sample-controller
"""


def binaries() -> Path:
    """The folder with `kube` and `kwok`. Cold it takes five to ten minutes on two cores."""
    return cached("kubernetes", VERSION, _build)


def _build(workshop: Path) -> None:
    go = find_go()
    _build_kube(go, workshop)
    _build_kwok(go, workshop)


def _build_kube(go: str, workshop: Path) -> None:
    source = workshop / "source-kube"
    source.mkdir()
    (source / "go.mod").write_text(_go_mod())
    shutil.copy(_SOURCE, source / "main.go")
    wanted = [f"{_KUBERNETES}/cmd/{command}/app@v1.{MINOR}" for command in _COMMANDS]
    run_build([go, "get", f"go.etcd.io/etcd/server/v3/etcdmain@v{ETCD}", *wanted], cwd=source)
    _compile(go, source, workshop / "kube", ".")


def _build_kwok(go: str, workshop: Path) -> None:
    source = workshop / "source-kwok"
    source.mkdir()
    (source / "go.mod").write_text("module peers/kwok\n\ngo 1.24.0\n")
    package = "sigs.k8s.io/kwok/cmd/kwok"
    run_build([go, "get", f"{package}@v{KWOK}"], cwd=source)
    _compile(go, source, workshop / "kwok", package)


def _go_mod() -> str:
    pins = "\n".join(f"\tk8s.io/{name} => k8s.io/{name} v0.{MINOR}" for name in _STAGING.split())
    head = f"module peers/kubernetes\n\ngo 1.24.0\n\nrequire {_KUBERNETES} v1.{MINOR}\n"
    return f"{head}\nreplace (\n{pins}\n)\n"


def _compile(go: str, source: Path, output: Path, package: str) -> None:
    """Without symbols: a third smaller, and quicker to link. Long, so that it gives way to others.

    `-mod=mod`: what its packages import is taken up while building.
    """
    command = [go, "build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", str(output), package]
    run_build([*_nice(), *command], cwd=source)
    shutil.rmtree(source)


def _nice() -> list[str]:
    found = shutil.which("nice")
    return [found, "-n", "10"] if found and not os.environ.get("CI") else []
