"""`awoooi playbooks`: what the rule engine knows, whether it is right, and what it says of an alert."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from agents.hard_rules import judge
from agents.playbooks.book import Book, load_book
from agents.playbooks.matching import fits
from agents.playbooks.seen import Sorted
from agents.playbooks.shape import Playbook
from agents.rule_actions import proposals
from agents.rules import rank
from agents.visible import visible
from awoooi.ask import brief_of, runs_of
from awoooi.printing import print_table
from awoooi.settings import Settings
from schemas.evidence import Brief


def show(settings: Settings, *, as_json: bool) -> None:
    book = load_book(settings.playbooks)
    if as_json:
        for playbook in book.playbooks:
            print(playbook.model_dump_json())
        return
    rows = [
        (one.name, one.family, _operations(one), _risks(one), str(book.files[one.name].name))
        for one in book.playbooks
    ]
    print_table(("playbook", "family", "offers", "risk", "file"), rows)


def _operations(playbook: Playbook) -> str:
    return ", ".join(dict.fromkeys(str(action.operation) for action in playbook.actions))


def _risks(playbook: Playbook) -> str:
    return max((action.risk for action in playbook.actions), key=lambda risk: risk.rank)


def check(settings: Settings, files: Sequence[str]) -> int:
    """Exit status 1 where a text that could run breaks a hard rule; a wrong file is an error of its own."""
    book = load_book((*settings.playbooks, *map(Path, files)))
    broken = list(_broken(book))
    for line in broken:
        print(line, file=sys.stderr)
    print(f"{len(book.playbooks)} playbooks in {len(set(book.files.values()))} files: ", end="")
    print(f"{len(broken)} texts break hard rules" if broken else "all in order")
    return 1 if broken else 0


def _broken(book: Book) -> Iterator[str]:
    for playbook in book.playbooks:
        for action in playbook.actions:
            for text in action.runs:
                for found in judge(text):
                    yield f"{book.files[playbook.name]}: {playbook.name}: {found.why} ({found.rule})"


def test(settings: Settings, file: str, *, as_json: bool) -> int:
    """What matches, what is believed, what is offered, with no model and no broker."""
    book = load_book(settings.playbooks)
    started, rejected = asyncio.run(runs_of(settings, file))
    for run in started:
        brief = brief_of(run)
        told = _told(brief, book)
        if as_json:
            print(json.dumps(told))
        else:
            _print(told)
    for why in rejected:
        print(visible(f"rejected, {why}"), file=sys.stderr)
    return 1 if rejected or not started else 0


def _told(brief: Brief, book: Book) -> dict[str, object]:
    candidates = rank(brief, book)
    seen = Sorted(brief).subject()
    matched = [(one.name, fit.basis) for one in book.playbooks if (fit := fits(one.match, brief, seen))]
    return {
        "alert_type": brief.subject.alert_type,
        "matched": [{"playbook": name, "by": str(basis)} for name, basis in matched],
        "hypotheses": [candidate.hypothesis.model_dump(mode="json") for candidate in candidates],
        "actions": [
            {"playbook": one.playbook, "for": one.hypothesis, "step": one.step.model_dump(mode="json")}
            for one in proposals(brief, candidates)
        ],
    }


def _print(told: dict[str, object]) -> None:
    print(visible(str(told["alert_type"])))
    for title, name in (("matched", "matched"), ("hypotheses", "hypotheses"), ("actions", "actions")):
        entries = told[name]
        assert isinstance(entries, list)
        print(f"  {title}:" if entries else f"  {title}: none")
        for entry in entries:
            print(f"    {visible(_line(name, entry))}")


def _line(name: str, entry: dict[str, object]) -> str:
    if name == "matched":
        return f"{entry['playbook']} (by {entry['by']})"
    if name == "hypotheses":
        return f"{entry['id']} {entry['confidence']:.0%} {entry['cause']}"
    step = entry["step"]
    assert isinstance(step, dict)
    target = step["target"]
    return f"{step['operation']} {target['kind']} {target['name']} for {entry['for']} ({entry['playbook']})"
