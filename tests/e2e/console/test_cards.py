"""Approval cards in a browser, whatever they say and whatever is answered; what cannot be signed is not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors.gateway.shown_examples import EXAMPLES
from connectors.tokens import Role
from streams.policy.action_hash import act_of, signed_text
from tests.awoooi.test_sign_commands import request
from tests.e2e.console.system import ConsoleSystem, fits, log_in
from tests.e2e.console.test_pages import what_is_wrong
from tests.peers.chromium import PHONE, ChromiumPeer, Watched

pytestmark = pytest.mark.timeout(150)
HOSTILE = "<img src=x onerror=window.ran=1><script>window.ran=1</script> \u202egnp.exe " + "A" * 5_000
ASKED = request()
CARD: Mapping[str, Any] = EXAMPLES["show_approval"]
HERE = f"/console/#/approvals/{ASKED.payload.approval_id}"


def card(**changes: Any) -> dict[str, Any]:
    """Whose hash is that of what it shows."""
    to_sign = signed_text(act_of(ASKED.payload))
    target = {name: value for name, value in to_sign["action"]["target"].items() if name != "id"}
    undo = to_sign["undo"]["operation"] if to_sign["undo"] else ""
    return {
        **CARD,
        "approval_id": ASKED.payload.approval_id,
        "action": {**CARD["action"], **to_sign["action"], "target": target, "undo": undo},
        "action_hash": ASKED.payload.action_hash,
        "to_sign": to_sign,
        "policy": {**CARD["policy"], "hash": ASKED.payload.policy.hash},
        "state": "WAITING",
        "signed": [],
        "expires_at": (datetime.now(UTC) + timedelta(minutes=30)).isoformat(),
        **changes,
    }


def hostile(value: Any) -> Any:
    """Every text of it, but for what decides how it is shown."""
    if isinstance(value, dict):
        kept = {"state", "expires_at", "created_at", "closed_at", "at", "risk"}
        return {name: one if name in kept else hostile(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [hostile(one) for one in value] or [HOSTILE]
    return HOSTILE if isinstance(value, str) else value


@pytest.fixture(scope="module")
def token(system: ConsoleSystem) -> str:
    return system.token("carla", (Role.APPROVER,))


@pytest.fixture
def window(system: ConsoleSystem, chromium: ChromiumPeer, token: str) -> Iterator[Watched]:
    with chromium.window(system.origin) as window:
        log_in(window, token)
        yield window
        assert window.faults == []
        assert window.strangers == []


def serves(window: Watched, path: str, told: Any, status: int = 200) -> None:
    """Instead of the gateway."""
    kind = "application/json" if status < 400 else "application/problem+json"
    body = json.dumps(told)
    window.page.route(path, lambda route: route.fulfill(status=status, content_type=kind, body=body))


def has_a_key(window: Watched) -> None:
    """Made here; the registry is said to know it."""
    page = window.page
    page.goto(f"{window.origin}/console/#/keys")
    page.click("text=Make a key")
    kid = page.inner_text("section[aria-labelledby=here] code.id")
    key = {"kid": kid, "thumbprint": kid.removeprefix("_") if kid.startswith("_-") else kid}
    whole = {**key, "algorithm": "EdDSA", "state": "in_force", "enrolled": None}
    told = {
        "person": "carla",
        "roles": ["sre", "devops"],
        "projects": ["*"],
        "environment": "x",
        "keys": [whole],
    }
    serves(window, "**/api/v1/keys", told)


def shows(window: Watched, told: dict[str, Any]) -> None:
    serves(window, "**/api/v1/approvals/INC-*", told)
    window.page.goto(window.origin + HERE)
    window.page.reload()
    window.page.wait_for_selector("article.approval")


def sign(window: Watched, decision: str = "approve") -> str:
    page = window.page
    page.click(f"article footer button.{'primary' if decision == 'approve' else 'danger'}")
    page.fill("dialog textarea[name=reason]", "because")
    page.click("dialog button[type=submit]")
    page.wait_for_selector("[data-outcome]")
    return str(page.inner_text("[data-outcome]"))


def test_hostile_words_are_words(chromium: ChromiumPeer, system: ConsoleSystem, token: str) -> None:
    with chromium.window(system.origin, size=PHONE) as window:
        log_in(window, token)
        shows(window, hostile(card(state_reason="x", proposed_by="x")))
        window.page.wait_for_selector(".hash.bad")

        assert window.page.evaluate("window.ran") is None
        assert window.page.locator("article img, article script").count() == 0
        assert "\u202e" not in window.page.inner_text("article")
        assert fits(window.page)
        assert (window.faults, window.strangers) == ([], [])


ANSWERS = {
    "counted": (200, {"state": "APPROVED", "jti": "x", "signed_by": ["carla"]}, "The approval is approved"),
    "no verdict yet": (202, {"signature": "x", "look": "y"}, "not judged yet"),
    "unknown": (404, {"title": "x", "status": 404, "detail": "nothing"}, "Nothing is asked"),
    "closed": (409, {"title": "x", "status": 409, "detail": "it is EXPIRED"}, "Too late"),
    "it does not count": (
        422,
        {"title": "x", "status": 422, "detail": "same_person: <b>"},
        "same_person: <b>",
    ),
    "too often": (429, {"title": "x", "status": 429}, "Too often"),
    "away": (503, {"title": "x", "status": 503, "detail": "the log is away"}, "the log is away"),
}


def test_each_answer_is_told_in_plain_words(window: Watched) -> None:
    has_a_key(window)
    shows(window, card())
    for name, (status, told, words) in ANSWERS.items():
        serves(window, "**/signatures", told, status)

        assert words in sign(window), name
        window.faults[:] = [fault for fault in window.faults if "429" not in fault]  # it is meant
        window.page.keyboard.press("Escape")
        window.page.wait_for_selector("dialog", state="detached")


def test_what_is_sent_is_signed_by_the_key_that_is_here(window: Watched) -> None:
    has_a_key(window)
    shows(window, card())
    sent: list[Any] = []

    def take(route: Any) -> None:
        sent.append(route.request)
        route.fulfill(status=202, content_type="application/json", body="{}")

    window.page.route("**/signatures", take)
    sign(window, "reject")

    (asked,) = sent
    assert asked.headers.get("authorization") is None, "the signature counts, not the token"
    assert asked.post_data.count(".") == 2


CANNOT = {
    "another hash": ({"action_hash": "0" * 64}, "other_hash"),
    "another target on the card": ({"action": {**card()["action"], "operation": "GET_LOGS"}}, "other_hash"),
    "another way back on the card": ({"action": {**card()["action"], "undo": "GET_LOGS"}}, "other_hash"),
    "nothing to hash": ({"to_sign": None}, "other_hash"),
}


def test_nothing_is_signed_but_what_is_shown(window: Watched) -> None:
    has_a_key(window)
    window.page.route("**/signatures", lambda route: route.abort())
    for name, (changes, why) in CANNOT.items():
        shows(window, card(**changes))
        window.page.wait_for_selector(".hash.bad")
        sign(window)

        assert window.page.get_attribute("[data-outcome]", "data-outcome") == why, name


def test_without_a_key_one_is_told_where_to_make_one(window: Watched) -> None:
    shows(window, card())
    window.page.click("article footer button.primary")

    window.page.click("dialog a[href='#/keys']")
    window.page.wait_for_selector("section[aria-labelledby=here]")


def test_dialogs_are_readable_too(window: Watched, chromium: ChromiumPeer) -> None:
    has_a_key(window)
    shows(window, card())
    window.page.click("article footer button.danger")
    window.page.wait_for_selector("dialog textarea")
    chromium.keep(window.page, "sign-dialog")
    assert what_is_wrong(window.page) == []
    window.page.keyboard.press("Escape")
    assert window.page.evaluate("document.activeElement.innerText") == "Reject", "the focus is back"

    window.page.keyboard.press("!")
    window.page.wait_for_selector("dialog .one-switch")
    chromium.keep(window.page, "kill-switch")
    assert what_is_wrong(window.page) == []
