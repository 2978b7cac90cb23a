"""Selectors and patches, as the API server understands them; for the fake."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from connectors.kubernetes.reading import dig, strings

Plain = dict[str, Any]
_SET_BASED = re.compile(r"^\s*(?P<key>[^\s!=,()]+)\s+(?P<how>in|notin)\s+\((?P<values>[^)]*)\)\s*$")


class BadSelector(ValueError):
    """A selector that the API server would refuse."""


def check(labels: str, fields: str) -> None:
    """Raises BadSelector, also where there is nothing to choose from."""
    nothing: Plain = {}
    labels_match(labels, nothing)
    for term in _terms(fields):
        _equality(term)


def labels_match(selector: str, obj: Mapping[str, Any]) -> bool:
    labels = strings(obj, "metadata", "labels")
    return all(_label_matches(term, labels) for term in _terms(selector))


def fields_match(selector: str, obj: Mapping[str, Any]) -> bool:
    """`a.b=c` and `a.b!=c`; every field may be asked for, other than at the real server."""
    for term in _terms(selector):
        path, negated, wanted = _equality(term)
        found = dig(obj, *path.split("."))
        if (str(found if found is not None else "") == wanted) is negated:
            return False
    return True


def _terms(selector: str) -> Iterator[str]:
    """Split at commas outside of parentheses."""
    yield from (term for term in re.split(r",(?![^(]*\))", selector) if term.strip())


def _label_matches(term: str, labels: Mapping[str, str]) -> bool:
    if found := _SET_BASED.match(term):
        values = {value.strip() for value in found["values"].split(",")}
        return (labels.get(found["key"]) in values) is (found["how"] == "in")
    if "=" not in term:
        name = term.strip()
        return name[1:] not in labels if name.startswith("!") else name in labels
    name, negated, wanted = _equality(term)
    return (labels.get(name) == wanted) is not negated


def _equality(term: str) -> tuple[str, bool, str]:
    name, _, wanted = term.partition("=")
    negated = name.endswith("!")
    if not name.rstrip("!").strip() or "=" not in term:
        raise BadSelector(f"unable to parse requirement: {term}")
    return name.rstrip("!").strip(), negated, wanted.removeprefix("=").strip()


def merged(target: Any, change: Any, *, strategic: bool) -> Any:
    """A JSON merge patch; a strategic one merges lists whose members have names, members by name."""
    if not isinstance(change, dict):
        return merged_list(target, change) if strategic else copy.deepcopy(change)
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in change.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value, strategic=strategic)
    return result


def merged_list(target: Any, change: Any) -> Any:
    named = isinstance(change, list) and all(isinstance(one, dict) and "name" in one for one in change)
    if not named or not isinstance(target, list):
        return copy.deepcopy(change)
    members: dict[Any, Any] = {one.get("name"): one for one in target if isinstance(one, dict)}
    for one in change:
        if one.get("$patch") == "delete":
            members.pop(one["name"], None)
        else:
            members[one["name"]] = merged(members.get(one["name"]), one, strategic=True)
    return list(members.values())


class BadPatch(ValueError):
    """A JSON patch that does not fit."""


def json_patched(target: Plain, steps: Sequence[Plain]) -> Plain:
    """RFC 6902, as much of it as is used: test, add, replace and remove within objects."""
    result = copy.deepcopy(target)
    for step in steps:
        *way, last = [part.replace("~1", "/").replace("~0", "~") for part in step["path"].split("/")[1:]]
        place: Any = result
        for part in way:
            place = place.get(part) if isinstance(place, dict) else None
        if not isinstance(place, dict) or (step["op"] != "add" and last not in place):
            raise BadPatch(f"{step['op']} operation does not apply: doc is missing path: {step['path']}")
        if step["op"] == "test":
            if place[last] != step["value"]:
                raise BadPatch(f"testing value {step['path']} failed")
        elif step["op"] == "remove":
            del place[last]
        else:
            place[last] = copy.deepcopy(step["value"])
    return result
