"""The signers of the topic beside those of the file: what either takes away is gone; doubt stops all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from schemas.envelope import to_millis
from streams.policy.checks import CHECKS
from streams.policy.exam import Rules
from streams.policy.recorded_signers import Recorded, recorded, together
from streams.policy.refusals import Refusal, Refused
from streams.policy.signatures import Vote, verify
from streams.policy.signers import Registry
from streams.policy.signers_file import SignersFile
from streams.policy.verifier import Verifier
from streams.stage import Now, Record
from streams.stages.intake import Intake
from tests.streams.policy.signer_facts import (
    BOB,
    BOB_SET,
    CODEC,
    ENROLLED,
    FRANK,
    NOBODY,
    THEN,
    Fact,
    Topic,
    confirmed,
    gone,
    in_file,
    key,
    person,
    registry,
    revoked,
    thumbprint,
)
from tests.streams.policy.signing import NOW, RULES, jwk, token

COUNTS: dict[str, tuple[SignersFile, tuple[Fact, ...]]] = {
    "of the topic alone": (NOBODY, BOB_SET),
    "of the file alone": (in_file(BOB), ()),
    "the person of the file, the key of the topic": (in_file({**BOB, "keys": []}), (key("bob", "bob-1"),)),
    "the same in both": (in_file(BOB), BOB_SET),
    "enrolled and confirmed": (NOBODY, (*ENROLLED, confirmed("bob", "bob-1", "frank"))),
    "confirmed by an admin of the file": (
        in_file(FRANK),
        (*BOB_SET[:1], ENROLLED[2], confirmed("bob", "bob-1", "frank")),
    ),
    "confirmed by an admin who has gone since": (
        NOBODY,
        (*BOB_SET[:1], gone("frank", "admin"), ENROLLED[2], confirmed("bob", "bob-1", "frank")),
    ),
    "confirmed by an admin of the file who was removed by the topic": (
        in_file(FRANK),
        (*BOB_SET[:1], gone("frank", "admin"), ENROLLED[2], confirmed("bob", "bob-1", "frank")),
    ),
    "another's key of that id is only enrolled": (
        in_file(BOB),
        (person("eve", "sre"), key("eve", "eve-1", enrolled=True, known_as="bob-1")),
    ),
    "another has enrolled that very key": (
        in_file(BOB),
        (person("eve", "sre"), key("eve", "bob-1", enrolled=True, known_as="eve-1")),
    ),
    "an unreadable key beside it": (NOBODY, (*BOB_SET, (b"key/bob/bob-2", b"rubbish"))),
    "an unreadable person beside it": (NOBODY, (*BOB_SET, (b"person/eve", b"rubbish"))),
    "a key of somebody unknown beside it": (NOBODY, (*BOB_SET, key("nobody", "eve-1"))),
    "another's id revoked": (NOBODY, (*BOB_SET, revoked("bob-2", thumbprint("eve-1")))),
}


@pytest.mark.parametrize(("file", "facts"), COUNTS.values(), ids=COUNTS)
def test_it_counts(file: SignersFile, facts: tuple[Fact, ...]) -> None:
    found = verify(token("bob", roles=["devops"]), NOW, registry(file, *facts), RULES)

    assert isinstance(found, Vote), found
    assert (found.person, found.roles) == ("bob", {"devops"})


REFUSED: dict[str, tuple[SignersFile, tuple[Fact, ...], Refusal]] = {
    "of nobody": (NOBODY, (), Refusal.UNKNOWN_KEY),
    "a key without its person": (NOBODY, (key("bob", "bob-1"),), Refusal.UNKNOWN_KEY),
    "revoked": (NOBODY, (*BOB_SET, revoked("bob-1")), Refusal.REVOKED_KEY),
    "of the file, revoked by the topic": (in_file(BOB), (revoked("bob-1"),), Refusal.REVOKED_KEY),
    "of the topic, revoked in the file": (
        in_file({**BOB, "keys": [jwk("bob-1", revoked=THEN)]}),
        BOB_SET,
        Refusal.REVOKED_KEY,
    ),
    "revoked in the file under another id": (
        in_file({**BOB, "keys": [{**jwk("bob-1", revoked=THEN), "kid": "bob-0"}]}),
        BOB_SET,
        Refusal.REVOKED_KEY,
    ),
    "revoked by the topic under another id": (
        NOBODY,
        (*BOB_SET, revoked("bob-0", thumbprint("bob-1"))),
        Refusal.REVOKED_KEY,
    ),
    "revoked and confirmed": (
        NOBODY,
        (*ENROLLED, confirmed("bob", "bob-1", "frank"), revoked("bob-1")),
        Refusal.REVOKED_KEY,
    ),
    "removed": (NOBODY, (gone("bob"), key("bob", "bob-1")), Refusal.REMOVED_PERSON),
    "of the file, removed by the topic": (in_file(BOB), (gone("bob"),), Refusal.REMOVED_PERSON),
    "of the topic, removed in the file": (
        in_file({**BOB, "removed": THEN}),
        BOB_SET,
        Refusal.REMOVED_PERSON,
    ),
    "the person's record cannot be read": (
        in_file(BOB),
        ((b"person/bob", b"rubbish"),),
        Refusal.REMOVED_PERSON,
    ),
    "the person's record has a role that is none": (
        in_file(BOB),
        (person("bob", "devops", "root"),),
        Refusal.REMOVED_PERSON,
    ),
    "only enrolled": (NOBODY, ENROLLED, Refusal.UNCONFIRMED_KEY),
    "confirmed by its owner": (
        NOBODY,
        (person("bob", "admin"), ENROLLED[2], confirmed("bob", "bob-1", "bob")),
        Refusal.UNCONFIRMED_KEY,
    ),
    "confirmed by who is no admin": (
        NOBODY,
        (*ENROLLED, person("carol", "sre"), confirmed("bob", "bob-1", "carol")),
        Refusal.UNCONFIRMED_KEY,
    ),
    "confirmed by nobody known": (
        NOBODY,
        (*ENROLLED, confirmed("bob", "bob-1", "mallory")),
        Refusal.UNCONFIRMED_KEY,
    ),
    "confirmed by an admin who is none any more": (
        in_file(FRANK),
        (*BOB_SET[:1], ENROLLED[2], person("frank", "sre"), confirmed("bob", "bob-1", "frank")),
        Refusal.UNCONFIRMED_KEY,
    ),
    "another key was confirmed under its id": (
        NOBODY,
        (*ENROLLED, confirmed("bob", "bob-1", "frank", over=thumbprint("eve-1"))),
        Refusal.UNCONFIRMED_KEY,
    ),
    "the confirmation cannot be read": (
        NOBODY,
        (*ENROLLED, (b"confirmed/bob/bob-1", b"rubbish")),
        Refusal.UNCONFIRMED_KEY,
    ),
    "a confirmation under another's key": (
        NOBODY,
        (*ENROLLED, (b"confirmed/bob/bob-1", confirmed("bob", "bob-2", "frank")[1])),
        Refusal.UNCONFIRMED_KEY,
    ),
    "another has a key of that id": (
        in_file(BOB),
        (person("eve", "sre"), key("eve", "eve-1", known_as="bob-1")),
        Refusal.DISPUTED_KEY,
    ),
    "another key of the same person has that id": (
        in_file(BOB),
        (key("bob", "bob-2", known_as="bob-1"),),
        Refusal.DISPUTED_KEY,
    ),
    "another has that very key": (
        in_file(BOB),
        (person("eve", "sre"), key("eve", "bob-1", known_as="eve-1")),
        Refusal.DISPUTED_KEY,
    ),
    "a role that only the file gives": (in_file(BOB), (person("bob", "sre"),), Refusal.ROLE_NOT_GIVEN),
    "a role that only the topic gives": (
        in_file({**BOB, "roles": ["sre"]}),
        BOB_SET,
        Refusal.ROLE_NOT_GIVEN,
    ),
}


@pytest.mark.parametrize(("file", "facts", "reason"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused(file: SignersFile, facts: tuple[Fact, ...], reason: Refusal) -> None:
    found = verify(token("bob", roles=["devops"]), NOW, registry(file, *facts), RULES)

    assert isinstance(found, Refused), found
    assert found.reason is reason


PROJECTS = {
    "both": (["shop", "bank"], ("bank", "else"), {"bank"}),
    "all of the file": (["*"], ("bank",), {"bank"}),
    "all of the topic": (["shop"], ("*",), {"shop"}),
    "all of both": (["*"], ("*",), {"*"}),
    "none of both": (["shop"], ("bank",), set()),
}


@pytest.mark.parametrize(("of_file", "of_topic", "left"), PROJECTS.values(), ids=PROJECTS)
def test_projects_are_those_of_both(of_file: list[str], of_topic: tuple[str, ...], left: set[str]) -> None:
    file = in_file({**BOB, "projects": of_file})
    found = verify(
        token("bob", roles=["devops"]), NOW, registry(file, person("bob", "devops", projects=of_topic)), RULES
    )

    assert isinstance(found, Vote)
    assert found.projects == left


TAKEN: dict[str, tuple[tuple[Fact, ...], Refusal | None]] = {
    "nothing": ((), None),
    "a person and a key of the topic": ((person("eve", "devops"), key("eve", "eve-1")), None),
    "another key of the person": ((key("bob", "bob-2", known_as="bob-1"),), None),
    "a revocation": ((revoked("bob-1"),), Refusal.REVOKED_KEY),
    "a removal": ((gone("bob"),), Refusal.REMOVED_PERSON),
    "fewer roles": ((person("bob", "sre"),), Refusal.ROLE_NOT_GIVEN),
}


@pytest.mark.parametrize(("facts", "reason"), TAKEN.values(), ids=TAKEN)
def test_a_topic_that_gives_nothing_only_takes(facts: tuple[Fact, ...], reason: Refusal | None) -> None:
    both = together(in_file(BOB), recorded(CODEC, dict(facts), gives=False))
    assert [one.person for one in both.signers] == ["bob"]
    only = Registry.of(both)

    found = verify(token("bob", roles=["devops"]), NOW, only, RULES)
    assert (found.reason if isinstance(found, Refused) else None) is reason
    stranger = verify(token("eve", roles=["devops"]), NOW, only, RULES)
    assert isinstance(stranger, Refused)
    assert stranger.reason is Refusal.UNKNOWN_KEY


# -- doubt


async def reason(verifier: Verifier, person: str = "bob") -> Refusal | None:
    found = await verifier.verify(token(person, roles=["devops"]), NOW)
    return found.reason if isinstance(found, Refused) else None


async def test_what_the_topic_says_counts_from_then_on() -> None:
    topic = Topic()
    verifier = Verifier(RULES, log=topic.signers())

    assert await reason(verifier) is Refusal.UNKNOWN_KEY
    topic.says(*BOB_SET)
    assert await reason(verifier) is None
    topic.says(revoked("bob-1"))
    assert await reason(verifier) is Refusal.REVOKED_KEY
    assert verifier.offset() == topic.offset


async def test_how_far_the_signers_were_read_stands_in_what_is_told_of_a_signature() -> None:
    topic = Topic(*BOB_SET)
    intake, now = Intake(Verifier(RULES, log=topic.signers())), Now(to_millis(NOW))
    for who, kind in (("bob", "vote.verified"), ("carol", "vote.refused")):
        record = Record("approvals.signatures", 0, 0, b"", token(who, roles=["devops"]), (), 0, CODEC)
        [event] = await intake.handle(record, now)
        assert (event.type, event.payload.signers_offset) == (kind, topic.offset)


def unread(topic: Topic, _: Path) -> None:
    topic.values = None


def strange(topic: Topic, _: Path) -> None:
    topic.says((b"something else", b"rubbish"))


def unreadable_revocation(topic: Topic, _: Path) -> None:
    topic.says((b"revoked/bob-9", b"rubbish"))


def revocation_under_anothers_key(topic: Topic, _: Path) -> None:
    topic.says((b"revoked/bob-9", revoked("bob-1")[1]))


def broken_file(_: Topic, file: Path) -> None:
    file.write_text('{"signers": [{"person": "Bob"}]}')


DOUBTS: dict[str, tuple[Callable[[Topic, Path], None], str]] = {
    "not read, or out of date": (unread, "nobody can tell"),
    "a record of no kind that we know": (strange, "something else"),
    "a revocation that cannot be read": (unreadable_revocation, "revoked/bob-9"),
    "a revocation under another's key": (revocation_under_anothers_key, "revoked/bob-9"),
    "a file that cannot be read": (broken_file, "the signers file"),
}


@pytest.mark.parametrize(("happens", "told"), DOUBTS.values(), ids=DOUBTS)
async def test_in_doubt_nobody_signs_and_it_says_why(
    happens: Callable[[Topic, Path], None], told: str, tmp_path: Path
) -> None:
    file, topic = tmp_path / "signers.json", Topic(*BOB_SET)
    file.write_text(in_file(FRANK).model_dump_json(exclude_defaults=True))
    verifier = Verifier(Rules(audience="production"), file, log=topic.signers())
    assert await reason(verifier) is None

    verifier.watched()
    assert REGISTRY.get_sample_value("awoooi_signers_in_doubt") == 0
    happens(topic, file)
    assert REGISTRY.get_sample_value("awoooi_signers_in_doubt") == 1, "before anybody signs"
    found = await verifier.verify(token("bob", roles=["devops"]), NOW)
    assert isinstance(found, Refused)
    assert found.reason is Refusal.SIGNERS_IN_DOUBT
    assert told in found.sentence
    assert str(tmp_path) not in found.sentence, "strangers read it"
    assert verifier.trouble

    topic.values, topic.offset = dict(BOB_SET), topic.offset + 1
    file.write_text(in_file(FRANK).model_dump_json(exclude_defaults=True))
    assert await reason(verifier) is None
    assert verifier.trouble == ""


@pytest.mark.parametrize("left_out", [Refusal.SIGNERS_IN_DOUBT, Refusal.DISPUTED_KEY])
def test_the_checks_of_the_registry_are_needed(left_out: Refusal) -> None:
    left = [check for check in CHECKS if check.reason is not left_out]
    disputed = registry(in_file(BOB), person("eve", "sre"), key("eve", "eve-1", known_as="bob-1"))
    known = Registry.of(in_file(BOB)).keys
    doubtful = Registry(known, doubt="nobody can tell")
    asked = {Refusal.SIGNERS_IN_DOUBT: doubtful, Refusal.DISPUTED_KEY: disputed}[left_out]

    made = token("bob", roles=["devops"])
    assert isinstance(verify(made, NOW, asked, RULES), Refused)
    assert isinstance(verify(made, NOW, asked, RULES, left), Vote)


def test_what_cannot_be_read_is_named() -> None:
    said = recorded(CODEC, {b"person/eve": b"rubbish", b"key/eve/1": b"", **dict(BOB_SET)})

    assert said.unread == ("key/eve/1", "person/eve")
    assert isinstance(said, Recorded)


def test_an_enrolment_tells_when() -> None:
    (entry,) = recorded(CODEC, dict(ENROLLED)).keys.values()

    assert entry.enrolled == NOW
    assert NOW - entry.enrolled < timedelta(seconds=1)
