"""Chromium, as Debian packages it, driven by playwright; nothing is downloaded.

What a page says wrong, and whom it asks, is kept: a test that ends looks at it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.peers.tools import MissingToolError, find_tool

ARTEFACTS = "AWOOOI_TEST_ARTEFACTS"
"""a folder for screenshots that outlives the run; by default they lie in the test's own"""
WIDE, PHONE = (1280, 860), (360, 780)
_HINT = "Debian: chromium, fonts-noto-cjk"
_FLAGS = ("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
_NO_FAULT = re.compile(
    r"Failed to load resource: .*(status of (401|404|409|422|503)|net::ERR_(CONNECTION|INCOMPLETE|EMPTY))"
)
"""that a request was refused, or the gateway was away: the page itself says so"""


def binary() -> Path:
    try:
        import playwright.sync_api  # noqa: F401  (whether it can be had)
    except ImportError as error:
        raise MissingToolError("the Python package `playwright` is missing (extra dev)") from error
    return Path(find_tool("chromium", _HINT))


@dataclass
class Watched:
    """One person's browser, with all that went wrong in it."""

    context: Any
    page: Any
    origin: str
    faults: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)
    """requests to anybody but the origin"""

    def watch(self) -> None:
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.context.on("request", self._asked)

    def _said(self, message: Any) -> None:
        if message.type in ("error", "warning") and not _NO_FAULT.search(message.text):
            self.faults.append(message.text)

    def _asked(self, request: Any) -> None:
        if not request.url.startswith((f"{self.origin}/", "data:")):
            self.strangers.append(request.url)


class ChromiumPeer:
    """One browser; each of its `windows` is a person's own, with a storage of its own."""

    def __init__(self, browser: Any, shots: Path) -> None:
        self._browser, self._shots = browser, shots

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[ChromiumPeer]:
        path = binary()
        from playwright.sync_api import sync_playwright

        shots = Path(os.environ.get(ARTEFACTS) or folder) / "console"
        shots.mkdir(parents=True, exist_ok=True)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=path, args=[*_FLAGS, *_as_root()])
            try:
                yield cls(browser, shots)
            finally:
                browser.close()

    @contextmanager
    def window(
        self,
        origin: str,
        *,
        language: str = "en",
        theme: str = "light",
        size: tuple[int, int] = WIDE,
        wait_secs: float = 40,
    ) -> Iterator[Watched]:
        viewport = {"width": size[0], "height": size[1]}
        context = self._browser.new_context(viewport=viewport, locale=language, color_scheme=theme)
        context.set_default_timeout(wait_secs * 1000)
        watched = Watched(context, context.new_page(), origin)
        watched.watch()
        try:
            yield watched
        finally:
            context.close()

    def keep(self, page: Any, name: str) -> Path:
        """A screenshot of the whole page."""
        path = self._shots / f"{name}.png"
        page.screenshot(path=path, full_page=True)
        return path


def _as_root() -> tuple[str, ...]:
    """Chromium's own sandbox does not start as root, which a build machine may be."""
    return ("--no-sandbox",) if os.geteuid() == 0 else ()
