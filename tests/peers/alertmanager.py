"""Alertmanager, built from its Go module."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from tests.peers.cache import cached, run_build
from tests.peers.http import get, post_json
from tests.peers.process import Process
from tests.peers.tools import MissingToolError, find_tool
from tests.peers.waiting import free_port, free_ports, wait_until

VERSION = "0.34.2"
_MODULE = "github.com/prometheus/alertmanager"
_GO_HINT = "Go 1.26 or later builds Alertmanager; see go.dev/dl"
_GO_MOD = "module peers/alertmanager\n\ngo 1.26.0\n"
_TOOLS_GO = f'//go:build tools\n\npackage tools\n\nimport _ "{_MODULE}/cmd/alertmanager"\n'


@dataclass
class AlertmanagerPeer:
    url: str
    process: Process

    @classmethod
    @contextmanager
    def running(
        cls, config: Mapping[str, Any], folder: Path, *, flags: Sequence[str] = ("--cluster.listen-address=",)
    ) -> Iterator[AlertmanagerPeer]:
        """One instance with this configuration; alone unless the flags give it a cluster."""
        peer = cls.prepare(config, folder, flags=flags)
        try:
            peer.start()
            yield peer
        finally:
            peer.stop()

    @classmethod
    @contextmanager
    def running_pair(cls, config: Mapping[str, Any], folder: Path) -> Iterator[list[AlertmanagerPeer]]:
        """Two that gossip: the second one waits a second for the first to notify."""
        ports = free_ports(2)
        cluster = [f"--cluster.peer=127.0.0.1:{port}" for port in ports]
        pair = [
            cls.prepare(config, folder / name, flags=(*cluster, *_member(port)))
            for name, port in zip(("first", "second"), ports, strict=True)
        ]
        try:
            for peer in pair:
                peer.start()
            for peer in pair:  # before that each would notify by itself
                wait_until(partial(peer.in_cluster_of, 2), timeout=20)
            yield pair
        finally:
            for peer in pair:
                peer.stop()

    @classmethod
    def prepare(cls, config: Mapping[str, Any], folder: Path, *, flags: Sequence[str]) -> AlertmanagerPeer:
        folder.mkdir(parents=True)
        settings = folder / "alertmanager.yml"
        settings.write_text(yaml.safe_dump(dict(config)))
        address = f"127.0.0.1:{free_port()}"
        command = [
            *(str(binary()), f"--config.file={settings}", f"--storage.path={folder / 'data'}"),
            *(f"--web.listen-address={address}", *flags),
        ]
        return cls(f"http://{address}", Process(command, folder / "alertmanager.log"))

    def start(self) -> None:
        self.process.start()
        self.process.wait_until_ready(
            lambda: get(f"{self.url}/-/ready") is not None, timeout=20, what="Alertmanager ready"
        )

    def stop(self) -> None:
        self.process.stop()

    def kill(self) -> None:
        self.process.kill()

    def post_alerts(self, *alerts: Mapping[str, Any]) -> None:
        """Alerts in the shape of its API: labels, annotations, startsAt, endsAt."""
        post_json(f"{self.url}/api/v2/alerts", list(alerts))

    def in_cluster_of(self, size: int) -> bool:
        """Whether it has settled and gossips among so many."""
        cluster = json.loads(get(f"{self.url}/api/v2/status") or "{}").get("cluster", {})
        return cluster.get("status") == "ready" and len(cluster["peers"]) == size

    def alerts(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(get(f"{self.url}/api/v2/alerts") or "[]")
        return found


def webhook_config(url: str, token: str | None = None, **route: Any) -> dict[str, Any]:
    """Everything goes to one webhook, soon; `route` overrides the waits and the grouping."""
    webhook: dict[str, Any] = {"url": url, "send_resolved": True}
    if token is not None:
        webhook["http_config"] = {"authorization": {"type": "Bearer", "credentials": token}}
    timing = {"group_by": ["alertname"], "group_wait": "1s", "group_interval": "2s", "repeat_interval": "1h"}
    return {
        "route": {"receiver": "webhook", **timing, **route},
        "receivers": [{"name": "webhook", "webhook_configs": [webhook]}],
    }


def binary() -> Path:
    return cached("alertmanager", VERSION, _build) / "alertmanager"


def _build(workshop: Path) -> None:
    """Its web page is not in the module, so the module is vendored and an empty page put in its place."""
    go = find_go()
    source = workshop / "source"
    source.mkdir()
    (source / "go.mod").write_text(_GO_MOD)
    (source / "tools.go").write_text(_TOOLS_GO)
    run_build([go, "get", f"{_MODULE}/cmd/alertmanager@v{VERSION}"], cwd=source)
    run_build([go, "mod", "vendor", "-e"], cwd=source)  # -e: the page's embed cannot be resolved yet
    page = source / "vendor" / _MODULE / "ui" / "app" / "dist" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<html></html>")
    output = str(workshop / "alertmanager")
    run_build([go, "build", "-mod=vendor", "-o", output, f"{_MODULE}/cmd/alertmanager"], cwd=source)
    shutil.rmtree(source)


def find_go() -> str:
    """A Go that builds it (one that fetches a newer tool chain by itself is fine too)."""
    go = find_tool("go", _GO_HINT)
    told = subprocess.run(
        [go, "env", "GOVERSION", "GOTOOLCHAIN"], capture_output=True, text=True, check=False
    ).stdout
    version, _, toolchain = told.strip().partition("\n")
    found = re.match(r"go(\d+)\.(\d+)", version)
    too_old = found is None or (int(found[1]), int(found[2])) < (1, 26)
    if too_old and toolchain in {"", "local"}:
        raise MissingToolError(f"`go` is {version or 'too old'} ({_GO_HINT})")
    return go


def _member(cluster_port: int) -> tuple[str, ...]:
    address = f"127.0.0.1:{cluster_port}"
    return (
        f"--cluster.listen-address={address}",
        f"--cluster.advertise-address={address}",
        "--cluster.peer-timeout=1s",
        "--cluster.settle-timeout=1s",
        "--cluster.gossip-interval=50ms",
        "--cluster.pushpull-interval=1s",
    )
