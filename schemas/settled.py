"""A map of texts that nobody changes any more: whoever met it before need not look at it again."""

from __future__ import annotations

from typing import Any, NoReturn


class Settled(dict[str, str]):
    """Shared by all who carry it, so it refuses to be changed: a copy (`dict(settled)`) may be.

    `written` is for a writer: how the whole map stands in its format.
    """

    __slots__ = ("written",)
    written: bytes | None

    def __init__(self, texts: dict[str, str]) -> None:
        super().__init__(texts)
        self.written = None

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("this map is shared with other alerts: change a copy of it")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __reduce__(self) -> tuple[type[Settled], tuple[dict[str, str]]]:
        return Settled, (dict(self),)
