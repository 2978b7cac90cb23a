"""`awoooi eval rca DIR`: a table for people, or all figures and answers as JSON."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from agents.evaluation.rca_data import find, load
from agents.evaluation.rca_score import Answer, Result, Score, measure
from awoooi.printing import print_json, print_table

COLUMNS = (
    "arm",
    "cases",
    "top-1",
    "95 %",
    "top-3",
    "95 %",
    "MRR",
    "95 %",
    "abstained",
    "false blame",
    "95 %",
)


def run(folder: str, *, as_json: bool) -> None:
    results = (measure(load(path)) for path in find(Path(folder)))
    if as_json:
        print_json({"data_sets": [_document(result) for result in results]})
        return
    for result in results:
        print(f"{result.name}\n")
        print_table(COLUMNS, [_row(score) for score in result.scores])
        print("\n" + "\n".join(_missed(result)) + "\n")


def _row(score: Score) -> tuple[str, ...]:
    shares: tuple[str, ...] = ("–",) * 6
    if score.faulty:
        shares = (
            f"{score.top1:.3f}",
            _interval(score.top1_interval),
            f"{score.top3:.3f}",
            _interval(score.top3_interval),
            f"{score.mrr:.3f}",
            _interval(score.mrr_interval),
        )
    blamed = ("–", "–")
    if score.false_blame is not None and score.false_blame_interval is not None:
        blamed = (f"{score.false_blame:.3f}", _interval(score.false_blame_interval))
    return (score.arm.value, str(score.cases), *shares, f"{score.abstained:.3f}", *blamed)


def _interval(bounds: tuple[float, float]) -> str:
    return f"{bounds[0]:.2f}–{bounds[1]:.2f}"


def _missed(result: Result) -> list[str]:
    """The cases as they are whose first answer was not a cause."""
    missed = [told for told in result.answers if told.causes and told.credit(1) < 1]
    if not missed:
        return ["Every cause was named first."]
    return ["Not named first:", *(f"  {_line(told)}" for told in missed)]


def _line(told: Answer) -> str:
    said = ", ".join(name for name, _ in told.named[:3]) or "nobody"
    return f"{told.case}: {', '.join(told.causes)} ({told.fault or 'fault not told'}); named: {said}"


def _document(result: Result) -> dict[str, Any]:
    return {
        "name": result.name,
        "arms": {score.arm.name.lower(): _figures(score) for score in result.scores},
        "answers": [
            {
                "case": told.case,
                "fault": told.fault,
                "causes": told.causes,
                "abstained": told.abstained,
                "named": [{"service": name, "score": round(score, 4)} for name, score in told.named[:10]],
            }
            for told in result.answers
        ],
    }


def _figures(score: Score) -> dict[str, Any]:
    figures = {name: value for name, value in asdict(score).items() if name != "arm"}
    return {"arm": score.arm.value, **figures}
