"""The policy in force: the latest that was applied, the last good one where that cannot be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import structlog
from prometheus_client import Gauge

from schemas.codec import Codec
from schemas.errors import Misconfigured, Never
from schemas.policy import SUBJECT, PolicyApplied
from streams.policy.policy import Policy, parse_policy, shipped

log = structlog.get_logger(__name__)
TOPIC = "policies"
REFUSED = Gauge("awoooi_policy_refused", "1 while the latest policy cannot be read and an older one is kept")


class PolicyInForce:
    def __init__(self, codec: Codec, values: Callable[[], Mapping[bytes, bytes] | None]) -> None:
        self._codec, self._values = codec, values
        self._shipped = self._good = shipped()
        self._read: bytes | None = None
        self._has_good = False
        self.trouble = ""
        """why nothing may be automatic: a policy was applied, and none that was can be read"""

    def policy(self) -> Policy:
        values = self._values()
        if values is None:
            self.trouble = "the policy has not been read"
            return self._good
        value = values.get(SUBJECT.encode())
        if value is None:
            self._good, self._read, self._has_good, self.trouble = self._shipped, None, False, ""
            return self._good
        if value is not self._read:
            self._read = value
            self._take(value)
        return self._good

    def _take(self, value: bytes) -> None:
        try:
            event = self._codec.decode(value)
            if not isinstance(event, PolicyApplied):
                raise Misconfigured(f"{event.type} is no policy")  # noqa: TRY301 (one way out of it)
            policy = parse_policy(event.payload.text, f"policy {event.payload.version}")
        except (Never, Misconfigured) as error:
            REFUSED.set(1)
            log.warning("policy_refused", why=str(error), kept=self._good.version, hash=self._good.hash[:12])
            self.trouble = "" if self._has_good else f"the policy that was applied cannot be read: {error}"
            return
        REFUSED.set(0)
        self._good, self._has_good, self.trouble = policy, True, ""
        log.info("policy_in_force", version=policy.version, hash=policy.hash[:12])
