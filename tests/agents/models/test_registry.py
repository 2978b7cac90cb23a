"""Which providers there are."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

import pytest

from agents.models.config import Asking
from agents.models.registry import BUILT_IN, GROUP, Given, made, makers
from agents.models.scripted import Scripted
from connectors.http import HttpClient
from schemas.errors import Misconfigured

HERE = "tests.agents.models.test_registry"
NO_MAKER = 42


def make_echo(given: Given) -> Scripted:
    return Scripted(lambda prompt: prompt.text, name="echo", cloud=given.options["where"] == "cloud")


def _point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, GROUP)


async def test_an_installed_provider_is_made_with_its_options() -> None:
    asking = Asking(options={"echo.where": "cloud", "other.where": "here"})
    async with HttpClient() as http:
        maker = makers([_point("echo", f"{HERE}:make_echo")])["echo"]
        provider = made("echo", maker, Given(http, asking, options=asking.options_of("echo")))

    assert (provider.name, provider.cloud) == ("echo", True)


WRONG = {
    "not there": (_point("x", "nowhere.at:all"), "cannot be loaded"),
    "no function": (_point("x", f"{HERE}:NO_MAKER"), "must be a function"),
    "a built-in's name": (_point("ollama", f"{HERE}:make_echo"), "taken by a built-in"),
}


@pytest.mark.parametrize(("point", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_entry_point_is_told(point: EntryPoint, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        makers([point])


async def test_a_provider_of_another_name_is_told() -> None:
    async with HttpClient() as http:
        with pytest.raises(Misconfigured, match="the two names must agree"):
            made("loud", make_echo, Given(http, Asking(), options={"where": "here"}))


def test_the_built_in_ones_are_entry_points_too() -> None:
    installed = {point.name: point.load() for point in entry_points(group=GROUP)}

    assert {name: installed.get(name) for name in BUILT_IN} == dict(BUILT_IN)
