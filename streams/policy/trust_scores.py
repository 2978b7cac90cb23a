"""The trust scores as this process knows them: what cannot be read is no trust."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schemas.codec import Codec
from schemas.envelope import to_millis
from schemas.errors import Never
from schemas.trust import TrustDecayed, TrustRaised, TrustReset, TrustScore
from streams.policy.policy import TrustPolicy
from streams.policy.trust import Score, decayed

TOPIC = "trust"
SCORES = (TrustRaised, TrustReset, TrustDecayed)


class TrustScores:
    def __init__(self, codec: Codec, values: Callable[[], Mapping[bytes, bytes] | None]) -> None:
        self._codec, self._values = codec, values

    def score(self, key: str, now: int, policy: TrustPolicy) -> int:
        """What has faded since is taken off, whether or not anybody has said so yet."""
        said = self._read((self._values() or {}).get(key.encode()))
        if said is None or said.trust_key != key:
            return 0
        return decayed(score_of(said), now, policy).value

    def all(self) -> list[TrustScore]:
        read = map(self._read, (self._values() or {}).values())
        return sorted((one for one in read if one is not None), key=lambda one: one.trust_key)

    def _read(self, value: bytes | None) -> TrustScore | None:
        if value is None:
            return None
        try:
            event = self._codec.decode(value)
        except Never:
            return None
        return event.payload if isinstance(event, SCORES) else None


def score_of(said: TrustScore) -> Score:
    return Score(said.score, to_millis(said.used_at), said.recent)
