"""Admission as a cluster's owner sets it up, in a world."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from connectors.kubernetes import kinds
from tests.admission import judging
from tests.connectors.kubernetes.worlds import World
from tests.peers import wait_until


@dataclass
class TrialsOnly:
    """It lets a dry run pass and refuses the same in earnest, in these words."""

    words: str
    trials: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def judge(self, request: dict[str, Any]) -> str:
        trial = bool(request.get("dryRun"))
        (self.trials if trial else self.refused).append(request["name"])
        return "" if trial else self.words


@contextmanager
def trials_only(world: World, words: str, deployment: str) -> Iterator[TrialsOnly]:
    """In force for changes of this namespace's deployments."""
    webhook = TrialsOnly(words)

    def asked() -> bool:
        path = f"{kinds.DEPLOYMENT.path(world.namespace, deployment)}?dryRun=All"
        world.peer.patch(path, {"spec": {"minReadySeconds": 1}})
        return bool(webhook.trials)

    with judging(world.peer, world.namespace, webhook.judge):
        wait_until(asked, timeout=60, what="the webhook in force")
        yield webhook
