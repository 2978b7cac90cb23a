"""Parts go away: the pages say so, and come back by themselves with all that happened meanwhile."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from awoooi.state_file import running
from connectors.tokens import Role, revoke_person
from tests.e2e.console.system import ConsoleSystem, log_in
from tests.peers.chromium import ChromiumPeer, Watched

pytestmark = pytest.mark.timeout(150)


@pytest.fixture(scope="module")
def token(system: ConsoleSystem) -> str:
    return system.token("erin", (Role.VIEWER,))


@pytest.fixture
def window(system: ConsoleSystem, chromium: ChromiumPeer) -> Iterator[Watched]:
    with chromium.window(system.origin) as window:
        yield window
        assert window.strangers == []


def pid(system: ConsoleSystem, part: str) -> int:
    state = running(system.settings.state_dir)
    assert state is not None
    found: int = state["parts"][part]["pid"]
    return found


def test_the_gateway_dies_and_nothing_is_missed(
    system: ConsoleSystem, chromium: ChromiumPeer, window: Watched, token: str
) -> None:
    page = window.page
    log_in(window, token)
    page.locator(".live.live").wait_for()
    page.evaluate("window.sameDocument = true")

    os.kill(pid(system, "gateway"), signal.SIGKILL)
    page.locator(".live.away").wait_for()
    page.locator(".notice[role=alert]").wait_for()
    chromium.keep(page, "gateway-away")
    system.send("sent-while-away", "away")  # as soon as a gateway takes it, whether the page is back or not

    page.locator(".live.live").wait_for()
    row = page.locator("[data-incident]", has_text="sent-while-away")
    row.wait_for()
    incident = row.get_attribute("data-incident")
    page.locator(f".feed a[href='#/incidents/{incident}']").first.wait_for()  # told by the stream itself
    assert page.evaluate("window.sameDocument") is True


def test_the_store_is_away_and_the_page_says_so(
    system: ConsoleSystem, chromium: ChromiumPeer, window: Watched, token: str
) -> None:
    page, store = window.page, pid(system, "store")
    log_in(window, token)
    page.locator("#runs, .incidents, .empty").first.wait_for()
    os.kill(store, signal.SIGSTOP)
    try:
        page.goto(f"{window.origin}/console/#/runs")
        page.locator("main .notice.warn").first.wait_for()
        chromium.keep(page, "store-away")
    finally:
        os.kill(store, signal.SIGCONT)

    page.locator("main .notice.warn").first.wait_for(state="detached")
    page.locator("main table, main .empty").first.wait_for()


def test_a_token_that_ends_asks_for_another_and_leads_back(system: ConsoleSystem, window: Watched) -> None:
    page = window.page
    log_in(window, system.token("frank", (Role.VIEWER,)), path="/runs")
    page.evaluate("sessionStorage.setItem('awoooi.project', 'pay')")
    page.reload()
    page.locator("main#main").wait_for()
    revoke_person(system.settings.gateway.tokens_file, "frank")
    page.goto(f"{window.origin}/console/#/approvals")

    page.locator(".log-in .notice[role=alert]").wait_for()  # at the next thing it asks
    page.fill("input[name=token]", system.token("gina", (Role.VIEWER,), projects=["default"]))
    page.keyboard.press("Enter")
    page.locator("main .cards, main .empty").first.wait_for()  # not of the project that frank had chosen
    assert page.url.endswith("#/approvals")
