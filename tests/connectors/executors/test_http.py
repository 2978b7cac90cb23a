"""A call over HTTP: where it may go, what each answer proves, and what is told of it."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from connectors.executors.contract import Done, End, Executor, Happened, Order
from connectors.executors.http_call import HttpExecutor, url_trouble
from connectors.executors.named import NamedFile, parse_named
from schemas.errors import Misconfigured
from schemas.operations import Operation
from tests.connectors.executors.lamps import Answer, LampServer, lamp_server
from tests.connectors.executors.worlds import OWNER, always, calls, named_order
from tests.peers import free_port
from tests.peers.tls import Authority

CALL = Operation.CALL_HTTP


@pytest.fixture
def lamp() -> Iterator[LampServer]:
    with lamp_server() as lamp:
        yield lamp


@pytest.fixture
async def executor(lamp: LampServer) -> AsyncIterator[HttpExecutor]:
    executor = HttpExecutor(calls(lamp.url))
    yield executor
    await executor.close()


def turn_on(action_id: str = "a-1", owner: str = OWNER) -> Order:
    return named_order(CALL, "turn-on", action_id, owner=owner)


async def sent(executor: Executor, order: Order) -> Done:
    checked = await executor.check(order)
    assert checked.observed is not None, checked.checks
    return await executor.execute(order, checked.observed.hash, always)


def one(text: str) -> NamedFile:
    return parse_named(
        f"hosts: [127.0.0.1]\ncalls:\n  it:\n    description: What it does\n{text}".encode(), "x"
    )


ENDS = [
    pytest.param(Answer(201), End.DONE, "HTTP 201", id="201"),
    pytest.param(Answer(302, headers={"Location": "/lamps/x/on"}), End.UNKNOWN, "HTTP 302", id="302"),
    pytest.param(Answer(400, b"no such zone"), End.REFUSED, "HTTP 400: no such zone", id="400"),
    pytest.param(Answer(409, b"it is being changed"), End.REFUSED, "it is being changed", id="409"),
    pytest.param(Answer(429, headers={"Retry-After": "7"}), End.REFUSED, "HTTP 429", id="429"),
    pytest.param(Answer(500, b"oh"), End.UNKNOWN, "HTTP 500: oh", id="500"),
    pytest.param(Answer(503), End.UNKNOWN, "HTTP 503", id="503"),
    pytest.param(Answer(0), End.UNKNOWN, "does not answer", id="it hangs up"),
]


@pytest.mark.parametrize(("answer", "end", "words"), ENDS)
async def test_what_an_answer_proves(
    lamp: LampServer, executor: HttpExecutor, answer: Answer, end: End, words: str
) -> None:
    lamp.trouble.append(answer)

    done = await sent(executor, turn_on())

    assert (done.end, words in done.message) == (end, True), done.message
    assert done.retry_after_secs == (7.0 if answer.status == 429 else 0.0)
    posts = [path for method, path, _, _ in lamp.seen if method == "POST"]
    assert len(posts) == 1, "what was sent is not sent again, and no redirect followed"


async def test_only_a_connection_that_nobody_took_is_tried_again() -> None:
    executor = HttpExecutor(one(f"    url: http://127.0.0.1:{free_port()}/x\n"))
    asked = []

    order = named_order(CALL, "it")
    checked = await executor.check(order)
    assert checked.observed is not None
    done = await executor.execute(order, checked.observed.hash, lambda _: asked.append(1) or "")  # type: ignore[func-returns-value]
    await executor.close()

    assert (done.end, "does not answer" in done.message) == (End.REFUSED, True)
    assert len(asked) == 3, "the last word is asked before each try"


async def test_the_action_id_is_the_idempotency_key_and_secrets_come_from_files(
    lamp: LampServer, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("Bearer tok-123456789\n")
    text = f"""
    method: PUT
    url: "{lamp.url}/lamps/{{owner}}/on?count={{count}}"
    arguments: {{owner: {{pattern: ".*"}}, count: {{least: 1, most: 9}}}}
    headers: {{X-Team: ops}}
    header_files: {{Authorization: {tmp_path}/token}}
    idempotency_header: X-Request-Key
    body:
      owner: "{{owner}}"
      count: "{{count}}"
      said: "{{count}} of {{{{x}}}}"
      deep: [{{id: "{{action_id}}"}}]
      sure: true
"""
    executor = HttpExecutor(one(text))
    lamp.trouble.append(Answer(403, b'{"token": "tok-123456789", "owner": "a%2Fb%20%26c"}'))

    done = await sent(executor, named_order(CALL, "it", owner="a/b &c", count="3"))
    await executor.close()

    method, path, headers, body = lamp.seen[-1]
    assert (method, path) == ("PUT", "/lamps/a%2Fb%20%26c/on?count=3")
    assert (headers["X-Team"], headers["Authorization"]) == ("ops", "Bearer tok-123456789")
    assert headers["X-Request-Key"] == "a-1"
    assert json.loads(body) == {
        "owner": "a/b &c",
        "count": 3,
        "said": "3 of {x}",
        "deep": [{"id": "a-1"}],
        "sure": True,
    }
    assert done.message == 'it: HTTP 403: {"token": "(secret)", "owner": "a/b &c"}'


HOSTILE = [
    pytest.param("..", id="up"),
    pytest.param("../../admin", id="up, encoded by us"),
    pytest.param("..\\admin", id="up, as others write it"),
    pytest.param(".", id="here"),
    pytest.param("", id="nothing"),
]


@pytest.mark.parametrize("owner", HOSTILE)
async def test_no_argument_climbs_to_another_path(
    lamp: LampServer, executor: HttpExecutor, owner: str
) -> None:
    checked = await executor.check(turn_on(owner=owner))

    assert checked.observed is None
    assert lamp.seen == []


@pytest.mark.parametrize(
    ("owner", "path"),
    [
        ("@evil.example.com", "/lamps/%40evil.example.com/on"),
        ("x?admin=1#", "/lamps/x%3Fadmin%3D1%23/on"),
        ("//evil.example.com", "/lamps/%2F%2Fevil.example.com/on"),
        ("x%2e%2e", "/lamps/x%252e%252e/on"),
        ("é\u2028".rstrip(), "/lamps/%C3%A9/on"),
    ],
)
async def test_whatever_is_filled_in_stays_in_its_place(
    lamp: LampServer, executor: HttpExecutor, owner: str, path: str
) -> None:
    assert (await sent(executor, turn_on(owner=owner))).end is End.DONE

    assert [path for method, path, _, _ in lamp.seen if method == "POST"] == [path]


def test_another_host_would_be_seen() -> None:
    assert "another host" in url_trouble("https://{h}/x", {"h": "evil"})


async def test_a_probe_that_cannot_be_asked_says_so(lamp: LampServer, executor: HttpExecutor) -> None:
    order = turn_on()
    checked = await executor.check(order)
    assert checked.observed is not None
    lamp.ledger.append("a-1")

    found = await executor.execute(order, checked.observed.hash, always)

    assert (found.end, found.message, lamp.state) == (End.DONE, "it was done before", "off")
    assert (await executor.probe(turn_on("b"), "")).happened is Happened.NO


async def test_a_condition_looks_into_the_answer(lamp: LampServer) -> None:
    def asking(at: str, equals: str) -> str:
        return f"""
    url: {lamp.url}/lamps/x/on
    verify: {{url: "{lamp.url}/lamps", yes_when: {{at: {at}, equals: ["{equals}"]}}}}
"""

    async def effect(at: str, equals: str) -> str:
        executor = HttpExecutor(one(asking(at, equals)))
        found = await executor.verify(named_order(CALL, "it"))
        await executor.close()
        return found.effect

    assert await effect("lamp.state", "off") == "holds"
    assert await effect("users.0.name", "x") == "holds"
    for at in ("lamp.state.x", "users.7.name", "users.name", "nothing"):
        assert await effect(at, "x") == "unknowable"


async def test_a_certificate_that_nobody_vouches_for_is_not_trusted(tmp_path: Path) -> None:
    """Nothing is sent: whoever answers there is not the one that is configured."""
    authority, ca_file, own = Authority.make(), tmp_path / "ca.pem", tmp_path / "own.pem"
    ca_file.write_bytes(authority.certificate_pem())
    own.write_bytes(authority.issue_pem("127.0.0.1"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(own)
    with lamp_server(tls) as lamp:
        plain, known = (
            HttpExecutor(one(f"    url: {lamp.url}/lamps/x/on\n{more}"))
            for more in ("", f"    ca_file: {ca_file}\n")
        )
        refused, done = await sent(plain, named_order(CALL, "it")), await sent(known, named_order(CALL, "it"))
        await plain.close()
        await known.close()

    assert (refused.end, "certificate" in refused.message.lower()) == (End.REFUSED, True)
    assert done.end is End.DONE


def test_a_header_that_would_begin_another_stops_the_start(lamp: LampServer, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x\r\nHost: evil")
    text = f"    url: {lamp.url}/x\n    header_files: {{Authorization: {tmp_path}/token}}\n"

    with pytest.raises(Misconfigured, match="header Authorization holds what a header cannot hold"):
        HttpExecutor(one(text))
