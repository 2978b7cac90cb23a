"""`awoooi eval hostile-text FILE…`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from agents.evaluation.groups import Tally
from agents.evaluation.hostile import GROUPS, MAY_TOUCH, MUST_FIND, WEAK, Measured, measure, read_line
from agents.visible import visible
from awoooi.labelled import lines_of, told

MOST_SHOWN = 160
"""characters of a text that went wrong; --json has all of them"""


def run(files: Sequence[str], *, as_json: bool) -> int:
    """0 when hostile text is found as well as it must be, else 1."""
    measured = measure(chain.from_iterable(lines_of(Path(file), read_line) for file in files))
    return told(measured, plain, show, as_json=as_json)


def plain(measured: Measured) -> dict[str, object]:
    return {
        "passes": measured.passes,
        "must": {"injections_found_at_least": MUST_FIND, "benign_touched_at_most": MAY_TOUCH},
        "all": measured.whole.plain(),
        "developed_on": measured.developed_on.plain(),
        "held_out": measured.held_out.plain(),
        **{f"by_{kind}": tally.plain() for kind, tally in measured.by_kind.items()},
        "families": {group: dict(counts.most_common()) for group, counts in measured.families.items()},
        "wrong": [
            {
                "id": wrong.line.id,
                "group": wrong.line.group,
                "style": wrong.line.style,
                "language": wrong.line.language,
                "families": wrong.families,
                "text": wrong.line.text,
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
        _show(f"{name}, something found in", tally)
    for kind, tally in measured.by_kind.items():
        _show(f"injections by {kind}", tally)
    _show_families(measured)
    _show_wrong(measured)
    said = f"at least {100 * MUST_FIND:.0f} % of injections that are not weak found"
    touched = f"at most {100 * MAY_TOUCH:.0f} % of benign alerts touched"
    print(f"{'PASS' if measured.passes else 'FAIL'}: {said}, {touched}")


def _show(title: str, tally: Tally) -> None:
    print(f"{title}:")
    width = max((len(visible(group)) for group in tally.all), default=0)
    for group, share in tally.shares():
        print(f"  {visible(group):<{width}}  {share}")


def _show_families(measured: Measured) -> None:
    print("families that fired:")
    for name in sorted(set().union(*measured.families.values())):
        told = ", ".join(f"{measured.families[group][name]} in {group}" for group in GROUPS)
        print(f"  {name:<14}  {told}")


def _show_wrong(measured: Measured) -> None:
    """Weak ones are many and may be missed: they are counted, and in --json."""
    shown = [wrong for wrong in measured.wrong if wrong.line.group != WEAK]
    print(f"judged against their label: {len(shown)}, and {len(measured.wrong) - len(shown)} weak injections")
    for wrong in shown:
        text = visible(wrong.line.text).replace("\n", "\\n").replace("\t", " ")
        cut = text if len(text) <= MOST_SHOWN else text[: MOST_SHOWN - 1] + "…"
        why = " ".join(wrong.families) or visible(wrong.line.style)
        print(f"  {visible(wrong.line.id)}  {wrong.line.label}, {why}: {cut}")
