"""A text as a machine would read it: invisible characters out, look-alikes to what they look like."""

from __future__ import annotations

import re
import unicodedata

PRIVATE = re.compile(r"[\ue000-\uf8ff]")
INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180e\ufe00-\ufe0f]"
)
# A runbook's `<namespace>`: something that a person fills in, no redirection.
PLACEHOLDER = re.compile(r"(?<![<\d&])<[A-Za-z][A-Za-z0-9_. /-]{0,60}>(?![>&(])")
LOOK_ALIKES = str.maketrans(
    "асеорхуіјѕԁһӏԛԝкмтвпгАСЕОРХУІЈЅКМТВНαορνκιτυχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ‐‑‒–—−“”‘’",  # noqa: RUF001 look-alikes are the point
    "aceopxyijsdhlqwkmtbnrACEOPXYIJSKMTBHaopvkituxABEZHIKMNOPTYX------\"\"''",
)


def clean(text: str) -> str:
    """The text itself, without what only this folder may use."""
    return PRIVATE.sub("", text).replace("\r\n", "\n")


def plain(text: str) -> str:
    """How the text looks to a reader: a disguise comes off here."""
    seen = unicodedata.normalize("NFKC", text.translate(LOOK_ALIKES)).translate(LOOK_ALIKES)
    shown = "".join(c for c in seen if unicodedata.category(c) != "Cf")
    return INVISIBLE.sub("", PRIVATE.sub("", shown)).replace("\r", "\n").replace("\u2028", "\n")
