"""`awoooi policy check|explain|test|apply|show`: who may decide what."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from awoooi.settings import Settings
from connectors.allowed import in_words
from connectors.checked_file import read_checked
from schemas import ids
from schemas.errors import Misconfigured
from schemas.policy import SUBJECT, PolicyApplied, PolicyRevision
from streams.policy.cases import Ask, Cases, differences, judged
from streams.policy.gate import Verdict
from streams.policy.policy import SHIPPED, Policy, read_policy

if TYPE_CHECKING:
    from datetime import datetime

TOPIC = "policies"


def check(file: str) -> int:
    policy = read_policy(Path(file))
    rules, freezes = len(policy.rules), len(policy.freezes)
    print(f"{file}: version {policy.version}, {rules} rules, {freezes} freezes: in order")
    print(f"hash {policy.hash}")
    return 0


def explain(operation: str, told: Sequence[str], file: str) -> int:
    """`told` are NAME=VALUE, as in a table of cases."""
    policy = _policy(file)
    ask = _ask(operation, told)
    print("\n".join(_explained(ask, judged(ask, policy), policy)))
    return 0


def test(file: str, policy_file: str) -> int:
    """Exit status 1 where a case is not as expected."""
    cases = read_checked(Path(file), Cases, "cases").cases
    policy = _policy(policy_file)
    wrong = list(differences(cases, policy))
    for name, why in wrong:
        print(f"FAIL  {name}: {why}", file=sys.stderr)
    print(
        f"{len(cases)} cases, {len(wrong)} not as expected, by policy {policy.version} ({policy.hash[:12]})"
    )
    return 1 if wrong else 0


def apply(settings: Settings, file: str) -> int:
    """In force when it returns: the record is durable, and every process follows the topic."""
    from awoooi.logs import quiet
    from awoooi.reference_data import now, person, publish

    policy = read_policy(Path(file))
    quiet()
    event = applied(policy, Path(file).read_text(encoding="utf-8"), person(), now())
    asyncio.run(publish(settings, event))
    print(f"Policy {policy.version} is in force, hash {policy.hash}.")
    return 0


def applied(policy: Policy, text: str, actor: str, at: datetime) -> PolicyApplied:
    return PolicyApplied(
        event_id=ids.derive_id("policy.applied", policy.hash, at.isoformat()),
        project_id="",
        occurred_at=at,
        recorded_at=at,
        stage="cli",
        actor=actor,
        payload=PolicyRevision(version=policy.version, hash=policy.hash, text=text),
    )


def show(settings: Settings) -> int:
    """The text in force, as it was applied; the shipped one where none was."""
    from awoooi.logs import quiet

    quiet()
    print(asyncio.run(in_force(settings)), end="")
    return 0


async def in_force(settings: Settings) -> str:
    from awoooi.events import codec_of
    from awoooi.reference_data import reading

    async with codec_of(settings) as (codec, _), reading(settings, TOPIC) as reference:
        value = reference.values(TOPIC).get(SUBJECT.encode())
        if value is None:
            return SHIPPED.read_text(encoding="utf-8")
        event = codec.decode(value)
        assert isinstance(event, PolicyApplied)  # what else stands there has another key
        return event.payload.text


def _policy(file: str) -> Policy:
    return read_policy(Path(file)) if file else read_policy()


def _ask(operation: str, told: Sequence[str]) -> Ask:
    given: dict[str, object] = {"operation": operation}
    for one in told:
        name, equals, value = one.partition("=")
        if not equals:
            raise Misconfigured(f"{one}: give NAME=VALUE; names: {', '.join(Ask.model_fields)}")
        given[name] = yaml.safe_load(value)
    try:
        return Ask.model_validate(given)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        lines = (f"{'.'.join(map(str, one['loc']))}: {in_words(Ask, one)}" for one in found)
        raise Misconfigured("\n".join(lines)) from error


def _explained(ask: Ask, verdict: Verdict, policy: Policy) -> Iterator[str]:
    yield f"{ask.operation}: {verdict.outcome}, by {verdict.rule}: {verdict.reason}"
    if verdict.halts:
        yield f"  never automatic now: {', '.join(verdict.halts)}"
    if verdict.assessment is not None:
        earned = f", after trust of {ask.trust}: {verdict.assessment.effective}" if ask.trust else ""
        yield f"  risk {verdict.assessment.risk}{earned}"
        for part in verdict.assessment.parts:
            yield f"    {part.what:13} {part.risk:8} {part.why}"
    if verdict.fused is not None:
        sure = "nobody can say" if verdict.fused.value is None else f"{verdict.fused.value:.0%}"
        yield f"  how sure: {sure} ({verdict.fused.branch}){'; '.join(('', *verdict.fused.missing))}"
    if verdict.needed is not None:
        each = f", one {' and one '.join(verdict.needed.each)}" if verdict.needed.each else ""
        whose = f" of {', '.join(verdict.needed.roles)}" if verdict.needed.roles else ""
        yield f"  signatures: {verdict.needed.signatures}{whose}{each}"
    yield f"  policy {policy.version}, hash {policy.hash[:12]}"
