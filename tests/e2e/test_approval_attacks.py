"""Attacks on approvals over a real log, each way in: a record, HTTP, the command line.

Nothing counts that must not, and each refusal has its own reason.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization as form

from awoooi.loading import load
from awoooi.sign_commands import decide
from connectors.gateway.signatures import MAX_BYTES, PATH
from connectors.http import Reply
from schemas.operations import Risk
from schemas.vote import VoteTurnedAway
from streams.policy.ballots import signature_of
from streams.policy.jws import take_apart
from streams.policy.refusals import Refusal
from streams.policy.signers_file import SignersFile
from tests.e2e.approval_system import System, gateway, running
from tests.e2e.attempts import Tried, ask, attempts, check_nothing_counted
from tests.faults.approvals import HASH, Approvals, request, soon
from tests.faults.following import PARTITIONS
from tests.peers.waiting import wait_until_async
from tests.streams.policy import signing
from tests.streams.policy.signing import jwk, key, token
from tests.streams.policy.test_attacks import changed

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(180)]

FIXED_ID = signing.APPROVAL_ID
UNASKED = ("another approval of the incident", "another incident's approval")
"""they wait for a request that never comes"""
SPACES = ("a space behind", "a line break behind")
"""over HTTP a body may end with a line break"""
AT_THE_DOOR = {
    "the body is no compact JWS": "no_token",
    "claims_are_no_object": "claims_are_no_object",
    "other_approval": "other_approval",
}
FORM = {
    Refusal.NOT_THREE_PARTS,
    Refusal.NOT_BASE64URL,
    Refusal.TOO_LARGE,
    Refusal.BAD_SIGNATURE,  # an empty one
    Refusal.NOT_SIGNED,  # with an empty signature
    Refusal.CLAIMS_ARE_NO_OBJECT,
    Refusal.HEADER_IS_NO_OBJECT,
    Refusal.NAME_TWICE,
    Refusal.MALFORMED_CLAIM,  # a number that no double holds
    Refusal.MALFORMED_APPROVAL_ID,
    Refusal.OTHER_APPROVAL,
}
"""what the door may refuse, and tell of itself"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running(tmp_path_factory.mktemp("attacks")) as started:
        yield started


@pytest.fixture(autouse=True)
def _now(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens are made for this moment, over what is really asked."""
    monkeypatch.setattr(signing, "SECONDS", int(time.time()))
    monkeypatch.setattr(signing, "HASH", HASH)


# -- every attack, each way


def latest(verdicts: list[str], tried: Tried) -> list[str]:
    """What was said of the attack alone: a replay has its first verdict beside it."""
    return verdicts[1:] if tried.made in tried.before else verdicts


async def test_over_the_log_every_attack_is_refused_with_its_own_reason(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    all_tried = attempts(system, monkeypatch)
    async with Approvals(system.kafka.bootstrap) as approvals:
        await ask(approvals, all_tried)
        for number, tried in enumerate(all_tried):
            await approvals.sign(tried.made, key=b"%d" % number)
        judged = [tried for tried in all_tried if tried.name not in UNASKED]
        await approvals.until(
            lambda: all(latest(approvals.verdict(tried.made), tried) for tried in judged), "all judged"
        )

        assert {tried.name: latest(approvals.verdict(tried.made), tried) for tried in judged} == {
            tried.name: [tried.reason] for tried in judged
        }
        assert len(judged) >= 36 + 40
        check_nothing_counted(approvals, all_tried)


async def test_over_http_every_attack_is_refused_with_its_own_reason(
    system: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    all_tried = [tried for tried in attempts(system, monkeypatch) if tried.name not in SPACES]
    room = {"signatures_turned_away_per_minute": 300}
    async with (
        Approvals(system.kafka.bootstrap) as approvals,
        gateway(system.kafka, tmp_path, **room) as opened,
    ):
        await ask(approvals, all_tried)
        await approvals.ask(request(FIXED_ID, signing.SECONDS + 3600))
        await approvals.until_quiet(3)
        before = {tried.name: approvals.verdict(tried.made) for tried in all_tried}
        replies = await asyncio.gather(*[opened.post(path_for(tried), tried.made) for tried in all_tried])

        written = [
            tried for tried, reply in zip(all_tried, replies, strict=True) if was_written(tried, reply)
        ]
        await approvals.until_judged(tried.made for tried in written)
        assert len(written) >= 36 + 40
        check_nothing_counted(approvals, all_tried)
        door = [
            (tried, reply) for tried, reply in zip(all_tried, replies, strict=True) if tried not in written
        ]
        assert len(door) > 5
        assert all(approvals.verdict(tried.made) == before[tried.name] for tried, _ in door), "nobody votes"
        expected = sorted(turned_away(tried, reply) for tried, reply in door)
        await approvals.until(
            lambda: sorted(recorded(approvals)) == expected, "what was turned away is told", 5
        )


def recorded(approvals: Approvals) -> list[tuple[str, str, str]]:
    events = [event.payload for event in approvals.firsts if isinstance(event, VoteTurnedAway)]
    return [(away.refusal, away.approval_id, away.signature) for away in events]


def turned_away(tried: Tried, reply: Reply) -> tuple[str, str, str]:
    """What the gateway itself has to say of it, under its approval."""
    if reply.status == 413:
        return "too_large", path_for(tried), ""  # it was not read
    said = str(reply.json()["detail"]).partition(":")[0]
    return AT_THE_DOOR[said], path_for(tried), signature_of(tried.made.strip()) if tried.made else ""


def path_for(tried: Tried) -> str:
    """Some attacks are made once, for the table's own approval."""
    claims = take_apart(tried.made[:MAX_BYTES]).claims or {}
    return FIXED_ID if claims.get("approval_id") == FIXED_ID else tried.approval_id


def was_written(tried: Tried, reply: Reply) -> bool:
    """Whether the log judged it; else the door did, which looks at nothing but its form and its address."""
    said = "closed" if reply.status == 409 else str(reply.json().get("detail", "")).partition(":")[0]
    assert reply.status in (409, 413, 422), (tried.name, reply.status, reply.body)
    if reply.status == 413 or said in AT_THE_DOOR:
        assert tried.attack.reason in FORM, (tried.name, said)
        return False
    assert said == tried.reason, tried.name
    return True


async def test_a_token_sent_two_ways_at_once_counts_once(system: System, tmp_path: Path) -> None:
    async with Approvals(system.kafka.bootstrap) as approvals, gateway(system.kafka, tmp_path) as opened:
        copies = [(asked := system.approval_id(), token(approval_id=asked)) for _ in range(20)]
        await approvals.ask(*[request(asked, soon(3600), Risk.MEDIUM) for asked, _ in copies])
        replies = await asyncio.gather(
            *[opened.post(asked, made) for asked, made in copies],
            *[opened.post(asked, made) for asked, made in copies],
            approvals.sign(*[made for _, made in copies]),
        )
        await approvals.until(
            lambda: all(len(approvals.verdict(made)) == 3 for _, made in copies), "all copies judged"
        )

        for number, (asked, made) in enumerate(copies):
            assert sorted(approvals.verdict(made)) == ["counted", "reused_jti", "reused_jti"]
            assert len(approvals.authorized(asked)) == 1
            told = [replies[number].status, replies[number + len(copies)].status]
            assert sorted(told) in ([200, 422], [422, 422]), "each client is told of its own copy"


async def test_no_random_change_of_a_good_token_counts(system: System) -> None:
    draw, asked = random.Random(7), system.approval_id()
    good = [token(kid=kid, approval_id=asked) for kid in ("bob-1", "bob-ec", "bob-rsa")]
    others = [token("carol", approval_id=asked), token("carol", approval_id=asked, decision="reject")]
    made = {changed(draw.choice(good), others, draw) for _ in range(600)} - {*good, *others}
    async with Approvals(system.kafka.bootstrap) as approvals:
        await approvals.ask(request(asked, soon(3600), Risk.MEDIUM))
        await approvals.sign(*made)
        await approvals.until_judged(made)

        assert not approvals.counted(asked)
        assert not approvals.ends(asked)
        assert len(made) > 500
        await approvals.sign(good[0])
        await approvals.until(lambda: approvals.authorized(asked), "the good one counts")


async def test_a_record_without_a_value_is_refused_and_stops_nobody(system: System) -> None:
    asked = system.approval_id()
    async with Approvals(system.kafka.bootstrap) as approvals:
        await approvals.until_quiet(3)
        before = len(approvals.verdict(b""))
        await approvals.sign(None, key=b"any")
        await approvals.until(lambda: len(approvals.verdict(b"")) > before, "refused")
        await approvals.ask(request(asked, soon(3600), Risk.MEDIUM))
        await approvals.sign(token(approval_id=asked))
        await approvals.until(lambda: approvals.authorized(asked), "the next one counts")

        assert set(approvals.verdict(b"")) == {Refusal.NOT_THREE_PARTS}
        assert not approvals.broken


# -- the command line


CLI = {
    "a stranger's key": ("evil", "bob", "devops", {}, "unknown_key"),
    "a stranger's key under another's id": ("bob-1", "bob", "devops", {"signed_by": "evil"}, "bad_signature"),
    "another's name": ("carol-1", "bob", "devops", {}, "not_the_keys_owner"),
    "a role that the registry does not give": ("bob-1", "bob", "cto", {}, "role_not_given"),
    "a revoked key": ("bob-old", "bob", "devops", {}, "revoked_key"),
    "a removed person": ("ivan-1", "ivan", "sre", {}, "removed_person"),
    "another environment": ("bob-1", "bob", "devops", {"environment": "staging"}, "wrong_audience"),
    "one's own proposal": ("alice-1", "alice", "devops", {}, "own_proposal"),
}


@pytest.fixture
def command(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """`awoooi approve` on a machine whose signers file says what its owner likes."""
    monkeypatch.setenv("AWOOOI_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("AWOOOI_KAFKA_BOOTSTRAP_SERVERS", system.kafka.bootstrap)
    monkeypatch.setenv("AWOOOI_PARTITIONS", str(PARTITIONS))
    settings = load().settings

    def run(
        asked: str, kid: str, person: str, role: str, environment: str = "production", signed_by: str = ""
    ) -> int:
        mine = {"person": person, "roles": [role], "keys": [{**jwk(signed_by or kid), "kid": kid}]}
        registry = SignersFile.model_validate({"signers": [mine]})
        (tmp_path / "mine.json").write_text(registry.model_dump_json(exclude_defaults=True))
        pem = (form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
        (tmp_path / "key").write_bytes(key(signed_by or kid).private_bytes(*pem))
        about = {"environment": environment, "signers_file": tmp_path / "mine.json"}
        whole = settings.model_copy(update={"approvals": settings.approvals.model_copy(update=about)})
        return decide(whole, "approve", asked, str(tmp_path / "key"), "", "", ())

    return run


async def test_on_the_command_line_nobody_signs_what_they_may_not(
    system: System, command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = system.approval_id()
    async with Approvals(system.kafka.bootstrap) as approvals:
        await approvals.ask(request(asked, soon(3600)))
        for name, (kid, person, role, more, reason) in CLI.items():
            status = await asyncio.to_thread(command, asked, kid, person, role, **more)

            assert (status, name) == (1, name)
            assert f"({reason})" in capsys.readouterr().err, name
        assert await asyncio.to_thread(command, asked, "bob-1", "bob", "devops") == 0
        assert await asyncio.to_thread(command, asked, "bob-ec", "bob", "devops") == 1
        assert "(same_person)" in capsys.readouterr().err
        await approvals.read()
        assert not approvals.authorized(asked)


# -- the route under load and faults


async def test_two_people_at_once_approve_and_each_is_told(system: System, tmp_path: Path) -> None:
    asked = system.approval_id()
    async with Approvals(system.kafka.bootstrap) as approvals, gateway(system.kafka, tmp_path) as opened:
        await approvals.ask(request(asked, soon(3600)))
        replies = await asyncio.gather(
            *[opened.post(asked, token(who, approval_id=asked)) for who in ("bob", "carol")]
        )

        assert [reply.status for reply in replies] == [200, 200]
        assert sorted(reply.json()["state"] for reply in replies) == ["APPROVED", "PENDING"]
        await approvals.until(lambda: approvals.authorized(asked), "authorized")


async def test_two_hundred_at_once_are_each_told_their_own_verdict(system: System, tmp_path: Path) -> None:
    asked = [system.approval_id() for _ in range(200)]
    async with Approvals(system.kafka.bootstrap) as approvals, gateway(system.kafka, tmp_path) as opened:
        made = [token(approval_id=one, reason=one) for one in asked]
        requests = [request(one, soon(3600), Risk.MEDIUM) for one in asked]
        posted = asyncio.gather(approvals.ask(*requests), *map(opened.post, asked, made))
        replies = (await posted)[1:]

        unknown = [reply for reply in replies if reply.status == 404]
        counted = [reply.json() for reply in replies if reply.status == 200]
        assert len(unknown) + len(counted) == 200, "asked and signed in the same moment: there yet, or not"
        assert {told["state"] for told in counted} <= {"APPROVED"}
        again = [
            (one, token)
            for one, token, reply in zip(asked, made, replies, strict=True)
            if reply.status == 404
        ]
        last = await asyncio.gather(*[opened.post(*one) for one in again])
        assert {reply.status for reply in last} <= {200}
        await approvals.until(lambda: all(map(approvals.authorized, asked)), "all approved")


async def test_who_hangs_up_has_signed_all_the_same(system: System, tmp_path: Path) -> None:
    asked = system.approval_id()
    async with Approvals(system.kafka.bootstrap) as approvals, gateway(system.kafka, tmp_path) as opened:
        await approvals.ask(request(asked, soon(3600), Risk.MEDIUM))
        made = token(approval_id=asked)
        path = PATH.format(approval_id=asked)
        head = f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(made)}\r\n\r\n"
        system.worker.freeze()
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", opened.port)
            writer.write(head.encode() + made)
            await approvals.until_written(made)
            writer.close()
        finally:
            system.worker.signal(signal.SIGCONT)
        await approvals.until(lambda: approvals.authorized(asked), "authorized")


async def test_an_approval_that_nobody_asked_for_is_unknown(system: System, tmp_path: Path) -> None:
    asked, other = system.approval_id(), system.approval_id()
    async with gateway(system.kafka, tmp_path) as opened:
        assert (await opened.post(asked, token(approval_id=asked))).status == 404
        assert (await opened.post(asked, token(approval_id=other))).status == 422
        async with Approvals(system.kafka.bootstrap) as approvals:
            await approvals.ask(request(asked, soon(3600), Risk.MEDIUM))
            reply = await opened.post(asked, token(approval_id=asked))
            assert reply.status == 200, "as soon as it stands on the log"


async def test_a_broker_that_was_away_is_followed_again(system: System, tmp_path: Path) -> None:
    """Last: the others want a broker that is there."""
    asked = [system.approval_id() for _ in range(2)]
    async with gateway(system.kafka, tmp_path) as opened:
        async with Approvals(system.kafka.bootstrap) as approvals:
            await approvals.ask(*[request(one, soon(3600), Risk.MEDIUM) for one in asked])
        assert (await opened.post(asked[0], token(approval_id=asked[0]))).status == 200
        await asyncio.to_thread(system.kafka.kill)
        away = await opened.post(asked[1], token(approval_id=asked[1]))
        assert (away.status, "retry-after" in away.headers) == (503, True)
        unknown = system.approval_id()
        assert (await opened.post(unknown, token(approval_id=unknown))).status == 503, "nobody can tell"
        await asyncio.to_thread(system.kafka.start)

        async def counts() -> bool:
            reply = await opened.post(asked[1], token(approval_id=asked[1]))
            return reply.status in (200, 409)

        await wait_until_async(counts, 60, what="a verdict after the broker is back")
        assert (await opened.post(unknown, token(approval_id=unknown))).status == 404
