"""Where the demo's scene stands: the server out of a kubeconfig, with a log-in of our own put to it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from connectors.kubernetes.config import Place
from schemas.errors import Misconfigured


@dataclass(frozen=True, slots=True)
class Login:
    """`place` is who runs the demo; `cluster` is how their file describes the server."""

    place: Place
    cluster: Mapping[str, Any]

    @property
    def server(self) -> str:
        return str(self.cluster["server"])

    def write(self, path: Path, token: str) -> Path:
        """The same server with another log-in, readable by its owner alone."""
        name = "demo"
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": dict(self.cluster)}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            yaml.safe_dump(config, file)
        return path


def login_of(told: str) -> Login:
    """`FILE` or `FILE#context`; Misconfigured says what is wrong with it."""
    place = Place.read(told)
    if place.kubeconfig is None:
        raise Misconfigured("--kubeconfig takes a file, with #context if wanted")
    try:
        config = yaml.safe_load(place.kubeconfig.read_text())
        context = place.context or config["current-context"]
        chosen = _named(config["contexts"], context)["context"]
        cluster = dict(_named(config["clusters"], chosen["cluster"])["cluster"])
        _ = cluster["server"]
    except OSError as error:
        raise Misconfigured(f"--kubeconfig: {place.kubeconfig} cannot be read: {error.strerror}") from error
    except (KeyError, TypeError, ValueError, StopIteration, AttributeError, yaml.YAMLError) as error:
        raise Misconfigured(f"--kubeconfig: {place} names no cluster: {_why(error)}") from error
    return Login(Place(place.kubeconfig, context), _absolute(cluster, place.kubeconfig.parent))


def _named(entries: Sequence[Mapping[str, Any]], name: str) -> Mapping[str, Any]:
    found = next((entry for entry in entries if entry["name"] == name), None)
    if found is None:
        raise ValueError(
            f"there is no {name!r} in it, there are: {', '.join(str(one['name']) for one in entries)}"
        )
    return found


def _absolute(cluster: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Our file lies elsewhere."""
    authority = cluster.get("certificate-authority")
    return cluster | ({"certificate-authority": str(folder.absolute() / authority)} if authority else {})


def _why(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error).splitlines()[0]
