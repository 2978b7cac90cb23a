"""`awoooi kill-switch` and `awoooi switches`: what may act, and what may leave."""

from __future__ import annotations

import asyncio
from datetime import datetime

from pydantic import ValidationError

from awoooi.events import codec_of
from awoooi.logs import quiet
from awoooi.printing import print_json, print_table
from awoooi.reference_data import STAGE, now, person, publish, reading
from awoooi.settings import Settings
from awoooi.switch_view import seen_by_all
from schemas import ids
from schemas.errors import Misconfigured
from schemas.switch import EVERYWHERE, STATES, SwitchKind, SwitchSet, SwitchSetting, setting
from streams.policy.switches import TOPIC, Switches, engaged_now

MORE_THAN_NOTHING = 3


def throw(settings: Settings, state: str, project: str, reason: str) -> None:
    """On stops every execution of all projects, or of one. Lifting it says why."""
    if state == "off" and len(reason.strip()) < MORE_THAN_NOTHING:
        raise Misconfigured("lifting the kill switch needs a --reason")
    _set(settings, setting(SwitchKind.KILL_SWITCH, project or EVERYWHERE, state, reason))
    whose = f" of {project}" if project else ""
    print(f"The kill switch{whose} is {'engaged' if state == 'on' else 'lifted'}.")


def status(settings: Settings, project: str) -> None:
    """As the broker has it this moment, in doubt engaged; and as the running processes see it."""
    quiet()
    why = asyncio.run(_engaged(settings, project))
    print(why or "The kill switch is lifted.")
    for seen in asyncio.run(seen_by_all(settings, project or EVERYWHERE)):
        other = "" if seen.engaged == bool(why) else ", unlike the log"
        print(f"  {seen.process}: {'engaged' if seen.engaged else 'lifted'}{other}")


def set_switch(settings: Settings, subject: str, state: str, reason: str) -> None:
    """`subject` is operation/NAME, shadow/PROJECT or outbound/INTEGRATION."""
    kind, _, name = subject.partition("/")
    kinds = [one for one in SwitchKind if one != SwitchKind.KILL_SWITCH]
    if kind not in kinds or not name:
        ways = ", ".join(f"{one}/NAME ({' or '.join(STATES[one])})" for one in kinds)
        raise Misconfigured(f"{subject}: give one of {ways}; the kill switch has a command of its own")
    try:
        chosen = setting(SwitchKind(kind), name, state, reason)
    except ValidationError as error:
        why = error.errors(include_url=False, include_context=False, include_input=False)[0]["msg"]
        raise Misconfigured(f"{subject}: {why.removeprefix('Value error, ')}") from error
    _set(settings, chosen)
    print(f"{subject} is {state}.")


def show(settings: Settings, *, as_json: bool) -> None:
    """All that anyone has set. What is not here has its safe state."""
    quiet()
    found = asyncio.run(_settings(settings))
    if as_json:
        print_json([one if isinstance(one, str) else one.model_dump(mode="json") for one in found])
        return
    rows = [
        (one, "cannot be read", "") if isinstance(one, str) else (one.subject, one.state, one.reason)
        for one in found
    ]
    print_table(("switch", "state", "why"), rows)


def switch_set(chosen: SwitchSetting, actor: str, at: datetime, stage: str = STAGE) -> SwitchSet:
    return SwitchSet(
        event_id=ids.derive_id("switch.set", chosen.subject, at.isoformat(), chosen.state),
        project_id="",
        occurred_at=at,
        recorded_at=at,
        stage=stage,
        actor=actor,
        payload=chosen,
    )


def _set(settings: Settings, chosen: SwitchSetting) -> None:
    quiet()
    asyncio.run(publish(settings, switch_set(chosen, person(), now())))


async def _engaged(settings: Settings, project: str) -> str:
    async with codec_of(settings) as (codec, _), reading(settings, TOPIC) as reference:
        return await engaged_now(codec, reference, project or EVERYWHERE)


async def _settings(settings: Settings) -> list[SwitchSetting | str]:
    async with codec_of(settings) as (codec, _), reading(settings, TOPIC) as reference:
        return Switches(codec, lambda: reference.values(TOPIC)).settings()
