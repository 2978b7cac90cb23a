"""How ClickHouse says no, sorted by what to do about it.

Away      it may work later: no connection, a timeout, an overloaded or misconfigured server
Refused   this very row or statement will never be taken

An INSERT is refused only for what is surely its rows' fault; a missing table or a wrong password is a
reason to wait, since setting good rows aside for it would lose them. A question that fails is refused
unless the server says that it may work later.
"""

from __future__ import annotations

import re

from schemas.errors import Never, NotNow

# What lies in the rows themselves: they do not parse, do not convert, do not fit.
ROW_FAULTS = frozenset(
    {6, 26, 27, 32, 33, 34, 38, 41, 43, 44, 48, 53, 69, 70, 72, 117, 130, 131, 190, 321, 349, 376, 407, 441}
    | {467, 469, 577, 675, 691}
)
# What passes: limits, load, disk, network, shutdown.
PASSING = frozenset(
    {3, 74, 75, 76, 159, 160, 164, 173, 194, 198, 202, 203, 209, 210, 225, 236, 241, 242, 243, 252, 285, 290}
    | {307, 319, 394, 425, 439, 473, 497, 499, 516, 630, 722, 745, 999, 1000, 1001, 1002}
)
ASKING_PASSES = PASSING - {164, 307, 497, 516}
CODE = re.compile(r"Code: (\d+)")
FIRST_LINE = 500  # characters of an error that are kept
_WRAPPING = re.compile(
    r"^Received ClickHouse exception, code: \d+, server response: |^Code: \d+\. DB::Exception: "
    r"|\n FORMAT Native\b| \(for url \S+\)$"
)


class Away(NotNow):
    """ClickHouse does not answer, or not now; `code` is its error code where it gave one."""

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


class Refused(Never):
    """ClickHouse will never take this row or statement; `code` is its error code, None for the client's."""

    reason = "refused_by_clickhouse"

    def __init__(self, message: str, code: int | None = None) -> None:
        super().__init__(message)
        self.code = code


def insert_failed(message: str, code: int | None) -> Away | Refused:
    """In doubt: wait."""
    return Refused(message, code) if code in ROW_FAULTS else Away(message, code)


def question_failed(message: str, code: int | None) -> Away | Refused:
    """In doubt: an answer."""
    return Away(message, code) if code is None or code in ASKING_PASSES else Refused(message, code)


def code_in(message: str, given: int | None) -> int | None:
    """ClickHouse's code, from the client or from the text."""
    if given is not None:
        return given
    found = CODE.search(message)
    return int(found[1]) if found else None


def short(told: str) -> str:
    """Without what a driver puts around ClickHouse's own words."""
    while (bare := _WRAPPING.sub("", told)) != told:
        told = bare
    return told[:FIRST_LINE]
