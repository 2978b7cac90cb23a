"""Revisions of the playbooks, as the record keeps them: what is new here, says something else, or is gone."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime

from agents.playbooks.book import SHIPPED, Book
from agents.playbooks.shape import Playbook
from schemas import ids
from schemas.policy import PlaybookRevised, PlaybookRevision, PlaybookSource

STAGE = "rca"


def revisions(book: Book, known: Mapping[str, PlaybookRevised], at: datetime) -> Iterator[PlaybookRevised]:
    """`known` are the latest by name. Two workers that start at once say the same under the same ids."""
    for playbook in book.playbooks:
        before, text = known.get(playbook.name), text_of(playbook)
        if before is None or before.payload.text != text:
            yield _revised(_next(playbook, text, _source(book, playbook.name), before), before, at)
    for name in sorted(known.keys() - book.by_name.keys()):
        before = known[name]
        if not before.payload.withdrawn:
            gone = {"number": before.payload.number + 1, "hash": "", "text": "", "withdrawn": True}
            yield _revised(before.payload.model_copy(update=gone), before, at)


def text_of(playbook: Playbook) -> str:
    """Without what is as usual: a release that adds a word to the language changes no playbook."""
    told = playbook.model_dump(mode="json", exclude_defaults=True)
    return json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _next(
    playbook: Playbook, text: str, source: PlaybookSource, before: PlaybookRevised | None
) -> PlaybookRevision:
    return PlaybookRevision(
        subject=PlaybookRevision.subject_of(playbook.name),
        name=playbook.name,
        number=1 if before is None else before.payload.number + 1,
        hash=hashlib.sha256(text.encode()).hexdigest(),
        text=text,
        family=playbook.family,
        source=source,
    )


def _source(book: Book, name: str) -> PlaybookSource:
    ours = book.files[name].parent == SHIPPED
    return PlaybookSource.SHIPPED if ours else PlaybookSource.INSTALLATION


def _revised(said: PlaybookRevision, before: PlaybookRevised | None, at: datetime) -> PlaybookRevised:
    """The revision before is part of the id: a return to what was said once is a revision of its own."""
    previous = "" if before is None else before.event_id
    return PlaybookRevised(
        event_id=ids.derive_id(PlaybookRevised.type_name(), said.name, said.hash, previous),
        project_id="",
        occurred_at=at,
        recorded_at=at,
        stage=STAGE,
        actor="",
        causes=(previous,) if previous else (),
        payload=said,
    )
