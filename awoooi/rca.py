"""What the stages of `rca` and `policy` are given: gatherers, topology, keys, playbooks, models.

What is not configured is a gap in evidence or one voice less, never a fault.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
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
from connectors.executors.named import NamedFile, read_named
from connectors.http import HttpClient
from schemas.codec import Codec
from schemas.errors import Misconfigured
from streams.pipeline import Given
from streams.policy.exam import Rules
from streams.policy.issuer import MOST_BYTES, Issuer
from streams.policy.proof import load_proof_key
from streams.policy.recorded_signers import TOPIC as SIGNERS
from streams.policy.recorded_signers import RecordedSigners
from streams.policy.verifier import Verifier
from streams.policy.world import world_of
from streams.reference import Reference

if TYPE_CHECKING:
    from awoooi.worker import Make

ISSUER_SECS = 3.0
"""signatures wait for it: whose keys are not there by then is refused"""


def policy_given(settings: Settings, opened: AsyncExitStack) -> Make:
    """Rules only: no model and no cluster is asked from here."""
    desk, issuer = desk_of(settings, NoPanel()), issuers_of(opened)
    key = load_proof_key(settings.approvals.proof_key_file)

    def make(codec: Codec, reference: Reference) -> Given:
        world = world_of(codec, reference.current, reference.offset)
        verifier = verifier_of(settings, codec, reference, issuer)
        return Given(codec, desk=desk, world=world, verifier=verifier, proof_key=key)

    return make


def issuers_of(opened: AsyncExitStack) -> Callable[[str], Issuer]:
    """The web is for OIDC issuers: it is opened where there are any."""

    @cache
    def web() -> HttpClient:
        client = HttpClient(timeout_secs=ISSUER_SECS, max_answer_bytes=MOST_BYTES)
        opened.push_async_callback(client.close)
        return client

    return lambda url: Issuer(url, web())


def verifier_of(
    settings: Settings, codec: Codec, reference: Reference, issuer: Callable[[str], Issuer]
) -> Verifier:
    """Who may sign, as signers file and topic have it together."""
    approvals = settings.approvals
    rules = Rules(audience=approvals.environment, embedded=settings.embedded)
    log = RecordedSigners(
        codec,
        lambda: reference.current(SIGNERS),
        lambda: reference.offset(SIGNERS),
        gives=approvals.topic_gives,
    )
    return Verifier(rules, approvals.signers_file, issuer, log).watched()


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
    """What is configured by name is known to the agents as text alone: the hard rules judge it."""
    named, tools = named_of(settings), settings.mcp
    if twice := sorted(named.texts().keys() & tools.texts().keys()):
        raise Misconfigured(f"AWOOOI_MCP_TOOLS: {', '.join(twice)}: AWOOOI_ACTIONS_FILE has that name too")
    texts, risks = {**named.texts(), **tools.texts()}, {**named.risks(), **tools.risks()}
    return Desk(load_book(settings.playbooks), time.monotonic, panel, configured=texts, risks=risks)


def named_of(settings: Settings) -> NamedFile:
    """Empty where no file is given."""
    return NamedFile() if settings.actions_file is None else read_named(settings.actions_file)


def keys_of(settings: Settings) -> Keys:
    """Raises Misconfigured where a key is missing: `awoooi init` makes them."""
    sealing = settings.sealing
    target = load_target_key(sealing.target_key_file)
    return Keys(opener(sealing.private_key_file), Sealer(load_public_key(sealing.public_key_file)), target)
