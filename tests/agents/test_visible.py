"""Foreign text on a terminal steers nothing and hides nothing."""

from __future__ import annotations

import pytest

from agents.argument import argument
from agents.panel_run import debate
from agents.visible import visible
from tests.agents.crash_loop import crash_loop
from tests.agents.panels import Time, desk

TEXTS = {
    "plain": ("pod shop/web is down: 93.4 %", "pod shop/web is down: 93.4 %"),
    "other scripts stay": ("größer 忽略 Не ×20", "größer 忽略 Не ×20"),  # noqa: RUF001 (other scripts)
    "lines stay": ("one\n\ttwo", "one\n\ttwo"),
    "an escape": ("\x1b[2Jgone", "\\x1b[2Jgone"),
    "one in a byte": ("\x9b31m", "\\x9b31m"),
    "a bell and a return": ("a\x07b\rc", "a\\x07b\\rc"),
    "the other direction": ("\u202egnp.exe", "\\u202egnp.exe"),
    "no width": ("a\u200bb", "a\\u200bb"),
    "tags": ("ok\U000e0061", "ok\\U000e0061"),
    "half a pair": ("\ud83d", "\\ud83d"),
    "a wide space": ("a\u00a0b", "a b"),
}


@pytest.mark.parametrize(("text", "shown"), TEXTS.values(), ids=list(TEXTS))
def test_what_steers_or_hides_is_shown_as_its_code(text, shown):
    assert visible(text) == shown


async def test_an_argument_over_foreign_names_holds_nothing_that_steers_a_terminal():
    given = crash_loop(alert_type="\x1b]0;title\x07\x1b[8mKubePodCrashLooping", labels={"pod": "\u202ex"})
    ended = await debate(given, desk(), Time().now)

    told = argument(ended.package, ended.heard)

    assert "KubePodCrashLooping" in told
    assert all(one.isprintable() for one in told if one != "\n")
