"""What a person sees in a browser while something happens, against a whole system."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from connectors.tokens import Role
from tests.e2e.console.system import ConsoleSystem, log_in
from tests.peers.chromium import ChromiumPeer, Watched

pytestmark = pytest.mark.timeout(150)
AGENTS = ("diagnostician", "solver", "reviewer", "critic", "coordinator")
HOSTILE = "<img src=x onerror=window.ran=1><script>window.ran=1</script> \u202egnp.exe"
ROW = "[data-incident]"
TARGET = "api"


@pytest.fixture(scope="module")
def watcher(system: ConsoleSystem) -> str:
    """A token that sees everything and may do what operators may."""
    return system.token("alice", (Role.OPERATOR, Role.APPROVER))


@pytest.fixture
def window(system: ConsoleSystem, chromium: ChromiumPeer) -> Iterator[Watched]:
    """One person's browser: nothing may go wrong in it, and it asks nobody else."""
    with chromium.window(system.origin) as window:
        yield window
        assert window.faults == []
        assert window.strangers == []


def row_of(page: Any, text: str) -> Any:
    return page.locator(ROW, has_text=text).first


def test_an_incident_appears_and_its_argument_unfolds(
    system: ConsoleSystem, chromium: ChromiumPeer, window: Watched, watcher: str
) -> None:
    page = window.page
    log_in(window, watcher)
    page.locator(".live.live").wait_for()
    page.evaluate("window.sameDocument = true")

    system.send(TARGET)
    row_of(page, TARGET).wait_for()
    chromium.keep(page, "an-incident-appears")
    row_of(page, TARGET).click()
    for agent in AGENTS:
        page.locator(f"li.spoke[data-agent={agent}]").wait_for()
    page.locator("[data-agent=coordinator] strong").first.wait_for()
    chromium.keep(page, "its-argument-unfolded")

    told = page.locator(".timeline li").all_inner_texts()
    for step in (
        "Incident opened",
        "Run started",
        "Evidence gathered",
        "Diagnosis",
        "Plan",
        "Review",
        "Critique",
    ):
        assert any(step in line for line in told), step
    assert page.locator("svg.graph .node").count() >= 2
    assert page.evaluate("window.sameDocument") is True


def test_a_citation_leads_to_its_item_and_back(system: ConsoleSystem, window: Watched, watcher: str) -> None:
    page = window.page
    log_in(window, watcher)
    row_of(page, TARGET).click()
    cite = page.locator("#said-H1 a.cite").first
    cited = cite.inner_text()

    cite.press("Enter")
    page.locator(f"#evidence-{cited}:focus").wait_for()
    page.locator(f"#evidence-{cited} .back").press("Enter")
    page.locator("#said-H1:focus").wait_for()


def test_an_act_is_seen_in_another_persons_browser(
    system: ConsoleSystem, chromium: ChromiumPeer, window: Watched, watcher: str
) -> None:
    page = window.page
    log_in(window, watcher)
    row_of(page, TARGET).click()
    with chromium.window(system.origin) as other:
        log_in(other, system.token("carol", (Role.VIEWER,)))
        row_of(other.page, TARGET).click()
        other.page.locator("#argument").wait_for()
        assert other.page.locator(".acts button").count() == 0

        page.locator(".acts").wait_for()
        page.keyboard.press("c")
        page.fill("dialog textarea", f"the certificate expired {HOSTILE}")
        page.locator("dialog button[type=submit]").click()

        other.page.locator(".said-by-people", has_text="the certificate expired").wait_for()
        assert other.page.evaluate("window.ran") is None


def test_hostile_text_is_text(
    system: ConsoleSystem, chromium: ChromiumPeer, window: Watched, watcher: str
) -> None:
    page = window.page
    log_in(window, watcher)
    system.send("hostile", "elsewhere", summary=HOSTILE, description="A" * 100_000)

    row_of(page, "hostile").wait_for()
    row_of(page, "hostile").click()
    page.locator("#argument").wait_for()
    chromium.keep(page, "hostile-text")

    assert page.evaluate("window.ran") is None
    assert page.locator("main img").count() == 0
    assert page.evaluate("document.body.innerText.length") < 60_000


def test_a_page_about_what_is_not_yet_recorded_fills_itself(
    system: ConsoleSystem, window: Watched, watcher: str
) -> None:
    page = window.page
    log_in(window, watcher)
    page.route(
        "**/api/v1/incidents/INC-*", lambda route: route.fulfill(status=404, json={"detail": "none yet"})
    )
    row_of(page, TARGET).click()
    page.locator(".notice.bad").wait_for()
    page.unroute("**/api/v1/incidents/INC-*")
    incident = page.url.rpartition("/")[2]

    system.send(TARGET)
    page.locator("h1", has_text=TARGET).wait_for()
    assert incident in page.url


def test_a_storm_is_one_row_that_opens(system: ConsoleSystem, window: Watched, watcher: str) -> None:
    page = window.page
    log_in(window, watcher)
    for number in range(4):
        system.send(f"stormy-{number}", "storm")

    storm = page.locator(".storm > button", has_text="4")
    storm.wait_for()
    assert row_of(page, "stormy-0").count() == 0
    storm.press("Enter")
    assert page.locator(".storm li [data-incident]").count() == 4


def test_the_keyboard_reaches_everything(system: ConsoleSystem, window: Watched, watcher: str) -> None:
    page = window.page
    log_in(window, watcher)
    row_of(page, TARGET).wait_for()

    page.keyboard.press("j")
    assert page.evaluate("document.activeElement.hasAttribute('data-row')")
    page.keyboard.press("?")
    page.locator("dialog .keys").wait_for()
    page.keyboard.press("Escape")
    page.locator("dialog .keys").wait_for(state="hidden")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.type("no such incident")
    page.locator(".empty").first.wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.wait_for_url("**/#/runs")
    page.locator("td a[data-row]").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("#timeline").wait_for()


def test_another_projects_incident_is_not_there(system: ConsoleSystem, window: Watched, watcher: str) -> None:
    ours = system.ask("/incidents", watcher)["items"][0]["incident_id"]
    log_in(window, system.token("dave", (Role.VIEWER,), projects=["pay"]), path=f"/incidents/{ours}")

    window.page.locator(".notice.bad").wait_for()
    assert "FrontendErrorRateHigh" not in window.page.locator("main").inner_text()
