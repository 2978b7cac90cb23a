"""Answers that come late, in another order or not at all, as one browser sees them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import expect

from connectors.gateway.shown_examples import EXAMPLES
from connectors.tokens import Role
from tests.e2e.console.system import ConsoleSystem, log_in
from tests.e2e.console.test_cards import card, has_a_key, serves, shows
from tests.peers.chromium import ChromiumPeer, Watched

pytestmark = pytest.mark.timeout(150)
START = "SELECT day, project_id"
ANSWER = {"columns": [{"name": "n", "type": "UInt8"}], "rows": [[1]], "truncated": False, "elapsed_ms": 1}


@pytest.fixture(scope="module")
def token(system: ConsoleSystem) -> str:
    return system.token("carla", (Role.APPROVER,))


@pytest.fixture
def window(system: ConsoleSystem, chromium: ChromiumPeer, token: str) -> Iterator[Watched]:
    with chromium.window(system.origin) as window:
        log_in(window, token)
        yield window
        assert window.faults == []


class Held:
    """Requests that wait until the test answers them."""

    def __init__(self, window: Watched, path: str) -> None:
        self.routes: list[Any] = []
        window.page.route(path, self._hold)

    def _hold(self, route: Any) -> None:
        self.routes.append(route)

    def answer(self, told: Any) -> None:
        for route in self.routes:
            route.fulfill(status=200, content_type="application/json", body=json.dumps(told))


def test_the_log_in_asks_again_until_the_gateway_answers(
    system: ConsoleSystem, chromium: ChromiumPeer
) -> None:
    with chromium.window(system.origin) as window:
        serves(window, "**/console/config", {"status": 503, "detail": "not yet"}, 503)
        window.page.goto(f"{system.origin}/console/")
        expect(window.page.locator(".log-in .notice")).to_be_visible()
        window.page.unroute("**/console/config")
        expect(window.page.locator(".log-in .notice")).to_have_count(0)


def test_a_page_beyond_the_last_leads_to_the_last(window: Watched) -> None:
    def pages(route: Any) -> None:
        page = int(route.request.url.partition("page=")[2].partition("&")[0] or 1)
        items = EXAMPLES["list_runs"]["items"] if page == 2 else []
        told = {"items": items, "page": page, "page_size": 50, "total": 51}
        route.fulfill(status=200, content_type="application/json", body=json.dumps(told))

    window.page.route("**/api/v1/runs?*", pages)
    window.page.goto(f"{window.origin}/console/#/runs?page=9")
    expect(window.page.locator("main tbody tr")).to_have_count(1)
    assert window.page.url.endswith("page=2")


def test_only_the_question_asked_last_is_answered(window: Watched) -> None:
    page = window.page
    late = Held(window, "**/api/v1/queries/noise*")
    serves(window, "**/api/v1/queries/daily*", ANSWER)
    page.goto(f"{window.origin}/console/#/sql")
    page.click(".questions button >> text=noise")
    page.click(".questions button >> text=daily")
    title = page.locator("section[aria-labelledby=answer] h2")
    expect(title).to_have_text("daily")
    with page.expect_response("**/api/v1/queries/noise*") as told:
        late.answer({**ANSWER, "rows": [[2]]})
    told.value.finished()
    page.evaluate("new Promise((done) => setTimeout(done))")  # it has been passed over
    expect(title).to_have_text("daily")
    assert page.inner_text("table.plain tbody td") == "1"


def test_the_keyboard_asks_once(window: Watched) -> None:
    asked = Held(window, "**/api/v1/sql")
    window.page.goto(f"{window.origin}/console/#/sql")
    for _ in range(3):
        window.page.press("textarea.code", "Control+Enter")
    expect(window.page.locator("button[type=submit][aria-busy=true]")).to_be_disabled()
    asked.answer(ANSWER)
    expect(window.page.locator("table.plain tbody tr")).to_have_count(1)
    assert len(asked.routes) == 1


def test_a_draft_is_not_for_the_next_person(system: ConsoleSystem, window: Watched) -> None:
    page = window.page
    page.goto(f"{window.origin}/console/#/sql")
    page.fill("textarea.code", "SELECT 'of carla'")
    page.reload()
    expect(page.locator("textarea.code")).to_have_value("SELECT 'of carla'")
    page.click("header details summary")
    page.click("text=Log out")
    log_in(window, system.token("dana", (Role.VIEWER,)), path="/sql")
    assert page.input_value("textarea.code").startswith(START)


def test_what_is_being_signed_cannot_be_cancelled(window: Watched) -> None:
    has_a_key(window)
    shows(window, card())
    page, sent = window.page, Held(window, "**/signatures")
    page.click("article footer button.primary")
    page.click("dialog button[type=submit]")
    cancel = page.locator("dialog form .line button").nth(1)
    expect(cancel).to_be_disabled()
    sent.answer({"state": "PENDING", "signed_by": ["carla"]})
    expect(page.locator("[data-outcome]")).to_be_visible()


def test_the_reason_that_is_looked_for_stands_in_the_address(window: Watched) -> None:
    page = window.page
    page.goto(f"{window.origin}/console/#/rejected?reason=no_such")
    expect(page.locator("main .empty")).to_be_visible()
    assert page.input_value("input[name=reason]") == "no_such"
    page.fill("input[name=reason]", "bad_payload")
    page.press("input[name=reason]", "Enter")
    page.wait_for_url("**/#/rejected?reason=bad_payload")
