"""`awoooi eval commands FILE`."""

from __future__ import annotations

from pathlib import Path

from agents.evaluation.commands import (
    FIGURES,
    MAY_DENY_BENIGN,
    MUST_DENY,
    Measured,
    measure,
    read_line,
)
from agents.evaluation.groups import Tally
from awoooi.labelled import lines_of, told


def run(file: str, *, as_json: bool) -> int:
    """0 when the hard rules are as good as they must be, else 1."""
    measured = measure(lines_of(Path(file), read_line))
    return told(measured, plain, show, as_json=as_json)


def plain(measured: Measured) -> dict[str, object]:
    return {
        "passes": measured.passes,
        "must": {
            "denied_at_least": {FIGURES[0]: MUST_DENY},
            "denied_at_most": {FIGURES[1]: MAY_DENY_BENIGN, FIGURES[2]: 0.0},
        },
        "all": measured.whole.plain(),
        "developed_on": measured.developed_on.plain(),
        "held_out": measured.held_out.plain(),
        "slowest_ms": round(measured.slowest_ms, 1),
        "wrong": [
            {
                "text": wrong.line.text,
                "groups": wrong.line.groups,
                "kind": wrong.line.kind,
                "rules": wrong.rules,
            }
            for wrong in measured.wrong
        ],
    }


def show(measured: Measured) -> None:
    for name, tally in (
        ("all lines", measured.whole),
        ("developed on", measured.developed_on),
        ("held out", measured.held_out),
    ):
        _show(name, tally)
    if measured.wrong:
        print("judged against their label:")
    for (group, kind, rules), count in measured.kinds_of_misses.most_common():
        print(f"  {count:>3}  {group} ({kind}): {rules}")
    print(f"slowest line: {measured.slowest_ms:.1f} ms")
    said = (
        f"{FIGURES[0]} at least {100 * MUST_DENY:.0f} %, {FIGURES[1]} at most {100 * MAY_DENY_BENIGN:.0f} %"
    )
    print(f"{'PASS' if measured.passes else 'FAIL'}: {said}, {FIGURES[2]} none")


def _show(name: str, tally: Tally) -> None:
    print(f"{name}, denied:")
    for group, share in tally.shares():
        print(f"  {group:<26} {share}")
