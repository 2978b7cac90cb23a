"""What the console works out by itself: storms, the graph, the stream's messages, text from outside."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.gateway.console_files import FOLDER
from tests.connectors.gateway.console.files import run

# -- storms


def incident(number: int, **more: Any) -> dict[str, Any]:
    plain = {
        "incident_id": f"INC-{number}",
        "project_id": "shop",
        "alert_type": "PodCrashLooping",
        "namespace": "shop",
        "severity": "warning",
        "parent_incident_id": "",
        "children": 0,
        "waiting_approval": "",
        "opened_at": f"2026-03-01T10:00:{number:02d}.000Z",
    }
    return {**plain, **more}


def rows(incidents: list[dict[str, Any]]) -> list[Any]:
    code = f"""
    const ids = (storm) => storm.incidents.map((each) => each.incident_id);
    const told = ({{ incident, storm }}) => (incident ? incident.incident_id : [storm.by, ...ids(storm)]);
    const result = collapsed({json.dumps(incidents)}).map(told);
    """
    found: list[Any] = run("parts/storms.js", "collapsed", code)
    return found


STORMS = {
    "two are no storm": ([incident(1), incident(2)], ["INC-2", "INC-1"]),
    "three of one kind are": (
        [incident(1), incident(2), incident(3)],
        [["kind", "INC-3", "INC-2", "INC-1"]],
    ),
    "of two places they are none": (
        [incident(1), incident(2), incident(3, namespace="pay")],
        ["INC-3", "INC-2", "INC-1"],
    ),
    "of two projects they are none": (
        [incident(1), incident(2), incident(3, project_id="pay")],
        ["INC-3", "INC-2", "INC-1"],
    ),
    "a family is one": (
        [incident(1, children=1), incident(2, alert_type="Other", parent_incident_id="INC-1")],
        [["parent", "INC-2", "INC-1"]],
    ),
    "children whose parent is on another page": (
        [incident(1, parent_incident_id="INC-9"), incident(2, parent_incident_id="INC-9")],
        [["parent", "INC-2", "INC-1"]],
    ),
    "a lone child is a row": ([incident(1, parent_incident_id="INC-9")], ["INC-1"]),
    "the gravest first": (
        [incident(1), incident(2, severity="critical"), incident(3, severity="info")],
        [["kind", "INC-2", "INC-1", "INC-3"]],
    ),
    "what waits for a person before all": (
        [incident(1, severity="critical"), incident(2, alert_type="Other", waiting_approval="INC-2-A1")],
        ["INC-2", "INC-1"],
    ),
}


@pytest.mark.parametrize(("incidents", "shown"), STORMS.values(), ids=STORMS)
def test_a_storm_is_one_row(incidents: list[dict[str, Any]], shown: list[Any]) -> None:
    assert rows(incidents) == shown


def test_none_is_lost_and_none_shown_twice() -> None:
    many = [
        incident(
            n, namespace=f"n{n % 7}", parent_incident_id=f"INC-{n // 9}" if n % 3 else "", children=n % 5
        )
        for n in range(60)
    ]

    shown = [name for row in rows(many) for name in (row[1:] if isinstance(row, list) else [row])]

    assert sorted(shown) == sorted(each["incident_id"] for each in many)


# -- the graph


def layers(nodes: list[dict[str, Any]], edges: list[tuple[str, str]], across: int = 3) -> list[list[str]]:
    graph = {"nodes": nodes, "edges": [{"from": one, "to": other} for one, other in edges]}
    placed = run(
        "parts/graph.js",
        "laidOut",
        f"const result = laidOut({json.dumps(graph)}, {across}).nodes.map(({{ id, x, y }}) => [id, x, y]);",
    )
    found: dict[float, list[str]] = {}
    for name, _, y in sorted(placed, key=lambda each: (each[2], each[1])):
        found.setdefault(y, []).append(name)
    return list(found.values())


def service(name: str, role: str = "other") -> dict[str, Any]:
    return {"id": name, "name": name, "kind": "service", "health": "healthy", "blame": 0, "role": role}


def test_who_depends_stands_above_and_what_is_needed_below() -> None:
    nodes = [service("db", "cause"), service("api"), service("web", "target"), service("edge", "affected")]

    assert layers(nodes, [("edge", "web"), ("web", "api"), ("api", "db")]) == [
        ["edge"],
        ["web"],
        ["api"],
        ["db"],
    ]


def test_without_edges_roles_say_where() -> None:
    nodes = [service("web", "target"), service("edge", "affected"), service("db", "cause")]

    assert layers(nodes, []) == [["edge"], ["web"], ["db"]]


def test_a_circle_ends_and_a_wide_layer_is_broken() -> None:
    nodes = [service("web", "target"), *(service(f"s{n}") for n in range(5))]
    circle = [("web", f"s{n}") for n in range(5)] + [("s0", "web"), ("s1", "s1")]

    assert layers(nodes, circle, across=2) == [["web"], ["s0", "s1"], ["s2", "s3"], ["s4"]]


# -- the stream


def told(*chunks: str) -> list[dict[str, Any]]:
    code = f"""
    const chunks = {json.dumps(chunks)};
    const body = new ReadableStream({{
      start(out) {{
        for (const chunk of chunks) out.enqueue(new TextEncoder().encode(chunk));
        out.close();
      }},
    }});
    const result = [];
    for await (const one of messages(body)) result.push(one);
    """
    found: list[dict[str, Any]] = run("live.js", "messages", code)
    return found


STREAMS = {
    "one": (["id: 1\nevent: run\ndata: {}\n\n"], [{"event": "run", "id": "1", "data": "{}"}]),
    "in pieces": (
        ["id: 1\neve", "nt: run\nda", "ta: {}\n", "\n"],
        [{"event": "run", "id": "1", "data": "{}"}],
    ),
    "lines that end the other way": (
        ["id: 1\r", "\nevent: run\r\ndata: {}\r\n\r\n"],
        [{"event": "run", "id": "1", "data": "{}"}],
    ),
    "a heartbeat": ([": here\n\n"], []),
    "a heartbeat that moves the cursor": ([": here\nid: 7\n\n"], [{"event": "message", "id": "7"}]),
    "two lines of data": (["data: a\ndata: b\n\n"], [{"event": "message", "data": "a\nb"}]),
    "cut in the middle": (
        ["id: 1\ndata: {}\n\nid: 2\ndata: {"],
        [{"event": "message", "id": "1", "data": "{}"}],
    ),
}


@pytest.mark.parametrize(("chunks", "messages"), STREAMS.values(), ids=STREAMS)
def test_the_stream_is_read(chunks: list[str], messages: list[dict[str, Any]]) -> None:
    assert told(*chunks) == messages


# -- text from outside

CUTS = {
    "short": ("cart", 10, "cart"),
    "long": ("a" * 100_000, 5, "aaaaa…"),
    "never half a character": ("ab😀cd", 3, "ab…"),
    "what turns the direction is seen": ("a\u202egnp.exe", 20, "a\\u202egnp.exe"),
    "what is not there is seen": ("a\u200bb\u0000c", 20, "a\\u200bb\\u0000c"),
    "what only joins is seen": ("a\u200db\u200ec", 20, "a\\u200db\\u200ec"),
    "a soft hyphen is seen": ("DELETE\u00ad_POD", 20, "DELETE\\u00ad_POD"),
    "fillers are seen": ("\u115f\u3164\uffa0", 20, "\\u115f\\u3164\\uffa0"),
    "control characters of the second kind are seen": ("\u0085\u009b", 20, "\\u0085\\u009b"),
    "a variation is seen": ("a\u180b\u034f\ufff9", 20, "a\\u180b\\u034f\\ufff9"),
    "tags are seen": ("a\U000e0041", 20, "a\\u{e0041}"),
    "lines stay": ("a\nb\tc", 20, "a\nb\tc"),
    "nothing": (None, 20, ""),
}


@pytest.mark.parametrize(("text", "most", "shown"), CUTS.values(), ids=CUTS)
def test_text_from_outside_is_cut_and_seen(text: str | None, most: int, shown: str) -> None:
    assert run("format.js", "cut", f"const result = cut({json.dumps(text)}, {most});") == shown


DURATIONS = {
    "less than one": (999.4, "999 ms"),
    "nearly one": (999.6, "1 s"),
    "nearly a minute": (59_949, "59.9 s"),
    "a minute, rounded": (59_951, "1 min 0 s"),
    "nearly half an hour": (1_799_600, "30 min 0 s"),
    "half an hour": (1_800_000, "30 min 0 s"),
}


@pytest.mark.parametrize(("ms", "shown"), DURATIONS.values(), ids=DURATIONS)
def test_a_time_is_rounded_whole(ms: float, shown: str) -> None:
    assert run("format.js", "duration", f"const result = duration({ms});") == shown


def test_what_ends_ends_by_the_gateways_clock() -> None:
    ahead = run(
        "api.js",
        "setClock, gatewayNow",
        "setClock(NaN); setClock(Date.now() + 3.6e6); const result = gatewayNow() - Date.now();",
    )
    assert 3_599_000 < ahead <= 3_600_000


# -- what is said of answers

PROBLEM = "{ status: 503, passes: true, detail: '' }"


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("", "not sent again by itself"),
        ("again: true", "asked again until"),
        ("stale: true", "last that was"),
    ],
    ids=["once", "asked again", "with what was known"],
)
def test_only_who_asks_again_says_so(how: str, said: str) -> None:
    shown = run(
        "ui.js", "Problem", f"const result = JSON.stringify(Problem({{ problem: {PROBLEM}, {how} }}));"
    )
    assert said in shown


@pytest.mark.parametrize(("total", "calm"), [(0, True), (200, False)], ids=["none at all", "none here"])
def test_a_page_past_the_last_is_not_calm(total: int, calm: bool) -> None:
    of = f"{{ data: {{ items: [], total: {total} }}, problem: null }}"
    shown = run(
        "ui.js",
        "Answered",
        f"const result = JSON.stringify(Answered({{ of: {of}, empty: 'calm', children: () => 'rows' }}));",
    )
    assert ("calm" in shown, "rows" in shown) == (calm, not calm)


# -- who is next in the same tab


def test_the_next_person_is_told_nothing_of_the_last() -> None:
    session = (FOLDER / "session.js").as_uri()
    left = run(
        "acts/toast.js",
        "toast",
        f"const {{ logIn, logOut }} = await import({json.dumps(session)});"
        "logIn('t'); toast.set('approved'); logOut(); const result = toast.get();",
    )
    assert left is None


REGISTRY = """
const database = {
  transaction() {
    const work = { objectStore: () => ({ get: () => ({ result: undefined }) }) };
    queueMicrotask(() => work.oncomplete());
    return work;
  },
  close() {},
};
globalThis.indexedDB = {
  open() {
    const opening = { result: database };
    queueMicrotask(() => opening.onsuccess());
    return opening;
  },
};
globalThis.fetch = async () => {
  meanwhile();
  return new Response(JSON.stringify({ person: "alice", keys: [], roles: [] }));
};
"""


@pytest.mark.parametrize(
    ("meanwhile", "known"), [("", "alice"), ("session.set({ person: 'bob' })", None)], ids=["still", "gone"]
)
def test_what_the_registry_says_late_is_not_the_next_persons(meanwhile: str, known: str | None) -> None:
    session = (FOLDER / "session.js").as_uri()
    code = f"""{REGISTRY}
    const {{ session }} = await import({json.dumps(session)});
    const meanwhile = () => {{ {meanwhile} }};
    session.follow(() => {{}});
    session.set({{ person: "alice" }});
    await look();
    const result = signer.get()?.person ?? null;
    """
    assert run("acts/signer.js", "look, signer", code) == known


ADDRESSES = {
    "a thing": ("#/incidents/INC-1?run=2", {"page": "incidents", "id": "INC-1", "query": {"run": "2"}}),
    "the war room": ("", {"page": "", "id": "", "query": {}}),
    "a broken escape": ("#/runs/%zz", {"page": "runs", "id": "%zz", "query": {}}),
    "a slash in an id": ("#/runs/a%2Fb", {"page": "runs", "id": "a/b", "query": {}}),
}


@pytest.mark.parametrize(("address", "place"), ADDRESSES.values(), ids=ADDRESSES)
def test_an_address_is_read(address: str, place: dict[str, Any]) -> None:
    assert run("router.js", "parse", f"const result = parse({json.dumps(address)});") == place
