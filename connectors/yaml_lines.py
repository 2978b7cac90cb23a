"""Where a part of a YAML file stands, for complaints about it."""

from __future__ import annotations

from collections.abc import Sequence

import yaml


def line_of(node: yaml.Node, place: Sequence[str | int]) -> int:
    """The line of the innermost part that is there: a missing field is told at its parent."""
    line: int = node.start_mark.line
    for part in place:
        inner = _child(node, part)
        if inner is None:
            break
        line, node = inner
    return line + 1


def _child(node: yaml.Node, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        inner = node.value[part]
        return inner.start_mark.line, inner
    return None
