"""`awoooi eval privacy FILE`."""

from __future__ import annotations

from pathlib import Path

from agents.evaluation.privacy import MAY_TOUCH, MUST_COVER, Measured, Tally, measure, read_line
from awoooi.labelled import lines_of, told


def run(file: str, *, as_json: bool) -> int:
    """0 when the shield is as good as it must be, else 1."""
    measured = measure(lines_of(Path(file), read_line))
    return told(measured, plain, show, as_json=as_json)


def plain(measured: Measured) -> dict[str, object]:
    return {
        "passes": measured.passes,
        "must": {"spans_covered_at_least": MUST_COVER, "clean_touched_at_most": MAY_TOUCH},
        **measured.all.plain(),
        "developed_on": measured.developed_on.plain(),
        "held_out": measured.held_out.plain(),
        "wrong": measured.wrong,
    }


def show(measured: Measured) -> None:
    _show("all lines", measured.all)
    for kind, (covered, spans) in sorted(measured.all.by_kind.items()):
        print(f"  {kind:<14} {covered} of {spans}")
    _show("developed on", measured.developed_on)
    _show("held out", measured.held_out)
    if measured.wrong:
        print("went wrong:", ", ".join(measured.wrong))
    said = f"at least {100 * MUST_COVER:.0f} % covered, at most {100 * MAY_TOUCH:.0f} % touched"
    print(f"{'PASS' if measured.passes else 'FAIL'}: {said}")


def _show(name: str, tally: Tally) -> None:
    print(f"{name}: values covered {tally.spans_covered}")
    print(f"{'':{len(name)}}  clean lines touched {tally.clean_touched}")
