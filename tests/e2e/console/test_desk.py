"""What people ask and mend in a browser: SQL, rejected alerts, trust, the kill switch of a project."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from connectors.tokens import Role
from tests.e2e.console.system import ConsoleSystem, log_in
from tests.peers.chromium import ChromiumPeer, Watched

pytestmark = pytest.mark.timeout(150)
SLOW_MS = 30_000


@pytest.fixture(scope="module")
def token(system: ConsoleSystem) -> str:
    return system.token("dora", (Role.OPERATOR,))


@pytest.fixture
def window(system: ConsoleSystem, chromium: ChromiumPeer, token: str) -> Iterator[Watched]:
    with chromium.window(system.origin) as window:
        log_in(window, token)
        yield window
        assert window.faults == []
        assert window.strangers == []


def test_a_question_is_answered_or_refused_in_the_records_own_words(
    system: ConsoleSystem, chromium: ChromiumPeer, window: Watched
) -> None:
    page = window.page
    page.goto(f"{system.origin}/console/#/sql")
    page.fill("textarea.code", "SELECT number, '<b>bold</b>' AS text FROM numbers(2000)")
    page.press("textarea.code", "Control+Enter")
    expect(page.locator("table.plain tbody tr")).to_have_count(1000, timeout=SLOW_MS)
    assert page.inner_text("table.plain tbody tr:nth-child(2)").split() == ["1", "<b>bold</b>"]
    expect(page.locator("section[aria-labelledby=answer] .badge")).to_be_visible()

    page.click(".questions button >> text=noise")
    page.wait_for_selector("h2 >> text=noise")
    chromium.keep(page, "sql")

    page.fill("textarea.code", "DROP TABLE events")
    page.press("textarea.code", "Control+Enter")
    page.wait_for_selector(".notice.bad >> text=readonly")


def test_a_rejected_alert_appears_and_is_sent_again(
    system: ConsoleSystem, chromium: ChromiumPeer, window: Watched
) -> None:
    page = window.page
    page.goto(f"{system.origin}/console/#/rejected")
    page.wait_for_selector(".empty")
    system.post({"alerts": "<i>not a list</i>"})
    page.wait_for_selector("tbody tr")
    page.click("tbody button >> text=Send again")
    page.wait_for_selector("tbody .badge.good")
    chromium.keep(page, "rejected")

    expect(page.locator("tbody tr")).to_have_count(
        2, timeout=SLOW_MS
    )  # it still cannot be read: that is a new one
    page.reload()
    page.wait_for_selector("tbody >> text=sent by dora")


def test_an_operator_stops_one_project_and_cannot_let_it_go(system: ConsoleSystem, window: Watched) -> None:
    page = window.page
    page.click(".kill")
    page.fill("dialog form input", "elsewhere")
    page.press("dialog form input", "Enter")
    page.fill("dialog textarea", "it restarts what is healthy")
    page.click("dialog button[type=submit]")
    row = page.locator(".one-switch", has_text="elsewhere")
    row.wait_for()

    assert "dora" in row.inner_text()
    assert row.locator("button").count() == 0, "an admin lets it go"


def test_an_operator_freezes_a_namespace_and_ends_it(
    system: ConsoleSystem, chromium: ChromiumPeer, window: Watched
) -> None:
    page = window.page
    page.goto(f"{system.origin}/console/#/quiet")
    page.wait_for_selector(".empty")
    page.keyboard.press("n")
    page.select_option("dialog select", "freeze")
    page.fill("dialog input[name=project]", "default")
    page.fill("dialog textarea[name=matchers]", "team=web")
    page.fill("dialog textarea[name=comment]", "the <b>sale</b>")
    page.click("dialog button[type=submit]")
    page.wait_for_selector("dialog .notice.bad >> text=a freeze is about where")
    page.fill("dialog textarea[name=matchers]", "namespace=payments")
    page.click("dialog button[type=submit]")
    row = page.locator("tbody tr", has_text="namespace=payments")
    row.wait_for()
    assert "the <b>sale</b>" in row.inner_text()
    assert "dora" in row.inner_text()
    chromium.keep(page, "quiet")

    row.locator("button", has_text="End it").click()
    page.wait_for_selector(".empty")
    page.check("input[type=checkbox]")
    expect(page.locator("tbody .badge", has_text="over")).to_be_visible()
