"""Authorizations as the stages wrote them, and what somebody with write access might make of them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from schemas import ids
from schemas.authorization import ActionAuthorized, Signed
from schemas.operations import Operation, Risk
from schemas.outcome import Needed
from streams.policy.action_hash import Act, action_hash
from streams.policy.authorizations import action_id_of, event_id_of
from streams.policy.exam import Rules
from streams.policy.policy import SHIPPED, Policy, parse_policy, read_policy
from streams.policy.proof import proven
from streams.policy.recheck import Objection, Today
from streams.policy.refusals import Refusal
from streams.policy.signers import Registry
from tests.streams.debates import only
from tests.streams.policy.signing import registry, signers, token
from tests.streams.policy.test_switches import LIFTED
from tests.streams.stages.test_approve import Approvals
from tests.streams.stages.test_gate import INCIDENT, OPTED_IN, PROOF_KEY, Gates

OTHER_INCIDENT = "INC-20260301-ZZZZZZZZZZ"
FREEZE = "[{name: sale, starts_at: 2000-01-01T00:00:00Z, ends_at: 2100-01-01T00:00:00Z, reason: a sale}]"
POLICY = read_policy()
T = TypeVar("T")
Make = Callable[[], ActionAuthorized]


# -- as they were written


def apart(work: Coroutine[Any, Any, T]) -> T:
    """In a loop of its own, whether or not one runs here."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@cache
def approved() -> ActionAuthorized:
    """A rollback, HIGH, signed by bob and carol."""
    with tempfile.TemporaryDirectory() as folder:
        return apart(_approved(Path(folder)))


async def _approved(folder: Path) -> ActionAuthorized:
    story = await Approvals(folder).ask()
    story.sign("bob")
    story.sign("carol")
    await story.run()
    event = only(story.log.events("authorizations"))
    assert isinstance(event, ActionAuthorized)
    return event


@cache
def automatic() -> ActionAuthorized:
    """A pod that its owner makes anew."""
    return apart(_automatic())


async def _automatic() -> ActionAuthorized:
    story = Gates(away={"preflight"})
    story.set.update([LIFTED, OPTED_IN])
    await story.decide().check().run()
    event = only(story.log.events("authorizations"))
    assert isinstance(event, ActionAuthorized)
    return event


def today(**given: Any) -> Today:
    """A moment later, and nothing has changed."""
    known: dict[str, Any] = {
        "at": approved().recorded_at + timedelta(minutes=1),
        "policy": POLICY,
        "registry": registry(),
        "rules": Rules(audience="production"),
        "kill_switch": "",
        "shadow": False,
        "silence": "",
        "freeze": "",
        "opted_in": True,
        "key": PROOF_KEY,
    }
    return Today(**(known | given))


@dataclass(frozen=True)
class Forgery:
    make: Make
    reason: str
    today: Callable[[], Today] = today


# -- how they are forged


def told(event: ActionAuthorized, /, **changes: Any) -> ActionAuthorized:
    """With other contents, and the proof of the old."""
    return event.model_copy(update={"payload": event.payload.model_copy(update=changes)})


def insider(event: ActionAuthorized) -> ActionAuthorized:
    """By somebody who has the key of proofs: the other checks stand by themselves."""
    return proven(event, PROOF_KEY)


def of(event: ActionAuthorized, **changes: Any) -> ActionAuthorized:
    return event.model_copy(update=changes)


def does(event: ActionAuthorized, /, rehashed: bool = False, **step: Any) -> ActionAuthorized:
    """Another step; `rehashed` with the hash that fits it."""
    action = event.payload.action
    target = action.step.target.model_copy(update=step.pop("target", {}))
    changed = action.model_copy(update={"step": action.step.model_copy(update={"target": target, **step})})
    forged = told(event, action=changed)
    return told(forged, action_hash=hashed(forged)) if rehashed else forged


def hashed(event: ActionAuthorized) -> str:
    said = event.payload
    return action_hash(
        Act(said.action.step, said.observed_state, said.policy.hash, said.action.undo, said.commitments)
    )


def signed(person: str, later: int = 0, **given: Any) -> Signed:
    """A signature of theirs over this very action, but for what is given."""
    event = approved()
    recorded_at = event.recorded_at + timedelta(seconds=later)
    seconds = int(event.recorded_at.timestamp())
    whole = {
        "approval_id": event.payload.approval_id,
        "action_hash": event.payload.action_hash,
        "iat": seconds - 5,
        "exp": seconds + 120,
    }
    made = token(person, **(whole | given)).decode()
    return Signed(person=person, recorded_at=recorded_at, token=made)


def bob() -> Signed:
    return approved().payload.signatures[0]


def signatures(*those: Signed, **more: Any) -> ActionAuthorized:
    return told(approved(), signatures=those, **more)


def with_owner(event: ActionAuthorized, owner: str) -> ActionAuthorized:
    """All ids as this approval or run would have them."""
    return told(of(event, event_id=event_id_of(owner)), action_id=action_id_of(owner))


def unsigned() -> ActionAuthorized:
    """As if policy had allowed it without a person."""
    event = told(approved(), approval_id="", signatures=(), needed=None)
    return with_owner(event, event.run_id)


def of_another_run() -> ActionAuthorized:
    asked = f"{INCIDENT}-A2"
    event = of(told(approved(), approval_id=asked), run_id=ids.run_id(INCIDENT, 2))
    return with_owner(event, asked)


def of_another_incident() -> ActionAuthorized:
    return of(approved(), incident_id=OTHER_INCIDENT, run_id=ids.run_id(OTHER_INCIDENT, 1))


def softened(**changes: Any) -> ActionAuthorized:
    action = approved().payload.action
    return told(approved(), action=action.model_copy(update=changes))


def surer() -> ActionAuthorized:
    """Its playbook had no record yet, and somebody gave it one."""
    event = automatic()
    return told(event, fused=event.payload.fused.model_copy(update={"playbook": 1.0}))


def policy(old: str, new: str) -> Policy:
    text = SHIPPED.read_text()
    assert old in text
    return parse_policy(text.replace(old, new, 1))


def without(person: str) -> Registry:
    people = [one for one in signers().signers if one.person != person]
    return Registry.of(signers().model_copy(update={"signers": tuple(people)}))


def one_of_one() -> ActionAuthorized:
    less = Needed(signatures=1, roles=("devops",))
    return signatures(bob(), needed=less)


FORGERIES: dict[str, Forgery] = {
    "another action id": Forgery(lambda: told(approved(), action_id=ids.derive_id("x")), Objection.OTHER_ID),
    "another event id": Forgery(lambda: of(approved(), event_id=ids.derive_id("x")), Objection.OTHER_ID),
    "another key": Forgery(lambda: told(approved(), target="elsewhere"), Objection.OTHER_TARGET),
    "another incident": Forgery(of_another_incident, Objection.OTHER_INCIDENT),
    "another run": Forgery(lambda: of(approved(), run_id=ids.run_id(INCIDENT, 7)), Objection.OTHER_RUN),
    "another operation": Forgery(
        lambda: does(approved(), operation=Operation.RESTART_DEPLOYMENT), Objection.OTHER_HASH
    ),
    "another name": Forgery(lambda: does(approved(), target={"name": "bank"}), Objection.OTHER_HASH),
    "another namespace": Forgery(lambda: does(approved(), target={"namespace": "x"}), Objection.OTHER_HASH),
    "another undo": Forgery(lambda: softened(undo=automatic().payload.action.step), Objection.OTHER_HASH),
    "another state": Forgery(lambda: told(approved(), observed_state="cd" * 32), Objection.OTHER_HASH),
    "a commitment more": Forgery(
        lambda: told(approved(), commitments={"[IP_1]": "ab" * 32}), Objection.OTHER_HASH
    ),
    "another policy's mark": Forgery(
        lambda: told(approved(), policy=approved().payload.policy.model_copy(update={"hash": "ab" * 32})),
        Objection.OTHER_HASH,
    ),
    "another action with its own hash": Forgery(
        lambda: does(approved(), rehashed=True, operation=Operation.RESTART_DEPLOYMENT), Refusal.OTHER_ACTION
    ),
    "another approval": Forgery(of_another_run, Refusal.OTHER_APPROVAL),
    "signed by nobody": Forgery(signatures, Objection.SIGNED_BY_NOBODY),
    "signed without an approval": Forgery(
        lambda: told(automatic(), signatures=(bob(),)), Objection.SIGNED_BY_NOBODY
    ),
    "one signature of two": Forgery(lambda: signatures(bob()), Refusal.NO_QUORUM),
    "one signature, and one was asked": Forgery(one_of_one, Objection.OTHER_POLICY),
    "one signature twice": Forgery(lambda: signatures(bob(), bob()), Refusal.REUSED_JTI),
    "one person twice": Forgery(lambda: signatures(bob(), signed("bob")), Refusal.SAME_PERSON),
    "a stranger's key": Forgery(
        lambda: signatures(bob(), signed("carol", signed_by="evil")), Refusal.BAD_SIGNATURE
    ),
    "an unknown person": Forgery(lambda: signatures(bob(), signed("mallory")), Refusal.UNKNOWN_KEY),
    "a removed person": Forgery(lambda: signatures(bob(), signed("ivan")), Refusal.REMOVED_PERSON),
    "a signer of another project": Forgery(lambda: signatures(bob(), signed("heidi")), Refusal.OTHER_PROJECT),
    "a rejection among them": Forgery(
        lambda: signatures(bob(), signed("carol", decision="reject")), Refusal.NO_QUORUM
    ),
    "a signature for production elsewhere": Forgery(
        lambda: signatures(bob(), signed("carol", aud="staging")), Refusal.WRONG_AUDIENCE
    ),
    "a signature that had expired": Forgery(
        lambda: signatures(bob(), signed("carol", later=200)),
        Refusal.EXPIRED,
        lambda: today(at=approved().recorded_at + timedelta(minutes=10)),
    ),
    "recorded tomorrow": Forgery(
        lambda: signatures(bob(), signed("carol", later=86_400, exp=2_000_000_000)),
        Objection.FROM_THE_FUTURE,
    ),
    "its proposer among them": Forgery(lambda: told(approved(), proposed_by="bob"), Refusal.OWN_PROPOSAL),
    "another name beside a signature": Forgery(
        lambda: signatures(bob(), approved().payload.signatures[1].model_copy(update={"person": "dave"})),
        Objection.OTHER_SIGNER,
    ),
    "as if policy allowed it": Forgery(unsigned, Objection.NOT_AUTOMATIC),
    "an operation that is not LOW": Forgery(
        lambda: does(
            automatic(), rehashed=True, operation=Operation.RESTART_DEPLOYMENT, target={"kind": "deployment"}
        ),
        Objection.NOT_AUTOMATIC,
    ),
    "a person was demanded": Forgery(
        lambda: told(automatic(), basis=automatic().payload.basis.model_copy(update={"human": "revise"})),
        Objection.NOT_AUTOMATIC,
    ),
    "not sure enough": Forgery(
        lambda: told(automatic(), fused=automatic().payload.fused.model_copy(update={"model": 0.1})),
        Objection.NOT_AUTOMATIC,
    ),
    "a number that is none": Forgery(
        lambda: told(automatic(), fused=automatic().payload.fused.model_copy(update={"model": 1e308})),
        Objection.NOT_AUTOMATIC,
    ),
    "another pod": Forgery(
        lambda: does(automatic(), rehashed=True, target={"name": "bank-0"}), Objection.UNPROVEN
    ),
    "surer than they were": Forgery(surer, Objection.UNPROVEN),
    "an end put off": Forgery(
        lambda: told(approved(), expires_at=approved().payload.expires_at + timedelta(days=1)),
        Objection.UNPROVEN,
    ),
    "a smaller blast": Forgery(lambda: softened(blast_radius=0, risk=Risk.LOW), Objection.UNPROVEN),
    "an end that was rejected": Forgery(lambda: signatures(bob(), signed("frank")), Objection.UNPROVEN),
    "no proof": Forgery(lambda: told(approved(), proof=""), Objection.UNPROVEN),
    "a proof by another key": Forgery(lambda: proven(approved(), b"x" * 32), Objection.UNPROVEN),
    "another's proof": Forgery(lambda: told(approved(), proof=automatic().payload.proof), Objection.UNPROVEN),
}
"""As written where the proof alone tells; the others are refused by their own check before it is asked."""

SINCE: dict[str, Forgery] = {
    "its time is over": Forgery(approved, Objection.OVER, lambda: today(at=approved().payload.expires_at)),
    "the kill switch": Forgery(approved, Objection.KILL_SWITCH, lambda: today(kill_switch="engaged")),
    "shadow mode": Forgery(automatic, Objection.SHADOW_MODE, lambda: today(shadow=True)),
    "a policy that cannot be read": Forgery(
        approved, Objection.POLICY_UNREADABLE, lambda: today(policy_trouble="unreadable")
    ),
    "a change freeze that somebody set": Forgery(
        approved, Objection.CHANGE_FREEZE, lambda: today(freeze="freeze f1: the sale")
    ),
    "a change freeze": Forgery(
        approved, Objection.CHANGE_FREEZE, lambda: today(policy=policy("freezes: []", f"freezes: {FREEZE}"))
    ),
    "a policy that asks for more": Forgery(
        approved,
        Objection.OTHER_POLICY,
        lambda: today(policy=policy("HIGH: {signatures: 2", "HIGH: {signatures: 3")),
    ),
    "no longer opted in": Forgery(automatic, Objection.NOT_AUTOMATIC, lambda: today(opted_in=False)),
    "a signer who has gone": Forgery(approved, Refusal.UNKNOWN_KEY, lambda: today(registry=without("carol"))),
    "no key to prove it with": Forgery(approved, Objection.UNPROVEN, lambda: today(key=None)),
    "nothing is known": Forgery(
        approved,
        Objection.KILL_SWITCH,
        lambda: Today(today().at, POLICY, registry(), today().rules),
    ),
}
"""Nothing was forged, and it may not be done any more."""

__all__ = ["FORGERIES", "SINCE", "Forgery", "approved", "automatic", "insider", "policy", "today"]
