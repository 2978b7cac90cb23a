"""What policy costs: a decision of the gate, and how many signatures one worker verifies. CPU, no network."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from awoooi.memory import collect_seldom
from benchmarks.measured import Measured, Scale, middle
from schemas import ids
from schemas.approval import ApprovalRequested
from schemas.catalog import key_of, topic_of
from schemas.codec import Codec
from schemas.decision import Branch, RcaDecided
from schemas.envelope import Event
from schemas.golden import GOLDEN_DIR
from schemas.operations import Parameters, Step
from schemas.preflight import Preflight, PreflightChecked, PreflightStatus
from schemas.vote import VoteVerified
from streams.policy.checks import APPROVE, TYPE
from streams.policy.exam import Rules
from streams.policy.jwk import EDDSA, ES256, RS256, public_jwk
from streams.policy.signers import OWN_ISSUER
from streams.policy.signers_file import SignersFile
from streams.policy.verifier import Verifier
from streams.policy.world import world_of
from streams.rows import PartitionRows
from streams.runner import Runner
from streams.stage import Now, Record
from streams.stages.gate import Gate, Gated
from streams.stages.intake import Intake

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MILLIS = int(NOW.timestamp() * 1000)
ENVIRONMENT, PERSON = "production", "alice"
CODEC = Codec()
BATCH, WARM, KEY = 200, 20, b"k" * 32
Proposed = tuple[RcaDecided, PreflightChecked]


async def measure_gate(scale: Scale) -> Measured:
    """From package and checks to what is told: policy, risk, hash and proof. Beside it both turns whole, with
    the records read and written and the row between them."""
    count = scale.of(2_000, 400)
    proposed = [_proposed(number) for number in range(count)]
    collect_seldom()  # as every worker does
    await _decisions(proposed[:WARM])
    decisions = [await _decisions(proposed) for _ in range(scale.rounds)]
    turns = [await _turns(proposed) for _ in range(scale.rounds)]
    return Measured({"gate_decision_ms": middle(decisions)}, {"gate_turn_ms": middle(turns)})


def _gate() -> Gate:
    return Gate(world_of(CODEC, lambda _: {}, lambda _: 0), key=KEY)


async def _decisions(proposed: Sequence[Proposed]) -> float:
    """The checks are there first, so that the package is decided upon when it comes."""
    gate, now, spent, told = _gate(), Now(MILLIS), 0.0, 0
    for package, checks in proposed:
        state = Gated()
        await gate.handle(_record(checks, 0), state, now)
        record = _record(package, 0)
        assert record.event.run_id == checks.run_id  # decoded here
        began = time.process_time()
        events = await gate.handle(record, state, now)
        spent += time.process_time() - began
        told += sum(isinstance(event, ApprovalRequested) for event in events)
    _must_be(told, len(proposed), "asked for")
    return spent * 1000 / len(proposed)


async def _turns(proposed: Sequence[Proposed]) -> float:
    """Package and checks in micro-batches of their own, as they come."""
    gate = _gate()
    runner, rows, spent, told = Runner(gate, CODEC, clock=lambda: MILLIS), PartitionRows(gate.due), 0.0, 0
    for start in range(0, len(proposed), BATCH):
        batch = proposed[start : start + BATCH]
        for events in zip(*batch, strict=True):
            records = [_record(event, at) for at, event in enumerate(events, start)]
            began = time.process_time()
            turn = await runner.turn(records, rows)
            rows.apply(turn.rows)
            spent += time.process_time() - began
            told += sum(out.topic == "approvals.requests" for out in turn.outputs)
    _must_be(told, len(proposed), "asked for")
    return spent * 1000 / len(proposed)


def _must_be(found: int, expected: int, what: str) -> None:
    if found != expected:
        raise RuntimeError(f"{found} of {expected} were {what}")


def _proposed(number: int) -> Proposed:
    """A recommendation of another incident each time, and the checks that passed."""
    example = CODEC.decode((GOLDEN_DIR / "rca.decided.v1.json").read_bytes())
    assert isinstance(example, RcaDecided)
    action = example.payload.recommended_action
    assert action is not None
    step = Step(operation=action.step.operation, target=action.step.target, parameters=Parameters())
    plain = action.model_copy(update={"step": step, "undo": None, "human_only": False})
    incident = f"INC-20260301-{number:010d}"
    run = ids.run_id(incident, 1)
    about = {"incident_id": incident, "run_id": run, "occurred_at": NOW, "recorded_at": NOW}
    agreed = {"recommended_action": plain, "branch": Branch.HOLDS, "said": ()}
    payload = example.payload.model_copy(update=agreed)
    package = example.model_copy(
        update={**about, "event_id": ids.ending_id("debate", run), "payload": payload}
    )
    seen = Preflight(status=PreflightStatus.PASSED, action=plain.id, observed_state="ab" * 32)
    event_id = ids.derive_id("preflight.checked", run)
    envelope = {**about, "project_id": example.project_id, "event_id": event_id, "stage": "preflight"}
    return package, PreflightChecked(**envelope, payload=seen)


def _record(event: Event, offset: int) -> Record:
    key = key_of(event)
    return Record(topic_of(type(event)).name, 0, offset, key, CODEC.encode(event), (), MILLIS, CODEC)


async def measure_signatures(scale: Scale) -> Measured:
    """From the record to the encoded vote, one process; EdDSA, ES256 and RS256 in turn."""
    count, keys = scale.of(6_000, 1_000), _keys()
    signers = _registered(scale.folder, keys)
    tokens = [_token(*keys[number % len(keys)], number) for number in range(count)]
    rates = [count / await _verified(signers, tokens) for _ in range(scale.rounds)]
    return Measured({"signatures_per_s": middle(rates)}, {"signatures_worst_per_s": min(rates)})


async def _verified(signers: Path, tokens: Sequence[bytes]) -> float:
    runner, spent, told = (
        Runner(Intake(Verifier(Rules(ENVIRONMENT), signers), key=KEY), CODEC, lambda: MILLIS),
        0.0,
        0,
    )
    for start in range(0, len(tokens), BATCH):
        batch = enumerate(tokens[start : start + BATCH], start)
        records = [
            Record("approvals.signatures", 0, at, b"", token, (), MILLIS, CODEC) for at, token in batch
        ]
        began = time.process_time()
        turn = await runner.turn(records)
        spent += time.process_time() - began
        told += sum(isinstance(CODEC.decode(out.value), VoteVerified) for out in turn.outputs)
    _must_be(told, len(tokens), "verified")
    return spent


def _keys() -> list[tuple[str, Any]]:
    return [
        (EDDSA, Ed25519PrivateKey.generate()),
        (ES256, ec.generate_private_key(ec.SECP256R1())),
        (RS256, rsa.generate_private_key(65537, 2048)),
    ]


def _registered(folder: Path, keys: Sequence[tuple[str, Any]]) -> Path:
    public = [{**public_jwk(key.public_key(), name), "kid": f"{PERSON}-{name}"} for name, key in keys]
    file = SignersFile.model_validate({"signers": [{"person": PERSON, "roles": ["sre"], "keys": public}]})
    path = folder / "signers.json"
    path.write_text(file.model_dump_json(exclude_defaults=True))
    return path


def _token(algorithm: str, key: Any, number: int) -> bytes:
    seconds = MILLIS // 1000
    claims = {
        "iss": OWN_ISSUER,
        "aud": ENVIRONMENT,
        "sub": PERSON,
        "roles": ["sre"],
        "decision": APPROVE,
        "approval_id": f"INC-20260301-{number:010d}-A1",
        "action_hash": "ab" * 32,
        "reason": "seen and understood",
        "iat": seconds - 5,
        "exp": seconds + 300,
        "jti": f"token-{number:08d}",
    }
    return jwt.encode(claims, key, algorithm, {"kid": f"{PERSON}-{algorithm}", "typ": TYPE}).encode()
