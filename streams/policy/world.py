"""What the gate knows of the world beside a run: policy, switches, silences, trust; from reference data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from schemas.codec import Codec
from streams.policy.in_force import TOPIC as POLICIES
from streams.policy.in_force import PolicyInForce
from streams.policy.silenced import TOPIC as SILENCES
from streams.policy.silenced import Quiet
from streams.policy.switches import TOPIC as SWITCHES
from streams.policy.switches import Switches
from streams.policy.trust_scores import TOPIC as TRUST
from streams.policy.trust_scores import TrustScores

Read = Callable[[str], Mapping[bytes, bytes] | None]
"""A reference topic's values; None while they have not been read to their end"""


@dataclass(frozen=True, slots=True)
class World:
    policies: PolicyInForce
    switches: Switches
    trust: TrustScores
    quiet: Quiet
    offset: Callable[[str], int]
    """how far a reference topic was read; -1: not at all"""

    def offsets(self) -> dict[str, int]:
        return {topic: self.offset(topic) for topic in (POLICIES, SILENCES, SWITCHES, TRUST)}


def world_of(codec: Codec, read: Read, offset: Callable[[str], int]) -> World:
    return World(
        PolicyInForce(codec, lambda: read(POLICIES)),
        Switches(codec, lambda: read(SWITCHES)),
        TrustScores(codec, lambda: read(TRUST)),
        Quiet(codec, lambda: read(SILENCES), lambda: offset(SILENCES)),
        offset,
    )
