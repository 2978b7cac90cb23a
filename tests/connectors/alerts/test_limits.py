from __future__ import annotations

import pytest

from connectors.alerts.limits import cut


@pytest.mark.parametrize(
    ("text", "limit", "kept"),
    [
        ("short", 10, "short"),
        ("one two three", 13, "one two three"),
        ("one two three", 10, "one two"),
        ("one two three", 7, "one two"),
        ("mail bob@example.com now", 10, "mail"),
        ("unbroken" * 10, 20, "unbrokenunbrokenunbr"),
        ("line one\nline two", 12, "line one"),
    ],
)
def test_cut(text: str, limit: int, kept: str) -> None:
    assert cut(text, limit) == kept
    assert len(cut(text, limit)) <= limit
