"""People log in at their organisation's issuer: code flow with PKCE, by a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.awoooi.oidc_issuer import CLIENT, OidcIssuer
from tests.e2e.console.system import ConsoleSystem
from tests.peers.chromium import ChromiumPeer
from tests.peers.http import get
from tests.peers.program import awoooi
from tests.peers.waiting import free_port

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer.running() as issuer:
        yield issuer


@pytest.fixture(scope="module")
def origin(
    system: ConsoleSystem, issuer: OidcIssuer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Another gateway before the same system, which knows the issuer."""
    port = free_port()
    settings = {
        **system.environment,
        "AWOOOI_GATEWAY_PORT": str(port),
        "AWOOOI_OIDC_ISSUER": issuer.url,
        "AWOOOI_OIDC_CLIENT_ID": CLIENT,
    }
    gateway = awoooi("gateway", folder=tmp_path_factory.mktemp("gateway"), env=settings)
    origin = f"http://127.0.0.1:{port}"
    with gateway.start():
        gateway.wait_until_ready(lambda: get(f"{origin}/readyz") is not None, 40, what="a gateway")
        yield origin


def test_a_person_logs_in_and_comes_back_to_the_page(
    origin: str, issuer: OidcIssuer, chromium: ChromiumPeer
) -> None:
    with chromium.window(origin) as window:
        page = window.page
        page.goto(f"{origin}/console/#/runs")
        page.locator(".log-in button.primary", has_text="organisation").click()

        page.locator(".menu summary", has_text="b-1").wait_for()
        page.locator("#runs").wait_for()
        assert page.url == f"{origin}/console/#/runs"
        assert "code=" not in page.url
        assert window.faults == []
        assert {url.partition("/realm")[0] for url in window.strangers} <= {issuer.url.partition("/realm")[0]}


def test_a_person_without_a_role_is_told_so(
    origin: str, issuer: OidcIssuer, chromium: ChromiumPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer, "claims", {"roles": []})
    with chromium.window(origin) as window:
        window.page.goto(f"{origin}/console/")
        window.page.locator(".log-in button.primary", has_text="organisation").click()

        window.page.locator(".notice.bad", has_text="no role").wait_for()


def test_a_code_that_nobody_asked_for_is_worth_nothing(origin: str, chromium: ChromiumPeer) -> None:
    """A link that carries another person's log-in must not log this one in."""
    with chromium.window(origin) as window:
        window.page.goto(f"{origin}/console/?code=stolen&state=made-up")
        window.page.locator("input[name=token]").wait_for()
        assert window.page.evaluate("sessionStorage.length") == 0
