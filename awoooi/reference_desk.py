"""What the gateway tells of switches and trust, and the events by which people change them there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from functools import cached_property
from urllib.parse import unquote

from awoooi.act_desk import cleaned
from awoooi.events import encoded, there
from awoooi.switch_commands import switch_set
from awoooi.trust_commands import taken_away
from connectors.gateway.act_desk import Receipt
from connectors.gateway.acting import STAGE
from connectors.gateway.switches import Kill, KillSwitch, OneKill
from connectors.gateway.switches import Switches as Shown
from connectors.gateway.trust import Earned, Reset, Scores
from schemas.codec import Codec
from schemas.envelope import Event, from_millis
from schemas.errors import Never
from schemas.headers import Headers
from schemas.switch import EVERYWHERE, OFF, ON, SwitchKind, SwitchSet, setting
from schemas.trust import TrustScore
from streams.policy.in_force import TOPIC as POLICIES
from streams.policy.in_force import PolicyInForce
from streams.policy.switches import TOPIC as SWITCHES
from streams.policy.switches import Switches
from streams.policy.trust import decayed
from streams.policy.trust_scores import TOPIC as TRUST
from streams.policy.trust_scores import TrustScores, score_of
from streams.reference import Reference

TOPICS = (SWITCHES, TRUST, POLICIES)
TAKEN_IN_SECS = 3.0
Clock = Callable[[], int]


class ReferenceDesk:
    """The gateway's SwitchDesk and TrustDesk. `codec` is None until it is there."""

    def __init__(self, reference: Reference, now_ms: Clock, codec: Callable[[], Codec | None]) -> None:
        self._reference, self._now_ms, self._given = reference, now_ms, codec

    # -- switches

    def switches(self, projects: Collection[str] | None) -> Shown:
        said, switches = self._set(), self._switches
        everywhere = self._one(EVERYWHERE, said)
        named = {name for kind, name in said if kind == SwitchKind.KILL_SWITCH} - {EVERYWHERE}
        shadows = sorted(name for kind, name in said if kind == SwitchKind.SHADOW and switches.shadow(name))
        return Shown(
            kill_switch=KillSwitch(
                **everywhere.model_dump(exclude={"project", "set_here"}),
                projects=tuple(self._one(name, said) for name in sorted(_theirs(named, projects))),
            ),
            opted_in=tuple(
                sorted(n for kind, n in said if kind == SwitchKind.OPERATION and switches.opted_in(n))
            ),
            shadow=tuple(name for name in shadows if projects is None or name in projects),
            fresh=self._reference.current(SWITCHES) is not None,
        )

    def _one(self, project: str, said: dict[tuple[str, str], SwitchSet]) -> OneKill:
        """Whether it stops is asked as the stages ask; the person's words are from the record beside it."""
        says = self._switches.engaged(project)
        own = said.get((SwitchKind.KILL_SWITCH, project))
        told = {} if own is None else {"why": own.payload.reason, "by": own.actor, "at": own.recorded_at}
        return OneKill.model_validate(
            {"project": project, "engaged": bool(says), "says": says, "set_here": own is not None, **told}
        )

    def kill(self, wish: Kill, person: str, now_ms: int) -> Event:
        reason = _clean(wish.reason)
        chosen = setting(
            SwitchKind.KILL_SWITCH, wish.project or EVERYWHERE, ON if wish.engaged else OFF, reason
        )
        return switch_set(chosen, person, from_millis(now_ms), STAGE)

    async def taken_in(self, lies: Receipt) -> None:
        await self._reference.passed(lies.topic, lies.offset, TAKEN_IN_SECS)

    def _set(self) -> dict[tuple[str, str], SwitchSet]:
        """All that can be read, under its own key."""
        return {
            (event.payload.kind, event.payload.name): event
            for key, event in self._events(SWITCHES)
            if isinstance(event, SwitchSet) and event.payload.subject.encode() == key
        }

    # -- trust

    def scores(self, projects: Collection[str] | None) -> Scores:
        policy, now = self._policy.policy().trust, self._now_ms()
        theirs = {
            key: value
            for key, value in (self._reference.current(TRUST) or {}).items()
            if projects is None or _project_of(key.decode(errors="replace")) in projects
        }
        said = TrustScores(self._codec, lambda: theirs).all()
        items = [_earned(one, decayed(score_of(one), now, policy).value) for one in said]
        return Scores(
            items=tuple(one for one in items if projects is None or one.project_id in projects),
            medium_counts_low_from=policy.medium_counts_low_from,
            high_counts_medium_from=policy.high_counts_medium_from,
            fresh=self._reference.current(TRUST) is not None,
        )

    def reset(self, wish: Reset, person: str, now_ms: int) -> Event:
        return taken_away(wish.trust_key, _clean(wish.reason), person, from_millis(now_ms), STAGE)

    # -- the log

    def encode(self, event: Event, traceparent: bytes) -> tuple[bytes, Headers]:
        return encoded(self._codec, event, traceparent)

    def _events(self, topic: str) -> Iterator[tuple[bytes, Event]]:
        for key, value in (self._reference.current(topic) or {}).items():
            try:
                yield key, self._codec.decode(value)
            except Never:  # what counts is asked of Switches, which takes it for the safer state
                continue

    @property
    def _codec(self) -> Codec:
        return there(self._given())

    @cached_property
    def _switches(self) -> Switches:
        return Switches(self._codec, lambda: self._reference.current(SWITCHES))

    @cached_property
    def _policy(self) -> PolicyInForce:
        return PolicyInForce(self._codec, lambda: self._reference.current(POLICIES))


def _theirs(named: Collection[str], projects: Collection[str] | None) -> Collection[str]:
    """Who has some projects sees each of them; who has all sees those that somebody named."""
    return named if projects is None else projects


def _clean(reason: str) -> str:
    """As an alert's texts are. What a label stands for is kept nowhere: every process reads this."""
    return cleaned({"reason": reason}, for_models=False).texts["reason"]


def _project_of(trust_key: str) -> str:
    return unquote(trust_key.partition("/")[0])


def _earned(said: TrustScore, score: int) -> Earned:
    parts = [unquote(part) for part in said.trust_key.split("/")]
    project, operation, cluster, namespace, workload = (*parts, *[""] * 5)[:5]
    return Earned(
        trust_key=said.trust_key,
        project_id=project,
        operation=operation,
        cluster=cluster,
        namespace=namespace,
        workload=workload.removesuffix("-*"),
        score=score,
        used_at=said.used_at,
        recent=said.recent,
        reason=said.reason,
    )
