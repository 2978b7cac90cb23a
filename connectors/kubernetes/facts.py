"""What every finding about an object has in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from connectors.evidence import Finding
from connectors.kubernetes.kinds import Kind
from connectors.kubernetes.reading import Obj, age, ago, millis, name_of, namespace_of, text

MOST_TEXT = 500


def finding(
    kind: Kind,
    obj: Obj,
    now: int,
    told: Sequence[str],
    numbers: Mapping[str, float | None],
    words: Mapping[str, str],
) -> Finding:
    """What every object's finding has: its name, its age, that it exists; nothing that is not known."""
    namespace, name = namespace_of(obj), name_of(obj)
    where = f"{namespace}/{name}" if namespace else name
    secs = ago(millis(obj, "metadata", "creationTimestamp"), now)
    known = {"age_seconds": secs, **numbers}
    said = {"namespace": namespace, **words, "deleting": "true" if deleting(obj) else ""}
    sentence = "; ".join([*(one for one in told if one), *(["being deleted"] if deleting(obj) else [])])
    return Finding(
        kind=kind.word,
        about=name,
        observed_at=now,
        text=f"{kind.word} {where}: {sentence}, {age(secs)} old"[:MOST_TEXT],
        numbers={key: float(value) for key, value in known.items() if value is not None},
        words={key: value for key, value in said.items() if value},
        targets=((kind.word, namespace, name),),
    )


def deleting(obj: Obj) -> bool:
    return bool(text(obj, "metadata", "deletionTimestamp"))
