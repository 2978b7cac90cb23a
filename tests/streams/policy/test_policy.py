"""The policy file: the shipped one is safe and whole, and what is not understood is refused with its line."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from schemas.errors import Misconfigured
from schemas.operations import PROPOSED, SHAPES, Risk
from streams.policy.policy import SHIPPED, Place, parse_policy, read_policy

TEXT = SHIPPED.read_text()


def test_the_shipped_policy_says_of_each_operation_its_floor() -> None:
    policy = read_policy()

    assert {operation: said.risk for operation, said in policy.operations.items()} == {
        operation: SHAPES[operation].floor for operation in PROPOSED
    }


@pytest.mark.parametrize(
    ("risk", "signatures", "roles", "each"),
    [
        (Risk.LOW, 0, ("admin", "devops", "sre"), ()),
        (Risk.MEDIUM, 1, ("admin", "devops", "sre"), ()),
        (Risk.HIGH, 2, ("admin", "devops", "sre"), ()),
        (Risk.CRITICAL, 2, (), ("cto", "ciso")),
    ],
)
def test_the_shipped_quorums(
    risk: Risk, signatures: int, roles: tuple[str, ...], each: tuple[str, ...]
) -> None:
    quorum = read_policy().quorums[risk]

    assert (quorum.signatures, quorum.roles, quorum.each) == (signatures, roles, each)


def test_all_that_is_wrong_is_told_at_once_each_with_its_line() -> None:
    text = TEXT
    for old, new in (
        ("RESTART_JOB:", "RESTART_JOBB:"),
        ("SET_RESOURCES: {risk: HIGH}", "SET_RESOURCES: {}"),
        ("decay_days", "decay_dayz"),
        ("HIGH: {signatures: 2", "HIGH: {signatures: two"),
        ("risk_at_least: HIGH", "risk_at_least: HIHG"),
    ):
        assert old in text
        text = text.replace(old, new)

    with pytest.raises(Misconfigured) as caught:
        parse_policy(text, "mine.yaml")

    told = dict(line.split(": ")[:2] for line in str(caught.value).splitlines())
    lines = text.splitlines()
    assert {
        "quorums.HIGH.signatures",
        "operations.RESTART_JOBB",
        "operations.SET_RESOURCES.risk",
        "trust.decay_dayz",
        "rules.0.risk_at_least",
    } <= set(told.values())
    for where, what in told.items():
        number = int(where.removeprefix("mine.yaml:"))
        *_, parent, last = ["", *what.split(".")]
        assert last in lines[number - 1] or parent in lines[number - 1], (where, what)


WRONG = [
    pytest.param(
        "RESTART_JOB:", "RESTART_JOBB:", "RESTART_JOBB: Input should be 'NONE', 'GET_", id="operation"
    ),
    pytest.param("RESTART_JOB: {risk: MEDIUM}", "", "nothing is said of RESTART_JOB", id="left out"),
    pytest.param(
        "SET_RESOURCES: {risk: HIGH}",
        "SET_RESOURCES: {}",
        "SET_RESOURCES.risk: it is missing; allowed: LOW, MEDIUM, HIGH, CRITICAL",
        id="missing risk",
    ),
    pytest.param(
        "DRAIN_NODE: {risk: HIGH}",
        "DRAIN_NODE: {risk: SEVERE}",
        "DRAIN_NODE.risk: Input should be 'LOW', 'MEDIUM', 'HIGH' or 'CRITICAL'",
        id="unknown risk",
    ),
    pytest.param(
        "DRAIN_NODE: {risk: HIGH}",
        "DRAIN_NODE: {risk: LOW}",
        "DRAIN_NODE is never below HIGH; allowed: HIGH, CRITICAL",
        id="below the floor",
    ),
    pytest.param("decay_days", "decay_dayz", "did you mean decay_days?); allowed: medium", id="typo"),
    pytest.param("decay_days: 30", 'decay_days: "30"', "decay_days: Input should be a valid int", id="text"),
    pytest.param("0.85", ".nan", "automatic_from: Input should be a finite number", id="NaN"),
    pytest.param("0.85", ".inf", "automatic_from: Input should be a finite number", id="infinity"),
    pytest.param("0.85", "1e308", "automatic_from: Input should be", id="1e308"),
    pytest.param("0.85", "1.0e+308", "automatic_from: Input should be less than or equal to 1", id="huge"),
    pytest.param("0.85", "-0.1", "automatic_from: Input should be greater than or equal to 0", id="negative"),
    pytest.param("0.85", "yes", "automatic_from: Input should be a valid number", id="yes"),
    pytest.param("0.85", "0.5", "automatic_from must not be below propose_from", id="thresholds crossed"),
    pytest.param("model: 0.4", "model: 0.5", "the three weights must add up to 1", id="weights"),
    pytest.param("MEDIUM: {signatures: 1", "MEDIUM: {signatures: 0", "MEDIUM: at least 1 sign", id="no sign"),
    pytest.param(
        "each: [cto, ciso]", "each: [cto]", "signatures need `roles` that count", id="nobody counts"
    ),
    pytest.param("each: [cto, ciso]", "roles: [sre]", "each of ciso and cto must sign", id="anyone signs"),
    pytest.param("lost: CRITICAL", "lst: CRITICAL", "data.lst: Input should be 'untouched'", id="data"),
    pytest.param("high_from: 60", "high_from: 95", "must not fall", id="blast radius"),
    pytest.param("never_automatic: true", "risk_at_least: LOW", "stands twice", id="twice"),
    pytest.param("version: 1", "version: [1", "neither YAML nor JSON", id="no YAML"),
    pytest.param(
        "RUN_COMMAND: {risk: HIGH}",
        "RUN_COMMAND: {risk: HIGH, named: {a: {risk: LOW}}}",
        "a is below HIGH: a reason must say why",
        id="lower without a reason",
    ),
    pytest.param(
        "RESTART_JOB: {risk: MEDIUM}",
        "RESTART_JOB: {risk: MEDIUM, named: {a: {risk: HIGH}}}",
        "RESTART_JOB takes no `named`",
        id="a name where none is",
    ),
    pytest.param(
        "freezes: []",
        "freezes: [{name: a-b, starts_at: 2026-01-02T00:00:00Z, "
        "ends_at: 2026-01-01T00:00:00Z, reason: why not}]",
        "ends_at must be after",
        id="freeze",
    ),
    pytest.param(
        "freezes: []",
        "freezes: [{name: a-b, starts_at: 2026-01-02T00:00:00, "
        "ends_at: 2026-01-03T00:00:00Z, reason: why not}]",
        "timezone",
        id="no time zone",
    ),
]


@pytest.mark.parametrize(("right", "wrong", "told"), WRONG)
def test_what_is_not_understood_is_refused_with_what_is_allowed(right: str, wrong: str, told: str) -> None:
    assert right in TEXT
    with pytest.raises(Misconfigured, match=r"^policy.yaml:[0-9]+: ") as caught:
        parse_policy(TEXT.replace(right, wrong, 1), "policy.yaml")

    assert told in str(caught.value)


def test_the_line_is_that_of_the_mistake() -> None:
    line = next(number for number, text in enumerate(TEXT.splitlines(), 1) if "DRAIN_NODE" in text)
    with pytest.raises(Misconfigured, match=f"^p.yaml:{line}: operations.DRAIN_NODE.risk"):
        parse_policy(TEXT.replace("DRAIN_NODE: {risk: HIGH}", "DRAIN_NODE: {risk: 3}"), "p.yaml")


def test_the_hash_is_of_what_it_says_and_not_of_how_it_is_written() -> None:
    shipped = read_policy()

    assert parse_policy(f"# a comment\n{TEXT}\n").hash == shipped.hash
    assert parse_policy(TEXT.replace("version: 1", "version: 2")).hash != shipped.hash
    assert parse_policy(TEXT.replace("expire_minutes: 60", "expire_minutes: 61")).hash != shipped.hash


def test_the_first_rule_that_fits_counts() -> None:
    rule = "  - {name: NAME, where: {namespaces: NS}, risk_at_least: RISK, reason: a test}\n"
    more = "".join(
        rule.replace("NAME", name).replace("NS", namespace).replace("RISK", risk)
        for name, namespace, risk in (("one-db", "one-db", "HIGH"), ("all-db", '"*-db"', "CRITICAL"))
    )
    policy = parse_policy(TEXT.replace("rules:\n", f"rules:\n{more}"))

    named = {place: policy.rule_for(Place(namespace=place)) for place in ("one-db", "two-db", "shop")}
    assert {place: rule and rule.name for place, rule in named.items()} == {
        "one-db": "one-db",
        "two-db": "all-db",
        "shop": None,
    }


@pytest.mark.parametrize(
    ("day", "namespace", "holds"), [(1, "shop", True), (2, "shop", False), (1, "else", False)]
)
def test_a_freeze_holds_within_its_window_and_its_place(day: int, namespace: str, holds: bool) -> None:
    window = "starts_at: 2026-11-01T00:00:00Z, ends_at: 2026-11-02T00:00:00Z"
    freeze = f"freezes: [{{name: sale, {window}, where: {{namespaces: shop}}, reason: a sale}}]"
    policy = parse_policy(TEXT.replace("freezes: []", freeze))

    found = policy.freeze_at(datetime(2026, 11, day, tzinfo=UTC), Place(namespace=namespace))
    assert (found is not None) is holds
