"""What the stages of `rca` and `policy` are given: gatherers, topology, keys, playbooks, models.

What is not configured is a gap in evidence or one voice less, never a fault.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache
from typing import TYPE_CHECKING

from agents.desk import Desk
from agents.key_rotation import opener
from agents.models.model import NoPanel, Panel
from agents.playbooks.book import load_book
from agents.sealing import Sealer, load_public_key
from agents.snapshot import Keys
from agents.target_id import load_target_key
from awoooi.evidence import Outside, evidence_needs, services_of_file
from awoooi.settings import Settings
from connectors.http import HttpClient
from schemas.codec import Codec
from streams.pipeline import Given
from streams.policy.exam import Rules
from streams.policy.issuer import Issuer
from streams.policy.verifier import Verifier
from streams.policy.world import world_of
from streams.reference import Reference

if TYPE_CHECKING:
    from awoooi.worker import Make

ISSUER_SECS = 3.0
"""signatures wait for it: whose keys are not there by then is refused"""


def policy_given(settings: Settings, opened: AsyncExitStack) -> Make:
    """Rules only: no model and no cluster is asked from here."""
    desk, verifier = desk_of(settings, NoPanel()), verifier_of(settings, opened)

    def make(codec: Codec, reference: Reference) -> Given:
        def read(topic: str) -> Mapping[bytes, bytes] | None:
            return reference.values(topic) if reference.ready.is_set() else None

        return Given(codec, desk=desk, world=world_of(codec, read, reference.offset), verifier=verifier)

    return make


def verifier_of(settings: Settings, opened: AsyncExitStack) -> Verifier:
    """Who may sign, as the signers file has it; the web is for OIDC issuers, where there are any."""

    @cache
    def web() -> HttpClient:
        client = HttpClient(timeout_secs=ISSUER_SECS)
        opened.push_async_callback(client.close)
        return client

    approvals = settings.approvals
    rules = Rules(audience=approvals.environment, embedded=settings.embedded)
    return Verifier(rules, approvals.signers_file, lambda url: Issuer(url, web()))


@asynccontextmanager
async def rca_given(settings: Settings) -> AsyncIterator[Make]:
    """Its connections close with the block."""
    from prometheus_client import REGISTRY

    from awoooi.models import panel_of

    async with AsyncExitStack() as opened:
        panel = panel_of(settings, REGISTRY)
        opened.push_async_callback(panel.close)
        desk, keys = desk_of(settings, panel), keys_of(settings)
        outside, fixed = Outside(settings, opened), services_of_file(settings)

        def make(codec: Codec, reference: Reference) -> Given:
            needs = evidence_needs(settings, codec, reference, outside, keys, fixed)
            return Given(codec, desk=desk, evidence=needs)

        yield make


def desk_of(settings: Settings, panel: Panel) -> Desk:
    return Desk(load_book(settings.playbooks), time.monotonic, panel)


def keys_of(settings: Settings) -> Keys:
    """Raises Misconfigured where a key is missing: `awoooi init` makes them."""
    sealing = settings.sealing
    target = load_target_key(sealing.target_key_file)
    return Keys(opener(sealing.private_key_file), Sealer(load_public_key(sealing.public_key_file)), target)
