"""What is asked before the page's modules run, and who is given the answer."""

from __future__ import annotations

import json

import pytest

from connectors.gateway.console_files import FOLDER
from tests.connectors.gateway.console.files import BROWSER, node, run

AHEAD = {
    "once": ("{}", ["ahead", "asked"]),
    "not with another's token": ('{ token: "another" }', ["asked", "asked"]),
    "not after a while": ("{ at: Date.now() - 60_000 }", ["asked", "asked"]),
    "not where nothing was": ("{ asked: new Map() }", ["asked", "asked"]),
}


@pytest.mark.parametrize(("given", "answers"), AHEAD.values(), ids=AHEAD)
def test_an_answer_that_was_asked_ahead_is_taken(given: str, answers: list[str]) -> None:
    code = f"""
    const told = (by) => new Response(JSON.stringify({{ by }}));
    const asked = new Map([["/api/v1/runs/1", Promise.resolve(told("ahead"))]]);
    globalThis.askedAhead = {{ token: "", at: Date.now(), asked, ...{given} }};
    globalThis.fetch = async () => told("asked");
    const result = [(await get("/runs/1")).by, (await get("/runs/1")).by];
    """
    assert run("api.js", "get", code) == answers


def test_what_is_called_off_gives_nothing_that_was_asked_ahead() -> None:
    code = """
    const asked = new Map([["/api/v1/runs/1", Promise.resolve(new Response("{}"))]]);
    globalThis.askedAhead = { token: "", at: Date.now(), asked };
    const ending = new AbortController();
    const answer = get("/runs/1", {}, { signal: ending.signal });
    ending.abort();
    const result = await answer.catch((error) => error.name);
    """
    assert run("api.js", "get", code) == "AbortError"


ADDRESSES = {
    "an incident": (
        "#/incidents/INC-20260301-0A1B2C3D4E?run=2",
        ["session", "incidents/INC-20260301-0A1B2C3D4E"],
    ),
    "an approval": ("#/approvals/INC-1-A1", ["session", "approvals/INC-1-A1"]),
    "a list": ("#/runs?state=failed", ["session"]),
    "nothing": ("", ["session"]),
    "the folder above": ("#/runs/..", ["session"]),
    "another path": ("#/runs/..\\..\\metrics", ["session"]),
    "an encoded one": ("#/runs/%2e%2e%2fmetrics", ["session"]),
    "another page": ("#/sql/x", ["session"]),
}


@pytest.mark.parametrize("token", ["mine", ""], ids=["a token", "no token"])
def test_only_a_thing_by_its_plain_name_is_asked_ahead(token: str) -> None:
    script = json.dumps((FOLDER / "ahead.js").read_text())
    code = f"""
    const {{ runInThisContext }} = await import("node:vm");
    globalThis.sessionStorage = {{ getItem: () => "{token}" }};
    globalThis.fetch = async () => new Response("{{}}");
    const result = [];
    for (const hash of {json.dumps([address for address, _ in ADDRESSES.values()])}) {{
        globalThis.location = {{ hash }};
        runInThisContext({script});
        result.push([...askedAhead.asked.keys()]);
    }}
    """
    asked = [[f"/api/v1/{path}" for path in paths] for _, paths in ADDRESSES.values()]
    assert node(BROWSER + code) == (asked if token else [[]] * len(ADDRESSES))
