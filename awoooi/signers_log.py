"""What the commands about signers read and write: the signers file, and the topic beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from awoooi.events import codec_of
from awoooi.logs import quiet
from awoooi.reference_data import STAGE, now, person, publish, reading
from awoooi.settings import Settings
from schemas import ids
from schemas.envelope import Event
from schemas.errors import Misconfigured
from schemas.signer import Fact
from streams.policy.recorded_signers import TOPIC, Recorded, recorded, together
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile, read_signers

E = TypeVar("E", bound=Event)


class SignersLog(Protocol):
    """The topic `signers`."""

    def read(self) -> Recorded: ...

    def write(self, events: Sequence[Event]) -> None: ...


@dataclass(frozen=True, slots=True)
class OnKafka:
    settings: Settings

    def read(self) -> Recorded:
        """As the broker has it this moment."""
        return asyncio.run(self._read())

    def write(self, events: Sequence[Event]) -> None:
        """Durable when it returns, in this order."""
        quiet()
        asyncio.run(publish(self.settings, *events))

    async def _read(self) -> Recorded:
        quiet()
        async with codec_of(self.settings) as (codec, _), reading(self.settings, TOPIC) as reference:
            gives = self.settings.approvals.topic_gives
            return recorded(codec, reference.values(TOPIC), gives=gives)


@dataclass(frozen=True, slots=True)
class Register:
    """Who may sign, by each source and by both."""

    file: SignersFile
    log: Recorded
    both: SignersFile

    @property
    def registry(self) -> Registry:
        return Registry.of(self.both)

    def must_give(self) -> None:
        if not self.log.gives:
            raise Misconfigured(
                "the topic of signers gives nothing here (AWOOOI_APPROVALS_TOPIC_GIVES): who may sign stands "
                "in the signers file, with every key; `signers remove` and `keys revoke` take away"
            )


def register(settings: Settings, log: SignersLog) -> Register:
    path = settings.approvals.signers_file
    file = read_signers(path) if path.exists() else SignersFile()
    said = log.read()
    return Register(file, said, together(file, said))


def act(kind: type[E], fact: Fact) -> E:
    """What a person does at the command line, as an event."""
    at = now()
    told: dict[str, Any] = {
        "event_id": ids.derive_id(kind.type_name(), fact.model_dump_json(), at.isoformat()),
        "project_id": "",
        "occurred_at": at,
        "recorded_at": at,
        "stage": STAGE,
        "actor": person(),
        "payload": fact,
    }
    return kind(**told)
