"""Every page in both languages, both looks, wide and on a phone: readable, and nothing out of place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.e2e.console.system import ConsoleSystem, fits, log_in
from tests.peers.chromium import PHONE, WIDE, ChromiumPeer, Watched
from tests.peers.waiting import wait_until

pytestmark = pytest.mark.timeout(150)
LOOKS: Mapping[str, Mapping[str, Any]] = {
    "english-light-wide": {"language": "en", "theme": "light", "size": WIDE},
    "chinese-dark-phone": {"language": "zh-TW", "theme": "dark", "size": PHONE},
}
PLAIN = ("", "approvals", "approvals?state=decided", "runs", "trust", "rejected", "sql", "keys", "nowhere")
GRAVE = ("serious", "critical")


@pytest.fixture(scope="module")
def token(system: ConsoleSystem) -> str:
    return system.token("alice")


@pytest.fixture(scope="module")
def things(system: ConsoleSystem, token: str) -> tuple[str, ...]:
    """An incident and its run and approval, for pages about one thing."""
    system.send("api")

    def asked() -> tuple[str, ...] | None:
        for card in system.ask("/approvals?state=waiting", token)["items"]:
            incident, run = card["incident_id"], card["run_id"]
            return (f"incidents/{incident}", f"runs/{run}", f"approvals/{card['approval_id']}")
        return None

    return wait_until(asked, 30, what="an approval that waits", every=0.3)


@pytest.fixture(params=LOOKS.values(), ids=LOOKS)
def look(request: pytest.FixtureRequest) -> Mapping[str, Any]:
    chosen: Mapping[str, Any] = request.param
    return chosen


@pytest.fixture
def window(system: ConsoleSystem, chromium: ChromiumPeer, look: Mapping[str, Any]) -> Iterator[Watched]:
    with chromium.window(system.origin, **look) as window:
        yield window
        assert window.faults == []
        assert window.strangers == []


def test_each_page_is_readable_and_in_place(
    chromium: ChromiumPeer, window: Watched, look: Mapping[str, Any], token: str, things: tuple[str, ...]
) -> None:
    page, wrong = window.page, dict[str, Any]()
    log_in(window, token)
    for path in (*PLAIN, *things):
        page.goto(f"{window.origin}/console/#/{path}")
        settled(page)
        name = path.partition("/")[0].replace("?", "-") or "war-room"
        chromium.keep(page, f"{name}-{look['language']}-{look['theme']}{'-one' if '/' in path else ''}")
        if found := what_is_wrong(page):
            wrong[path] = found

    assert wrong == {}


def test_what_is_wrong_is_found(window: Watched, token: str) -> None:
    page = window.page
    log_in(window, token)
    page.evaluate(
        """() => {
            const [picture, words] = [document.createElement("img"), document.createElement("p")];
            picture.src = "icon.svg";
            words.append("⟦no.such.key⟧");
            words.style.width = "4000px";
            document.querySelector("main").append(picture, words);
        }"""
    )
    page.locator("text=no.such.key").wait_for()

    assert [each.partition(":")[0] for each in what_is_wrong(page)] == [
        "image-alt",
        "a word is missing in the catalogues",
        "it is too wide",
    ]


ASKED = """
() => performance.getEntriesByType("resource").map(({ name, startTime, transferSize }) => ({
    path: new URL(name).pathname.replace("/api/v1/", ""), at: startTime, bytes: transferSize }))
"""
PARSED = "performance.getEntriesByType('navigation')[0].domInteractive"


def test_a_page_asks_before_its_modules_run_and_loads_none_of_them_twice(
    system: ConsoleSystem, chromium: ChromiumPeer, token: str, things: tuple[str, ...]
) -> None:
    with chromium.window(system.origin) as window:
        log_in(window, token)
        for thing in things:
            window.page.goto("about:blank")
            window.page.goto(f"{window.origin}/console/#/{thing}")
            settled(window.page)

            asked, parsed = window.page.evaluate(ASKED), window.page.evaluate(PARSED)
            early = [each["path"] for each in asked if each["at"] < parsed and "console" not in each["path"]]
            modules = [each for each in asked if each["path"].endswith(".js")]
            assert early == ["session", thing]
            assert [each["path"] for each in asked].count("session") == 1, "the answer was taken"
            assert len(modules) > 10
            assert [each for each in modules if each["bytes"]] == []
        assert window.faults == []


def test_the_log_in_is_readable_too(chromium: ChromiumPeer, window: Watched, look: Mapping[str, Any]) -> None:
    window.page.goto(f"{window.origin}/console/")
    window.page.locator("input[name=token]").wait_for()
    chromium.keep(window.page, f"log-in-{look['language']}")

    assert what_is_wrong(window.page) == []


def test_language_and_look_are_chosen_and_kept(window: Watched, token: str) -> None:
    page = window.page
    log_in(window, token)
    page.locator(".menu summary").click()
    chosen = "en" if page.evaluate("document.documentElement.lang") != "en" else "zh-Hant"
    page.locator(".menu select").nth(0).select_option(chosen)
    page.locator(".menu select").nth(1).select_option("dark")
    page.reload()
    page.locator("main#main").wait_for()

    kept = page.evaluate("[document.documentElement.lang, document.documentElement.dataset.theme]")
    assert kept == [chosen, "dark"]


def settled(page: Any) -> None:
    """All that the page asks for stands in it."""
    page.locator("main#main").wait_for()
    expect(page.locator(".waiting")).to_have_count(0)


def what_is_wrong(page: Any) -> list[str]:
    found = [
        f"{each['id']}: {each['nodes'][0]['target']} {each['nodes'][0].get('failureSummary', '')[:200]}"
        for each in Axe().run(page).response["violations"]
        if each["impact"] in GRAVE
    ]
    if "⟦" in page.locator("body").inner_text():
        found.append("a word is missing in the catalogues")
    if not fits(page):
        found.append("it is too wide")
    return found
