"""What is configured by name, on its way through the stages: labelled, judged and trusted for itself."""

from __future__ import annotations

from pathlib import Path

from connectors.executors.command import CommandExecutor
from schemas.operations import Operation, Parameters, Risk, Step, Target
from schemas.preflight import PreflightStatus
from streams.policy.action_hash import act_of, action_hash
from streams.policy.policy import SHIPPED, Place, parse_policy
from streams.policy.risk import Proposal, highest, parts
from tests.connectors.executors.lamps import Lamp
from tests.connectors.executors.worlds import OWNER, commands
from tests.streams.debates import only
from tests.streams.stages.test_gate import Gates
from tests.streams.stages.test_preflight import checked
from tests.streams.stages.test_preflight import decided as recommended

LABEL = "[EMAIL_1]"
NAMED = "RUN_COMMAND: {risk: HIGH, named: {turn-on: {risk: MEDIUM, reason: a lamp harms nobody}}}"
RUN = {"operation": Operation.RUN_COMMAND, "target": Target()}


async def test_its_real_values_are_used_and_told_nowhere(tmp_path: Path) -> None:
    lamp = Lamp(tmp_path)
    arguments = {"owner": LABEL}
    event = recommended(
        Operation.RUN_COMMAND, Target(), values={LABEL: OWNER}, name="turn-on", arguments=arguments
    )

    told, calls = await checked(event, None, executors=[CommandExecutor(commands(tmp_path))])

    found = told.payload
    assert found.status == PreflightStatus.PASSED, found
    assert len(found.observed_state) == 64
    assert found.undo is not None
    assert (found.undo.parameters.name, found.undo.parameters.arguments) == ("turn-off", arguments)
    assert [call.payload.tool for call in calls] == ["command.check"]
    assert OWNER not in told.model_dump_json() + "".join(call.model_dump_json() for call in calls)
    assert (lamp.state, lamp.ledger) == ("off", [])


async def test_what_one_command_earned_counts_for_no_other() -> None:
    keys = []
    for number, name in enumerate(("turn-on", "wipe-disk"), 1):
        step = {**RUN, "parameters": Parameters(name=name)}
        story = await Gates(away={"preflight"}).decide(number, step=step).check(number).run()
        keys.append(only(story.told).assessment.trust_key)

    assert keys == ["default/RUN_COMMAND:turn-on/default//-*", "default/RUN_COMMAND:wipe-disk/default//-*"]


async def test_what_takes_it_back_by_its_configuration_is_signed_with_it() -> None:
    """Else nothing could be done about a failure."""
    parameters = Parameters(name="turn-on", arguments={"owner": "x"})
    undo = Step(operation=Operation.RUN_COMMAND, parameters=Parameters(name="turn-off"))
    story = Gates(away={"preflight"})
    await story.decide(step={**RUN, "parameters": parameters}).check(undo=undo).run()

    asked = only(story.requests)
    assert asked.action.undo == undo
    assert asked.action_hash == action_hash(act_of(asked))


def test_policy_says_how_risky_a_named_thing_is_and_the_plan_can_only_raise_it() -> None:
    text = SHIPPED.read_text().replace("RUN_COMMAND: {risk: HIGH}", NAMED)
    policy, place = parse_policy(text), Place(operation=Operation.RUN_COMMAND)

    def risk(name: str, plan: Risk) -> Risk:
        return highest(parts(Proposal(place, plan_risk=plan, configured=name), policy))

    assert risk("turn-on", Risk.LOW) == Risk.MEDIUM
    assert risk("turn-on", Risk.HIGH) == Risk.HIGH
    assert risk("wipe-disk", Risk.LOW) == Risk.CRITICAL
