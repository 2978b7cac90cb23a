"""Two people sign in two browsers, each with a key that stays there; what they signed is done, and told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives import serialization as form

from awoooi.demo_alert import FRONTEND
from awoooi.demo_people import enrolled
from awoooi.key_commands import confirm
from awoooi.signer_commands import add
from awoooi.signers_log import OnKafka
from awoooi.switch_commands import set_switch
from connectors.tokens import Role
from tests.e2e.console.system import ConsoleSystem, fits, log_in
from tests.peers.chromium import PHONE, ChromiumPeer, Watched
from tests.peers.waiting import wait_until

T = TypeVar("T")
DONE_SECS = 60_000
LOOK_MS = 25_000
"""the page looks every 15 s, and nobody loads it anew"""


def elsewhere(work: Callable[..., T], *given: Any) -> T:
    """In a thread: the browser's own loop runs in this one."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work, *given).result()


@dataclass
class People:
    """Alice makes a key in her browser; bob brings one that is registered; ada is the admin."""

    system: ConsoleSystem
    tokens: dict[str, str]
    bobs_key: str


@pytest.fixture(scope="module")
def people(system: ConsoleSystem) -> People:
    settings = system.settings
    hand = enrolled(settings.approvals.signers_file, "bob", "devops")
    elsewhere(add, settings, OnKafka(settings), "alice", ("sre",), (), ())
    elsewhere(set_switch, settings, "operation/DELETE_POD", "on", "for the test")
    raw = hand.key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption())
    roles = {"alice": (Role.APPROVER,), "bob": (Role.VIEWER,), "ada": (Role.ADMIN,)}
    tokens = {person: system.token(person, roles[person]) for person in roles}
    return People(system, tokens, raw.decode())


@pytest.fixture(scope="module")
def windows(people: People, chromium: ChromiumPeer) -> Iterator[dict[str, Watched]]:
    """Each in another language and light; logged in once for all that follows."""
    origin = people.system.origin
    looks = {
        "ada": {"theme": "dark", "size": PHONE},
        "alice": {},
        "bob": {"language": "zh-TW", "theme": "dark"},
    }
    with ExitStack() as opened:
        found: dict[str, Watched] = {}
        for person, look in looks.items():
            found[person] = opened.enter_context(chromium.window(origin, **look))  # type: ignore[arg-type]
            log_in(found[person], people.tokens[person])
        yield found


def test_an_admin_lifts_the_kill_switch_and_says_why(
    windows: dict[str, Watched], chromium: ChromiumPeer
) -> None:
    page, seen_by_bob = windows["ada"].page, windows["bob"].page
    page.wait_for_selector(".kill.bad")
    page.click(".kill")
    chromium.keep(page, "kill-switch-phone")
    assert fits(page)
    page.click(".one-switch button")
    page.fill("dialog textarea", "the new release is out")
    page.click("dialog button[type=submit]")
    page.wait_for_selector(".one-switch .badge.good")

    assert "ada" in page.inner_text(".one-switch")
    seen_by_bob.wait_for_selector(".kill.good, .kill.warn")
    seen_by_bob.click(".kill")
    assert "the new release is out" in seen_by_bob.inner_text("dialog")
    assert seen_by_bob.locator(".one-switch button").count() == 0, "a viewer sets nothing"
    for one in (page, seen_by_bob):
        one.keyboard.press("Escape")


def test_a_key_is_made_here_and_counts_once_an_admin_has_confirmed_it(
    people: People, windows: dict[str, Watched], chromium: ChromiumPeer
) -> None:
    page = windows["alice"].page
    page.goto(f"{people.system.origin}/console/#/keys")
    page.click("text=Make a key")
    page.click("text=Register it")
    command = page.inner_text("[data-command]")
    chromium.keep(page, "keys")

    kid = command.removeprefix("awoooi keys confirm ").strip()
    elsewhere(confirm, people.system.settings, OnKafka(people.system.settings), kid, "alice", "")
    wait_until(lambda: _state(people, "alice", kid) == "in_force", 10, what="a confirmed key", every=0.2)
    page.wait_for_selector("section[aria-labelledby=here] .badge.good", timeout=LOOK_MS)
    assert _kept(page) == {"person": "alice", "extractable": False}


def _state(people: People, person: str, kid: str) -> str:
    keys = people.system.ask("/keys", people.tokens[person])["keys"]
    return next((key["state"] for key in keys if key["kid"] == kid), "")


def _kept(page: Any) -> Any:
    """What the browser keeps of it, and whether the key itself could be read out."""
    return page.evaluate(
        """() => new Promise((done, failed) => {
            const opening = indexedDB.open("awoooi", 1);
            opening.onsuccess = () => {
              const asked = opening.result.transaction("keys").objectStore("keys").getAll();
              asked.onsuccess = async () => {
                const [{ person, key }] = asked.result;
                const out = await crypto.subtle.exportKey("pkcs8", key).catch(() => null);
                done({ person, extractable: key.extractable || out !== null });
              };
              asked.onerror = () => failed(asked.error);
            };
        })"""
    )


def test_a_registered_key_is_brought(people: People, windows: dict[str, Watched]) -> None:
    page = windows["bob"].page
    page.goto(f"{people.system.origin}/console/#/keys")
    page.fill("section[aria-labelledby=here] textarea", people.bobs_key)
    page.click("section[aria-labelledby=here] form button[type=submit]")

    page.wait_for_selector("section[aria-labelledby=here] .badge.good")
    assert _kept(page)["extractable"] is False


def test_two_people_sign_and_it_is_done(
    people: People, windows: dict[str, Watched], chromium: ChromiumPeer
) -> None:
    alice, bob, system = windows["alice"].page, windows["bob"].page, people.system
    for page in (alice, bob):
        page.goto(f"{system.origin}/console/#/approvals")
        page.wait_for_selector("main .head")
    bob.click("button.sound")
    system.send(FRONTEND)
    incident, approval = wait_until(lambda: _asked(people), 60, what="an approval", every=0.3)
    card = f"article[aria-labelledby=approval-{approval}]"
    for page in (alice, bob):
        page.wait_for_selector(card)
    assert alice.wait_for_selector(".sound[data-rung='1']"), "it sounds"
    assert bob.get_attribute(".sound", "data-rung") == "0", "it is muted"
    chromium.keep(alice, "approval-card")
    chromium.keep(bob, "approval-card-zh")

    _sign(alice, card, "approve", "seen, the data stays")
    chromium.keep(alice, "approval-signed")
    alice.keyboard.press("Escape")
    alice.wait_for_selector(f"{card} footer >> text=You have signed")
    bob.wait_for_selector(f"{card} .signed >> text=alice")
    _sign(bob, card, "approve", "同意")
    bob.wait_for_selector(".toast >> text=alice")  # it outlives the card

    alice.goto(f"{system.origin}/console/#/incidents/{incident}")
    wait_until(lambda: _status(people, incident) == "MITIGATED", 60, what="a mitigated incident", every=0.5)
    _timeline_is_whole(people, incident)
    alice.wait_for_selector("text=mitigated", timeout=DONE_SECS)
    chromium.keep(alice, "incident-done")


def _asked(people: People) -> tuple[str, str] | None:
    """The incident of the front end, once its approval waits."""
    found = people.system.ask("/incidents?q=frontend", people.tokens["ada"])["items"]
    waiting = [(one["incident_id"], one["waiting_approval"]) for one in found if one["waiting_approval"]]
    return waiting[0] if waiting else None


def _sign(page: Any, card: str, decision: str, reason: str) -> None:
    page.click(f"{card} footer button.{'primary' if decision == 'approve' else 'danger'}")
    page.fill("dialog textarea[name=reason]", reason)
    page.click("dialog button[type=submit]")
    assert page.get_attribute("[data-outcome]", "data-outcome") == "200"


def _status(people: People, incident: str) -> str:
    found = people.system.ask(f"/incidents/{incident}", people.tokens["ada"])
    return str(found["incident"]["status"])


def _timeline_is_whole(people: People, incident: str) -> None:
    """From the first turn to the end, with both people's words."""

    def whole() -> bool:
        told = json.dumps(people.system.ask(f"/incidents/{incident}", people.tokens["ada"])["timeline"])
        return all(word in told for word in ("alice", "bob", "seen, the data stays", "verified"))

    wait_until(whole, 20, what="a whole timeline", every=0.5)


def test_nothing_went_wrong_in_any_browser(windows: dict[str, Watched]) -> None:
    assert {person: (one.faults, one.strangers) for person, one in windows.items()} == {
        person: ([], []) for person in windows
    }
