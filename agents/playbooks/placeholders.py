"""Which placeholders a playbook's texts may hold: `{service}`, `{labels.container}`, `{words.reason}`."""

from __future__ import annotations

import re
from collections.abc import Iterator

PLACEHOLDER = re.compile(r"\{([a-z_]+)(?:\.([A-Za-z_][\w.]*))?\}")
WHOLE = ("subject", "service", "namespace", "target")
WITH_A_NAME = ("labels", "words", "numbers")
ALLOWED = "{subject}, {service}, {namespace}, {target}, {labels.NAME}, {words.NAME}, {numbers.NAME}"


def unknown_placeholders(value: object) -> Iterator[str]:
    """Those that no incident could ever fill, in a text or in all texts of a structure."""
    if isinstance(value, str):
        for found in PLACEHOLDER.finditer(value):
            if found[1] not in (WITH_A_NAME if found[2] else WHOLE):
                yield found[0]
    elif isinstance(value, dict):
        for part in value.values():
            yield from unknown_placeholders(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from unknown_placeholders(part)
