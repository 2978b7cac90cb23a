"""The hash of an action: everything that is signed moves it, nothing that is not."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest

from schemas.errors import BadPayload
from schemas.operations import Operation, Parameters, Step, Target
from streams.policy.action_hash import Act, action_hash, commitment, new_salt

TARGET = Target(namespace="shop", kind="deployment", name="cart-[EMAIL_1]", id="ab" * 16)
OTHER_SALT, SALT = "cd" * 32, "ef" * 32


def scale(replicas: int = 3, **target: str) -> Step:
    return Step(
        operation=Operation.SCALE_DEPLOYMENT,
        target=TARGET.model_copy(update=target),
        parameters=Parameters(replicas=replicas),
    )


ACT = Act(
    scale(),
    observed_state="11" * 32,
    policy_version="2026-11-01",
    undo=scale(2),
    commitments={"[EMAIL_1]": commitment("[EMAIL_1]", "alice@example.com", SALT)},
)


def test_the_hash_is_over_a_text_that_anybody_can_write() -> None:
    """A signature of today must be verified tomorrow: another text here is another contract."""
    told = f'{{"form":"awoooi commitment 1","label":"[EMAIL_1]","salt":"{SALT}","value":"alice@example.com"}}'
    committed = hashlib.sha256(told.encode()).hexdigest()
    step = (
        '{"operation":"SCALE_DEPLOYMENT","parameters":{"replicas":%d},"target":{"cluster":"default",'
        f'"id":"{"ab" * 16}","kind":"deployment","name":"cart-[EMAIL_1]","namespace":"shop"}}}}'
    )
    text = (
        f'{{"action":{step % 3},"commitments":{{"[EMAIL_1]":"{committed}"}},"form":"awoooi action 1",'
        f'"observed_state":"{"11" * 32}","policy_version":"2026-11-01","undo":{step % 2}}}'
    )

    assert action_hash(ACT) == hashlib.sha256(text.encode()).hexdigest()


CHANGES = {
    "the operation": replace(ACT, step=Step(operation=Operation.RESTART_DEPLOYMENT, target=TARGET)),
    "a parameter": replace(ACT, step=scale(4)),
    "the target's id": replace(ACT, step=scale(id="cd" * 16)),
    "the target's name as people see it": replace(ACT, step=scale(name="pay-[EMAIL_1]")),
    "the target's namespace": replace(ACT, step=scale(namespace="bank")),
    "the target's cluster": replace(ACT, step=scale(cluster="eu-2")),
    "what was observed": replace(ACT, observed_state="22" * 32),
    "nothing was observed": replace(ACT, observed_state=""),
    "the policy": replace(ACT, policy_version="2026-11-02"),
    "the undo": replace(ACT, undo=scale(1)),
    "no undo": replace(ACT, undo=None),
    "the value behind a label": replace(
        ACT, commitments={"[EMAIL_1]": commitment("[EMAIL_1]", "mallory", SALT)}
    ),
    "the salt": replace(
        ACT, commitments={"[EMAIL_1]": commitment("[EMAIL_1]", "alice@example.com", OTHER_SALT)}
    ),
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_a_change_of_what_is_signed_changes_the_hash(changed: Act) -> None:
    assert action_hash(changed) != action_hash(ACT)


def test_no_two_of_the_changes_share_a_hash() -> None:
    assert len({action_hash(act) for act in CHANGES.values()}) == len(CHANGES)


def test_the_order_of_what_has_none_does_not_matter() -> None:
    limits, turned = {"cpu": "1", "memory": "1Gi"}, {"memory": "1Gi", "cpu": "1"}
    steps = [
        Step(
            operation=Operation.SET_RESOURCES,
            target=TARGET.model_copy(update={"name": "cart"}),
            parameters=Parameters(limits=given),
        )
        for given in (limits, turned)
    ]

    assert action_hash(Act(steps[0], "", "1")) == action_hash(Act(steps[1], "", "1"))


REFUSED = {
    "a label without commitment": (replace(ACT, commitments={}), "has no commitment"),
    "a label of the undo without one": (
        replace(ACT, undo=scale(2, namespace="[EMAIL_2]")),
        r"\[EMAIL_2\] has no commitment",
    ),
    "a commitment to what is not there": (
        replace(ACT, commitments={**ACT.commitments, "[IP_1]": "0" * 64}),
        r"\[IP_1\] stands nowhere",
    ),
    "a target without id": (replace(ACT, step=scale(id="")), "target.id"),
}


@pytest.mark.parametrize(("act", "told"), REFUSED.values(), ids=REFUSED)
def test_what_would_leave_something_open_is_not_hashed(act: Act, told: str) -> None:
    with pytest.raises(BadPayload, match=told):
        action_hash(act)


def test_a_label_within_an_argument_is_seen() -> None:
    step = Step(
        operation=Operation.RUN_COMMAND, parameters=Parameters(name="ping", arguments={"host": "[IP_1]"})
    )

    with pytest.raises(BadPayload, match="IP_1"):
        action_hash(Act(step, "", "1"))


def test_a_salt_is_new_each_time_and_hides_the_value() -> None:
    salts = {new_salt() for _ in range(100)}

    assert len(salts) == 100
    assert all(len(salt) == 64 for salt in salts)
    assert len({commitment("[EMAIL_1]", "alice@example.com", salt) for salt in salts}) == 100
