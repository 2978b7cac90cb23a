"""The switches as this process knows them. Whatever cannot be read counts as the safer of its states."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from schemas.codec import Codec
from schemas.errors import BrokerAway, Never
from schemas.switch import EVERYWHERE, OFF, ON, Mode, SwitchKind, SwitchSet, SwitchSetting

TOPIC = "switches"
Values = Callable[[], Mapping[bytes, bytes] | None]
"""The reference view's values; None while they have not been read to their end."""


class UpToDate(Protocol):
    """The reference view, as far as it is needed here."""

    def values(self, topic: str) -> Mapping[bytes, bytes]: ...

    def offset(self, topic: str) -> int: ...

    async def reached_end(self, topic: str, timeout_secs: float = 5.0) -> int: ...


class Switches:
    """`engaged` says why the kill switch counts as engaged; each question looks at the latest values."""

    def __init__(self, codec: Codec, values: Values) -> None:
        self._codec, self._values = codec, values
        self._read: dict[bytes, tuple[bytes, SwitchSetting | None]] = {}

    def engaged(self, project_id: str) -> str:
        """Empty where every execution of the project may go on, as far as the kill switch is asked."""
        values = self._values()
        if values is None:
            return "the kill switch is engaged: the switches have not been read"
        everywhere = self._state(values, SwitchKind.KILL_SWITCH, EVERYWHERE)
        if everywhere is None:
            return "the kill switch is engaged: nobody has lifted it yet"
        for name, state in ((EVERYWHERE, everywhere), (project_id, self._of_project(values, project_id))):
            if state != OFF:
                whose = "" if name == EVERYWHERE else f" of {name}"
                doubt = "" if state == ON else ": what stands there cannot be read"
                return f"the kill switch{whose} is engaged{doubt}"
        return ""

    def opted_in(self, operation: str) -> bool:
        values = self._values()
        return values is not None and self._state(values, SwitchKind.OPERATION, operation) == ON

    def shadow(self, project_id: str) -> bool:
        """Shadow projects decide, and act on nothing."""
        values = self._values()
        return values is None or self._state(values, SwitchKind.SHADOW, project_id) not in (None, OFF)

    def outbound(self, integration: str) -> Mode:
        """LOG until somebody says otherwise: what would be sent is recorded, and stays here."""
        values = self._values()
        state = None if values is None else self._state(values, SwitchKind.OUTBOUND, integration)
        if state is None:
            return Mode.LOG
        return Mode(state) if state in set(Mode) else Mode.OFF

    def settings(self) -> list[SwitchSetting | str]:
        """All that is set; of what cannot be read its key."""
        values = self._values() or {}
        found = [(key, self._one(key, value)) for key, value in sorted(values.items())]
        return [said or key.decode(errors="replace") for key, said in found]

    def _of_project(self, values: Mapping[bytes, bytes], project_id: str) -> str:
        """What nobody has set for a project is what holds everywhere."""
        state = self._state(values, SwitchKind.KILL_SWITCH, project_id)
        return OFF if state is None else state

    def _state(self, values: Mapping[bytes, bytes], kind: SwitchKind, name: str) -> str | None:
        """None: nobody has set it. Empty: what stands there cannot be read."""
        key = f"{kind}/{name}".encode()
        if key not in values:
            return None
        said = self._one(key, values[key])
        return "" if said is None else said.state

    def _one(self, key: bytes, value: bytes) -> SwitchSetting | None:
        """Decoded once; a value under another's key is none."""
        kept = self._read.get(key)
        if kept is not None and kept[0] is value:
            return kept[1]
        said = self._decoded(value)
        if said is not None and said.subject.encode() != key:
            said = None
        self._read[key] = (value, said)
        return said

    def _decoded(self, value: bytes) -> SwitchSetting | None:
        try:
            event = self._codec.decode(value)
        except Never:
            return None
        return event.payload if isinstance(event, SwitchSet) else None


async def engaged_now(codec: Codec, view: UpToDate, project_id: str, timeout_secs: float = 5.0) -> str:
    """Asked of the broker itself: in doubt about being up to date it counts as engaged."""
    try:
        await view.reached_end(TOPIC, timeout_secs)
    except BrokerAway as error:
        return f"the kill switch counts as engaged: {error}"
    return Switches(codec, lambda: view.values(TOPIC)).engaged(project_id)
