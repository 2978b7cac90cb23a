"""Recommendations to restart workloads, as the agents end their debates with them, one incident each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from agents.target_id import target_id
from schemas import ids
from schemas.catalog import key_of, topic_of
from schemas.codec import Codec
from schemas.decision import Branch, RcaDecided
from schemas.golden import GOLDEN_DIR
from schemas.headers import event_headers
from schemas.operations import Operation, Risk, Step, Target
from streams.runner import Outgoing

CODEC = Codec()


def restarts(namespace: str, names: Sequence[str], key: bytes, first: int = 0) -> list[Outgoing]:
    """`key` is that of target ids; incidents are numbered from `first`."""
    example = CODEC.decode((GOLDEN_DIR / "rca.decided.v1.json").read_bytes())
    assert isinstance(example, RcaDecided)
    return [
        _record(_recommended(example, namespace, name, key, number))
        for number, name in enumerate(names, first)
    ]


def incident_id(number: int) -> str:
    return f"INC-20260301-{number:010d}"


def _recommended(example: RcaDecided, namespace: str, name: str, key: bytes, number: int) -> RcaDecided:
    package, incident = example.payload, incident_id(number)
    assert package.recommended_action is not None
    assert package.brief is not None
    place = {"cluster": "default", "namespace": namespace, "kind": "deployment", "name": name}
    target = Target(**place, id=target_id(key, project_id=example.project_id, **place))
    step = Step(operation=Operation.RESTART_DEPLOYMENT, target=target)
    plain = {"undo": None, "human_only": False, "verification": "", "warnings": ()}
    risk = {"risk": Risk.MEDIUM, "blast_radius": 5}
    action = package.recommended_action.model_copy(update={"step": step, **plain, **risk})
    brief = package.brief.model_copy(update={"targets": (target,), "number": 1})
    agreed = {"recommended_action": action, "branch": Branch.HOLDS, "brief": brief, "said": ()}
    run, now = ids.run_id(incident, 1), datetime.now(UTC)
    about = {"incident_id": incident, "run_id": run, "occurred_at": now, "recorded_at": now}
    payload = package.model_copy(update=agreed)
    return example.model_copy(update={**about, "event_id": ids.ending_id("debate", run), "payload": payload})


def _record(event: RcaDecided) -> Outgoing:
    headers = event_headers(event, "application/avro", b"1" * 32, b"bench")
    return Outgoing(topic_of(RcaDecided).name, key_of(event), CODEC.encode(event), list(headers))
