"""What the reading API's documentation shows is what it answers."""

from __future__ import annotations

import pytest

from connectors.gateway.shown import Listed, Page, Shown
from connectors.gateway.shown_approvals import Card
from connectors.gateway.shown_examples import EXAMPLES
from connectors.gateway.shown_incidents import Graph, IncidentDetail, IncidentItem
from connectors.gateway.shown_rest import ChannelEvent, Contract, Project
from connectors.gateway.shown_runs import RunDetail, RunItem

MODELS: dict[str, type[Shown]] = {
    "list_runs": Page[RunItem],
    "show_run": RunDetail,
    "list_incidents": Page[IncidentItem],
    "show_incident": IncidentDetail,
    "list_approvals": Page[Card],
    "show_approval": Card,
    "list_projects": Listed[Project],
    "list_contracts": Listed[Contract],
    "list_channel_events": Listed[ChannelEvent],
    "show_topology": Graph,
}


@pytest.mark.parametrize("name", MODELS)
def test_an_example_is_an_answer(name: str) -> None:
    assert EXAMPLES.keys() == MODELS.keys()
    MODELS[name].model_validate(EXAMPLES[name])
