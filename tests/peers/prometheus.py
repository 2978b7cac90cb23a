"""Prometheus, as Debian packages it."""

from __future__ import annotations

import json
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.peers.http import get
from tests.peers.process import Process
from tests.peers.tools import find_tool
from tests.peers.waiting import free_port

_HINT = "Debian: prometheus"


@dataclass
class PrometheusPeer:
    url: str
    process: Process

    @classmethod
    @contextmanager
    def running(
        cls,
        config: Mapping[str, Any],
        folder: Path,
        *,
        rules: Sequence[Mapping[str, Any]] = (),
        resend_delay: str = "3s",
        flags: Sequence[str] = (),
    ) -> Iterator[PrometheusPeer]:
        """One server; `rules` are alerting rules, evaluated every second."""
        peer = cls._prepare(config, folder, rules, (f"--rules.alert.resend-delay={resend_delay}", *flags))
        try:
            peer.start()
            yield peer
        finally:
            peer.process.stop()

    @classmethod
    def _prepare(
        cls, config: Mapping[str, Any], folder: Path, rules: Sequence[Mapping[str, Any]], flags: Sequence[str]
    ) -> PrometheusPeer:
        folder.mkdir(parents=True)
        settings, rule_file = folder / "prometheus.yml", folder / "rules.yml"
        rule_file.write_text(
            yaml.safe_dump({"groups": [{"name": "test", "rules": [dict(rule) for rule in rules]}]})
        )
        settings.write_text(yaml.safe_dump({**config, "rule_files": [str(rule_file)]}))
        address = f"127.0.0.1:{free_port()}"
        command = [
            *(str(binary()), f"--config.file={settings}"),
            *(f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}", *flags),
        ]
        return cls(f"http://{address}", Process(command, folder / "prometheus.log"))

    def start(self) -> None:
        self.process.start()
        self.process.wait_until_ready(
            lambda: get(f"{self.url}/-/ready") is not None, timeout=30, what="Prometheus ready"
        )

    def stop(self) -> None:
        self.process.stop()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """An instant query's samples."""
        answer = get(f"{self.url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        found: list[dict[str, Any]] = json.loads(answer)["data"]["result"] if answer else []
        return found


def binary() -> Path:
    return Path(find_tool("prometheus", _HINT))


def alerting_config(*alertmanagers: str, token: str | None = None, api_version: str = "v2") -> dict[str, Any]:
    """Evaluates every second and sends to these http://host:port, with a bearer token if given."""
    hosts = [url.removeprefix("http://").rstrip("/") for url in alertmanagers]
    target: dict[str, Any] = {"static_configs": [{"targets": hosts}], "api_version": api_version}
    if token is not None:
        target["authorization"] = {"type": "Bearer", "credentials": token}
    return {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "alerting": {"alertmanagers": [target]},
    }
