"""A labelled step with its real values put back, and who carries it out; or why there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import ValidationError

from agents.privacy import restore_step
from agents.snapshot import Keys, open_run
from agents.target_id import is_named
from connectors.executors.contract import Executor, Order
from schemas.authorization import ActionAuthorized, Authorization
from schemas.envelope import Event
from schemas.errors import CannotOpen
from schemas.execution import Execution
from schemas.operations import SHAPES, Step
from streams.commitments import broken
from streams.covering import covering
from streams.execute_needs import ExecuteNeeds
from streams.policy.recheck import Objected


@dataclass(frozen=True, slots=True)
class Opened:
    """The order with its real values, and who carries it out."""

    order: Order
    executor: Executor
    cover: Callable[[str], str]


def open_order(needs: ExecuteNeeds, event: ActionAuthorized) -> Opened | Objected:
    """With its real values, which are those that were signed; or why not."""
    told = event.payload
    return open_step(needs, event, step_of(told), told.action_id, told.commitments)


def step_of(told: Authorization | Execution) -> Step:
    """What is to be done because of it: the step itself, or what takes it back."""
    undo = told.action.undo
    return undo if told.undoes and undo is not None else told.action.step


def open_step(
    needs: ExecuteNeeds, of: Event, labelled: Step, action_id: str, signed: Mapping[str, str] | None = None
) -> Opened | Objected:
    """`of` seals its run's values; those that `signed` commits to must be the very ones."""
    try:
        values = open_run(needs.keys.opener, of.sealed, project_id=of.project_id, run_id=of.run_id)
        step = restore_step(labelled, values)
    except (CannotOpen, KeyError) as error:
        return Objected("no_values", f"its real values are not known: {error}")
    except ValidationError:
        return Objected("no_values", "with real values its parameters do not fit")
    other = broken(signed or {}, values)
    if other:
        return Objected("other_values", f"{other} is not what was signed")
    if not _is_target(needs.keys, of.project_id, labelled, step):
        return Objected("other_values", "its target's id is another's")
    executor = needs.executors.get(step.operation)
    if executor is None:
        return Objected("no_executor", f"there is no executor for {step.operation}")
    return Opened(Order(step, action_id), executor, covering(values))


def _is_target(keys: Keys, project_id: str, labelled: Step, step: Step) -> bool:
    if not labelled.target.name and not SHAPES[labelled.operation].kinds:
        return True
    return is_named(keys.target, project_id, labelled.target, step.target)
