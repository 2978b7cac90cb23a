"""A topology written by hand, YAML or JSON.

    cluster: eu-1            # left out: default
    services:
      checkout: {namespace: shop, depends_on: [cart, orders-db]}
      orders-db: {kind: database, health: unhealthy}

A service that is only depended on need not be listed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from schemas.errors import Misconfigured
from schemas.evidence import Health, NodeKind
from schemas.topology import ServiceObserved, observed

OBSERVER = "file"
MOST_TOLD = 5
_SHAPE = 'it must hold "services", a mapping from names to what they are'


class _Service(BaseModel):
    model_config = ConfigDict(extra="forbid")

    kind: NodeKind = NodeKind.SERVICE
    namespace: str = ""
    health: Health = Health.UNKNOWN
    depends_on: tuple[str, ...] = ()


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    cluster: str = "default"
    services: dict[str, _Service | None]


def read_topology(path: Path) -> Sequence[ServiceObserved]:
    """Raises Misconfigured, which names the file, the place in it, and what is allowed."""
    try:
        told = _parse(path, path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if not isinstance(told, Mapping):
        raise Misconfigured(f"{path}: {_SHAPE}")
    try:
        file = _File.model_validate(told)
    except ValidationError as error:
        raise Misconfigured(f"{path}: {_in_words(error)}") from error
    return [_observed(name, service or _Service(), file.cluster) for name, service in file.services.items()]


def _parse(path: Path, text: str) -> Any:
    try:
        return json.loads(text) if path.suffix == ".json" else yaml.load(text, _LOADER)  # noqa: S506  a safe one
    except json.JSONDecodeError as error:
        raise Misconfigured(f"{path}, line {error.lineno}: {error.msg}") from error
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise Misconfigured(f"{path}{line}: {error.problem or error}") from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Misconfigured(f"{path}: {error}") from error


_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _observed(name: str, service: _Service, cluster: str) -> ServiceObserved:
    return observed(
        OBSERVER,
        name,
        cluster=cluster,
        namespace=service.namespace,
        kind=service.kind,
        health=service.health,
        depends_on=service.depends_on,
    )


def _in_words(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False)
    told = [f"{'.'.join(map(str, one['loc'])) or 'file'}: {_reason(one['msg'])}" for one in found[:MOST_TOLD]]
    more = len(found) - len(told)
    return "; ".join(told) + (f"; and {more} more" if more else "")


def _reason(message: str) -> str:
    return message.removeprefix("Input ").removeprefix("Value error, ")
