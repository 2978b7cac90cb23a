"""Programs whose rules are a few words: always refused, refused with these words, let pass with those."""

from __future__ import annotations

import re

from agents.hard_rules.calls import Call, Handler
from agents.hard_rules.given import read
from agents.hard_rules.hits import Rule
from agents.hard_rules.streams import EMPTY, Stream


def always(rule: Rule, reads: str = "") -> Handler:
    """Programs that do nothing else, but for the options in `reads`."""
    harmless = reads.split()

    def handle(call: Call) -> Stream | None:
        given = read(call.args)
        asked = given.wants_help or any(arg in harmless for arg in call.args)
        if not asked:
            call.hit(rule)
        return EMPTY

    return handle


def words_that(pattern: str, rule: Rule) -> Handler:
    """Programs of which only some words are refused, looked for among their arguments in order."""
    compiled = re.compile(pattern, re.IGNORECASE)

    def handle(call: Call) -> Stream | None:
        if read(call.args).wants_help:
            return EMPTY
        if compiled.search(call.said):
            call.hit(rule)
        return None

    return handle


def disk_tool(reads: str) -> Handler:
    """Partitioning tools: listing is fine, everything else writes."""
    harmless = reads.split()

    def handle(call: Call) -> Stream | None:
        words = set(call.args)
        if not call.args or words & set(harmless) or words & {"--help", "--version", "-h", "-V"}:
            return None
        call.hit(Rule.RAW_DISK)
        return None

    return handle
