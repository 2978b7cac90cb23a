"""How long each part of an alert may be. What is longer is cut, and the alert says so (`truncated`)."""

from __future__ import annotations

MAX_ALERTS = 10_000  # in one record; more is a broken sender, and the record is rejected
MAX_LABELS = 100
MAX_ANNOTATIONS = 100
MAX_METRICS = 100

ALERT_TYPE = 300
MESSAGE = 1_000
DESCRIPTION = 4_000
NAMESPACE = 300
TARGET_RESOURCE = 500
CLUSTER = 300
SOURCE = 100
GENERATOR_URL = 2_000
NAME = 200  # of a label, an annotation, a metric
LABEL = 1_000
ANNOTATION = 4_000
METRIC = 200
SHORTEST_TEXT = min(MESSAGE, DESCRIPTION, GENERATOR_URL, LABEL, ANNOTATION)  # whatever fits it fits all these

_WORD = 200  # a cut moves back to a blank within this many characters


def cut(text: str, limit: int) -> str:
    """At most `limit` characters, at a blank if one is near.

    Half an e-mail address or key is still a personal value, but no pattern knows it.
    """
    if len(text) <= limit:
        return text
    kept = text[:limit]
    if text[limit].isspace():
        return kept.rstrip()
    blank = max(kept.rfind(" ", limit - _WORD), kept.rfind("\n", limit - _WORD))
    return kept[:blank].rstrip() if blank > 0 else kept
