"""What who acts knows at this moment: its views of the reference topics, read to the broker's own end."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from schemas.authorization import ActionAuthorized
from schemas.envelope import to_millis
from schemas.errors import BrokerAway
from streams.policy.in_force import TOPIC as POLICIES
from streams.policy.recheck import Today
from streams.policy.recorded_signers import TOPIC as SIGNERS
from streams.policy.silenced import TOPIC as SILENCES
from streams.policy.switches import TOPIC as SWITCHES
from streams.policy.switches import UpToDate
from streams.policy.trust_scores import TOPIC as TRUST
from streams.policy.verifier import Verifier
from streams.policy.world import World

ASKED = (SWITCHES, POLICIES, SIGNERS, TRUST, SILENCES)


@dataclass(frozen=True, slots=True)
class LastWord:
    view: UpToDate
    world: World
    verifier: Verifier
    key: bytes = field(repr=False)
    """proves what policy decided"""

    async def doubt(self, event: ActionAuthorized) -> str:
        """Why the views may be old ones; empty where they hold all that the broker has now."""
        try:
            await asyncio.gather(*(self.view.reached_end(topic) for topic in ASKED))
        except BrokerAway as error:
            return f"the kill switch counts as engaged: {error}"
        for signed in event.payload.signatures:
            await self.verifier.prepare(signed.token.encode())
        return ""

    def today(self, event: ActionAuthorized, at: datetime, doubt: str) -> Today:
        told, world = event.payload, self.world
        policy = world.policies.policy()
        trust_key = told.assessment.trust_key
        return Today(
            at=at,
            policy=policy,
            registry=self.verifier.registry(),
            rules=self.verifier.rules,
            kill_switch=doubt or world.switches.engaged(event.project_id),
            shadow=world.switches.shadow(event.project_id),
            silence=world.quiet.silenced_at(event.project_id, told.action.step.target, to_millis(at)),
            freeze=world.quiet.frozen(event.project_id, told.action.step.target, to_millis(at)),
            policy_trouble=world.policies.trouble,
            opted_in=world.switches.opted_in(told.action.step.operation),
            trust=world.trust.score(trust_key, to_millis(at), policy.trust) if trust_key else 0,
            key=self.key,
        )
