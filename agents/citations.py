"""Every causal claim cites items that exist; one that does not is dropped and counted."""

from __future__ import annotations

from collections.abc import Iterable

from agents.playbooks.seen import from_outside
from schemas.evidence import Brief, Source

MOST = 8


def existing(brief: Brief, cited: Iterable[str]) -> tuple[str, ...]:
    """Those of the ids that the snapshot has, each once, in their order."""
    known = {item.id for item in brief.items}
    kept = (text.strip().strip("[]").upper() for text in cited)
    return tuple(dict.fromkeys(one for one in kept if one in known))[:MOST]


def outside(brief: Brief, cited: Iterable[str]) -> set[Source]:
    """The sources of those cited items that show what nobody who only writes alerts can say."""
    wanted = set(cited)
    return {item.source for item in brief.items if item.id in wanted and from_outside(item)}
