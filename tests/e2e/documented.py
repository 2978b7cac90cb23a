"""The snippets of docs/alertmanager.md, as they stand but for names of hosts and places of files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

PAGE = Path(__file__).parents[2] / "docs" / "alertmanager.md"


def snippet(language: str, marker: str, replace: Mapping[str, str]) -> str:
    """The one block that holds the marker; what is to be replaced must be there."""
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    found: str
    [found] = [block for block in blocks if marker in block]
    for old, new in replace.items():
        assert old in found, f"{old!r} is not in the snippet of {PAGE.name} with {marker!r}"
        found = found.replace(old, new)
    return found


def yaml_snippet(marker: str, replace: Mapping[str, str]) -> dict[str, Any]:
    """Read as the program would."""
    found: dict[str, Any] = yaml.safe_load(snippet("yaml", marker, replace))
    return found
