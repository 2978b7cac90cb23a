"""Words in names as monitoring people write them: `KubePodCrashLooping`, `kube_pod-crash looping`."""

from __future__ import annotations

import re
from functools import lru_cache

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_]+")
_LONG_ENOUGH = 5  # letters that are looked for within a word too: "highcpuusage"


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    return tuple(part.lower() for part in _PARTS.findall(text))


@lru_cache(maxsize=4096)
def squeezed(text: str) -> str:
    return "".join(words_of(text))


@lru_cache(maxsize=32_768)  # every pattern of all playbooks is tried on each alert, several times a run
def weight(pattern: str, text: str) -> int:
    """How much of the text a pattern accounts for, in letters; 0 where one of its words is missing."""
    words, whole, wanted = words_of(text), squeezed(text), words_of(pattern)
    letters = sum(map(len, wanted))
    if letters >= _LONG_ENOUGH and squeezed(pattern) in whole:
        return letters
    found = bool(wanted) and all(_in(part, words, whole) for part in wanted)
    return letters if found else 0


def _in(part: str, words: tuple[str, ...], whole: str) -> bool:
    return any(word.startswith(part) for word in words) or (len(part) >= _LONG_ENOUGH and part in whole)


@lru_cache(maxsize=16_384)
def holds(phrase: str, text: str) -> bool:
    """Whether a text holds a phrase: its words in their order, the last one perhaps only begun."""
    wanted, words = words_of(phrase), words_of(text)
    if not wanted:
        return False
    run_together = "".join(wanted)
    if len(wanted) > 1 and run_together in words:
        return True
    *first, last = wanted
    return any(
        list(words[at : at + len(first)]) == first and words[at + len(first)].startswith(last)
        for at in range(len(words) - len(first))
    )
