"""Events as the pipeline writes them, for what reads the record: a few runs of two projects.

| incident | project | its run |
| --- | --- | --- |
| DONE | shop | asked, signed by two people, executed, verified |
| ASKED | shop | waits for a second signature |
| SPURNED | shop | rejected by a person |
| THEIRS | bank | waits for people |
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from schemas import ids
from schemas.catalog import event_classes
from schemas.codec import Codec
from schemas.envelope import Event
from schemas.headers import Headers, event_headers
from schemas.topology import observed
from sinks.clickhouse.client import connected
from sinks.clickhouse.migrate import migrate
from sinks.clickhouse.rows import EventRow, row_of
from sinks.clickhouse.writer import Writer
from tests.sinks.clickhouse_peer import ClickHousePeer
from tests.sinks.samples import NOW, golden

DONE, ASKED, SPURNED, THEIRS = (
    f"INC-20260301-{name}" for name in ("DONE000000", "ASKED00000", "SPURNED000", "BANK000000")
)
OURS = (DONE, ASKED, SPURNED)
START = NOW - timedelta(minutes=10)
CLASSES = event_classes()
CODEC = Codec()


def run_of(incident: str, number: int = 1) -> str:
    return ids.run_id(incident, number)


def approval_of(incident: str, number: int = 1) -> str:
    return f"{incident}-A{number}"


class Teller:
    """Tells of one incident: each event a second after the one before."""

    def __init__(self, incident: str, project: str = "shop", after_secs: float = 0) -> None:
        self.incident, self.project, self._at = incident, project, after_secs
        self.events: list[Event] = []

    def tell(self, kind: str, actor: str = "", /, *, run: int | None = 1, **payload: Any) -> Event:
        """The contract's own example of it, but for what is given."""
        example = golden(CLASSES[kind])
        moment = START + timedelta(seconds=self._at)
        self._at += 1
        told = self._fitting(example.payload, payload)
        event = example.model_copy(
            update={
                "event_id": ids.derive_id(kind, self.incident, str(len(self.events))),
                "project_id": self.project,
                "incident_id": self.incident,
                "run_id": run_of(self.incident, run) if run else "",
                "occurred_at": moment,
                "recorded_at": moment,
                "actor": actor,
                "payload": type(example.payload).model_validate({**dict(example.payload), **told}),
            }
        )
        self.events.append(event)
        return event

    def _fitting(self, payload: Any, given: dict[str, Any]) -> dict[str, Any]:
        names = type(payload).model_fields
        own = {"approval_id": approval_of(self.incident), "number": 1, "incident_id": self.incident}
        return {**{name: value for name, value in own.items() if name in names}, **given}

    def opened(self) -> None:
        self.tell("incident.opened", run=None)

    def argued(self) -> None:
        for kind in ("run.requested", "run.started", "tool.called", "evidence.collected"):
            self.tell(kind)
        self.tell("incident.moved", status="INVESTIGATING")
        for kind in (
            "rca.diagnosed",
            "rca.planned",
            "rca.reviewed",
            "rca.critiqued",
            "rca.decided",
            "run.spent",
        ):
            self.tell(kind)

    def asked(self, signatures: int = 2) -> None:
        self.tell("preflight.checked")
        needed = golden(CLASSES["approval.requested"]).payload.needed.model_copy(
            update={"signatures": signatures}
        )
        self.tell("decision.made", needed=needed)
        self.tell("approval.requested", needed=needed)
        self.tell("incident.moved", status="WAITING_APPROVAL")

    def signed(
        self, person: str, decision: str = "approve", state: str = "PENDING", reason: str = "seen"
    ) -> None:
        said = {
            "person": person,
            "decision": decision,
            "state": state,
            "reason": reason,
            "jti": f"jti-of-{person}",
        }
        self.tell("vote.counted", person, **said)

    def executed(self) -> None:
        self.tell("action.authorized")
        self.tell("execution.claimed", attempt=1)
        for kind in ("execution.started", "execution.succeeded", "execution.verified"):
            self.tell(kind)
        self.tell("run.finished", state="succeeded", reason="verified", error_code="", detail="it holds")


def done() -> list[Event]:
    teller = Teller(DONE)
    teller.opened()
    teller.tell("incident.acknowledged", "bob", run=None, note="looking")
    teller.tell("incident.assigned", "bob", run=None, assignee="carol")
    teller.argued()
    teller.asked()
    teller.signed("bob")
    teller.signed("carol", state="APPROVED", reason="word " * 60)
    teller.tell("approval.approved", state="APPROVED", signed_by=("bob", "carol"))
    teller.executed()
    said = {"channel": "slack", "state": "WAITING_APPROVAL"}
    teller.tell("channel.sent", kind="approval_request", message_id="M1", text="two are asked", **said)
    teller.tell("notification.failed", kind="error", message_id="M2", text="mail is away", **said)
    teller.tell("channel.received", "bob", message_id="M3", text="looks good", duplicate=True, **said)
    return teller.events


def asked() -> list[Event]:
    teller = Teller(ASKED, after_secs=100)
    teller.opened()
    teller.argued()
    teller.asked()
    teller.signed("bob")
    return teller.events


def spurned() -> list[Event]:
    teller = Teller(SPURNED, after_secs=200)
    teller.opened()
    teller.argued()
    teller.asked(signatures=1)
    teller.signed("dana", "reject", "REJECTED", "not during the sale")
    teller.tell("approval.rejected", state="REJECTED", rule="rejection", reason="dana rejected it")
    teller.tell(
        "run.cancelled",
        "dana",
        state="cancelled",
        reason="rejected",
        error_code="E-APPR-REJECTED",
        detail="dana rejected it",
    )
    return teller.events


def theirs() -> list[Event]:
    teller = Teller(THEIRS, "bank", after_secs=300)
    teller.opened()
    teller.argued()
    teller.asked()
    return teller.events


def services() -> Iterator[Event]:
    """One that is everybody's, and one of each project."""
    for project, service, needs in (("", "web", ("cart",)), ("shop", "cart", ()), ("bank", "vault", ())):
        example = golden(CLASSES["topology.observed"])
        told = observed("file", service, depends_on=needs)
        about = {"event_id": ids.derive_id("observed", service), "project_id": project, "payload": told}
        yield example.model_copy(update=about)


def policies() -> Iterator[Event]:
    """Two revisions, the second in force."""
    for version in (1, 2):
        example = golden(CLASSES["policy.applied"])
        said = {"version": version} if version > 1 else {"version": version, "hash": "1" * 64}
        told = example.payload.model_copy(update=said)
        at = START + timedelta(seconds=version)
        about = {"event_id": ids.derive_id("policy", str(version)), "project_id": "", "payload": told}
        yield example.model_copy(update={**about, "actor": "alice", "recorded_at": at})


def playbooks() -> Iterator[Event]:
    """One that was changed, by whose second revision was decided, and one that was withdrawn."""
    for minutes, name, number in (
        (-30, "pod-oom", 1),
        (-20, "pod-oom", 2),
        (-30, "hangs", 1),
        (-10, "hangs", 2),
    ):
        example = golden(CLASSES["playbook.revised"])
        gone = (name, number) == ("hangs", 2)
        said = {"name": name, "number": number, "withdrawn": gone, "hash": "" if gone else str(number) * 64}
        about = {"event_id": ids.derive_id("playbook", name, str(number)), "project_id": ""}
        told = example.payload.model_copy(update={**said, "subject": f"playbook/{name}"})
        at = START + timedelta(minutes=minutes)
        yield example.model_copy(update={**about, "payload": told, "recorded_at": at})


def whole_story() -> Iterator[Event]:
    for events in (done(), asked(), spurned(), theirs(), services(), policies(), playbooks()):
        yield from events


def rows_of(events: Iterator[Event] | list[Event]) -> list[EventRow]:
    return [
        row_of(CODEC, "", "t", 0, place, CODEC.encode(event), headers_of(event))
        for place, event in enumerate(events)
    ]


def headers_of(event: Event) -> Headers:
    """One trace an incident, as the stages hand it on."""
    return event_headers(event, "application/avro", trace_of_incident(event.incident_id).encode(), b"1")


def trace_of_incident(incident: str) -> str:
    return ids.derive_id("trace", incident).replace("-", "")


async def prepare(peer: ClickHousePeer) -> None:
    """A migrated database with the story in it."""
    async with connected(peer.config()) as client:
        await migrate(client)
    await store_story(peer)


async def store_story(store: ClickHousePeer, events: Iterator[Event] | list[Event] | None = None) -> None:
    writer = Writer(store.config())
    await writer.open()
    assert not await writer.write(rows_of(whole_story() if events is None else events), [])
    await writer.close()
