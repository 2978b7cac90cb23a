"""When a playbook is looked at, what an item is about, what a placeholder may become."""

from __future__ import annotations

from typing import Any

import pytest

from agents.playbooks.fill import Filling, Unfilled, fill, fill_exactly, half_as_much_again
from agents.playbooks.matching import Basis, fits
from agents.playbooks.seen import Sorted, shows
from agents.playbooks.shape import Fact, Match
from schemas.evidence import Source, Surroundings
from tests.agents.briefs import brief, kube, near, series, suspect, target

CHECKOUT = target("deployment", "checkout")
AROUND = Surroundings(
    service="checkout",
    downstream=(near("checkout-db", "database"), near("mail.shop")),
    suspects=(suspect("checkout-db", "database"),),
)
LABELS = {"team": "Payments", "tier": "1"}
MATCHES: dict[str, tuple[dict[str, Any], Basis | None]] = {
    "by its type": ({"alert_types": "error rate"}, Basis.TYPE),
    "not by another": ({"alert_types": "disk full"}, None),
    "by a label": ({"labels": {"team": "pay*"}}, Basis.LABELS),
    "not by another label": ({"labels": {"team": "search"}}, None),
    "not by a label that is not there": ({"labels": {"zone": "*"}}, None),
    "a label binds the type too": ({"alert_types": "error rate", "labels": {"tier": "2"}}, None),
    "by its message": ({"alert_types": "requests fail"}, Basis.MESSAGE),
    "one word of a message is too little": ({"alert_types": "fail"}, None),
    "unless its type says more": ({"alert_types": "error rate", "unless": "high"}, None),
    "about another kind of thing": ({"alert_types": "error rate", "resource_types": "node"}, None),
    "by a fact from outside": ({"facts": {"says": "OOMKilled"}}, Basis.FACTS),
    "by no fact": ({"facts": {"says": "Evicted"}}, None),
}


@pytest.mark.parametrize(("match", "basis"), MATCHES.values(), ids=list(MATCHES))
def test_a_playbook_is_looked_at(match, basis):
    seen = [kube("pod", "checkout-5d8-x2x4l", {"last_terminated_reason": "OOMKilled"})]
    given = brief("HighErrorRate", CHECKOUT, seen, message="many requests fail", labels=LABELS)
    fit = fits(Match.model_validate(match), given, Sorted(given).subject())

    assert (fit.basis if fit else None) == basis


@pytest.mark.parametrize(("kind", "looked_at"), [("database", True), ("cache", False)])
def test_a_service_of_another_kind_is_passed_over(kind, looked_at):
    seen = [kube("pod", "checkout-db-0", {"reason": "OOMKilled"})]
    given = brief("HighErrorRate", CHECKOUT, seen, around=AROUND)
    match = Match.model_validate({"facts": {"says": "OOMKilled"}, "node_kinds": kind})

    assert (fits(match, given, Sorted(given).service("checkout-db")) is not None) == looked_at


ABOUT = {
    "checkout": "checkout",
    "checkout-5d8c9f7b4-x2x4l": "checkout",
    "shop/checkout-5d8c9f7b4-x2x4l /data": "checkout",
    "checkout-db-0": "checkout-db",
    "shop/checkout-db": "checkout-db",
    "mail-7f9": "mail.shop",
    "worker-3": "checkout",
    "": "checkout",
}


@pytest.mark.parametrize(("about", "service"), ABOUT.items())
def test_an_item_is_about_the_service_with_the_longest_name_that_fits(about, service):
    """What is about nobody around, a node say, belongs to the incident's own service."""
    given = brief("X", CHECKOUT, [kube("event", about, {"reason": "x"})], around=AROUND)
    owners = {
        name
        for name in ("checkout", "checkout-db", "mail.shop")
        if any(item.id == "E2" for item in Sorted(given).service(name).items)
    }

    assert owners == {service}


FACTS: dict[str, tuple[dict[str, Any], bool]] = {
    "above": ({"number": "restart_count", "above": 4}, True),
    "not above": ({"number": "restart_count", "above": 5}, False),
    "below": ({"number": "restart_count", "below": 6}, True),
    "the first that is there": ({"number": ["nothing", "restart_count"], "above": 4}, True),
    "less than another number": ({"number": "ready", "below_number": "desired"}, True),
    "at least another number": ({"number": "ready", "reaches_number": "desired"}, False),
    "another number that is not there": ({"number": "ready", "below_number": "wanted"}, False),
    "a word": ({"words": {"phase": "run*"}}, True),
    "another word": ({"words": {"phase": "Pending"}}, False),
    "all of it": ({"kinds": "pod", "words": {"phase": "Running"}, "number": "ready", "below": 1}, False),
    "another kind": ({"kinds": "node", "words": {"phase": "Running"}}, False),
    "another source": ({"sources": "prometheus", "words": {"phase": "Running"}}, False),
}


@pytest.mark.parametrize(("fact", "shown"), FACTS.values(), ids=list(FACTS))
def test_a_fact_stands_in_an_item(fact, shown):
    seen = kube("pod", "x", {"phase": "Running"}, restart_count=5, ready=3, desired=4)

    assert shows(brief("X", CHECKOUT, [seen]).items[1], Fact.model_validate(fact)) == shown


@pytest.mark.parametrize(("source", "shown"), [("kubernetes", True), ("alert", False), ("person", False)])
def test_what_somebody_wrote_shows_nothing_by_its_text(source, shown):
    item = brief("X", CHECKOUT, [kube("pod", "x")]).items[1]
    item = item.model_copy(update={"source": Source(source), "text": "the container was OOMKilled"})

    assert shows(item, Fact.model_validate({"sources": source, "says": "OOMKilled"})) == shown


def filling(labels: dict[str, str]) -> Filling:
    given = brief("X", CHECKOUT, [series("checkout", "cpu", last=0.5)], labels=labels)
    return Filling(given, Sorted(given).subject(), given.items, CHECKOUT)


def test_what_is_known_is_filled_in_and_the_rest_is_told_as_unknown():
    text = "{service} in {namespace}, {target}, {labels.team}, {words.metric} {numbers.last}, {labels.none}"

    assert fill(text, filling({"team": "pay"})) == "checkout in shop, checkout, pay, cpu 0.5, ?"


@pytest.mark.parametrize("value", ["", "$(reboot)", "a;b", "x\ny", "`id`", "a" * 300, "{target}"])
def test_a_parameter_takes_nothing_but_plain_names(value):
    with pytest.raises(Unfilled):
        fill_exactly("{labels.team}", filling({"team": value}))


@pytest.mark.parametrize(("now", "more"), [(1, 2), (2, 3), (4, 6), (5, 8), (0.5, 1)])
def test_more_is_half_as_much_again_and_always_more(now, more):
    assert half_as_much_again(now) == more
