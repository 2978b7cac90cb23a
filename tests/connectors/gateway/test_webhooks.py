"""What the door takes, what it refuses, and what a record looks like."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from connectors.gateway.stamp import Stamp, read_stamp
from connectors.tokens import new_token, revoke_token
from schemas.errors import BrokerAway
from tests.connectors.gateway.support import SECRET, Gateway, never, raw_answer, running_gateway
from tests.peers import wait_until_async

GROUP = b'{"version": "4", "groupKey": "{}:{alertname=\\"X\\"}",\n "alerts": []}  '


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    async with running_gateway(tmp_path) as running:
        yield running


@pytest.mark.parametrize(
    ("path", "status", "topic"),
    [
        pytest.param("/api/v1/webhooks/alertmanager", 202, "alerts.raw.alertmanager", id="named"),
        pytest.param("/api/v1/webhooks/alerts", 202, "alerts.raw.auto", id="detected"),
        pytest.param("/api/v2/alerts", 200, "alerts.raw.alertmanager", id="alertmanager's own API"),
    ],
)
async def test_a_good_body_is_written_as_it_came(
    gateway: Gateway, path: str, status: int, topic: str
) -> None:
    body = b' [ {"labels" : {"alertname":"\\u00e9 \xc3\xa9"}} ]\n'

    reply = await gateway.post(body, path)

    assert reply.status == status
    assert reply.json() == {"topic": topic, "partition": 0, "offset": 0}
    assert [(record.topic, record.value) for record in gateway.log.records] == [(topic, body)]


BAD: list[Any] = [
    pytest.param({"authorization": ""}, b"{}", 401, id="no token"),
    pytest.param({"authorization": "Bearer"}, b"{}", 401, id="an empty token"),
    pytest.param({"authorization": "Bearer awt_0000000000_x"}, b"{}", 401, id="an unknown token"),
    pytest.param({"authorization": "Basic YTpi"}, b"{}", 401, id="another scheme"),
    pytest.param({"content_type": "text/plain"}, b"{}", 415, id="text"),
    pytest.param({"content_type": ""}, b"{}", 415, id="no type"),
    pytest.param({"content_type": "application/jsonx"}, b"{}", 415, id="nearly JSON"),
    pytest.param({"content_encoding": "gzip"}, b"\x1f\x8b", 415, id="compressed"),
    pytest.param({}, b"", 400, id="empty"),
    pytest.param({}, b'{"a": 1', 400, id="cut off"),
    pytest.param({}, b'{"a": "\xff\xfe"}', 400, id="not UTF-8"),
    pytest.param({}, b'{"a": "\\ud800"}', 400, id="half a surrogate pair"),
    pytest.param({}, b'{"a": NaN}', 400, id="NaN"),
    pytest.param({}, b'{"a": Infinity}', 400, id="infinity"),
    pytest.param({}, b"[" * 500_000, 400, id="nested without end"),
    pytest.param({}, b"[" * 100_000 + b"]" * 100_000, 400, id="nested too deep"),
    pytest.param({}, b"{} {}", 400, id="two values"),
    pytest.param({}, b"\x00", 400, id="zero byte"),
    pytest.param({}, b'"' + b"x" * (1024 * 1024 - 1) + b'"', 413, id="one byte over 1 MiB"),
]


@pytest.mark.parametrize(("headers", "body", "status"), BAD)
async def test_a_bad_request_is_refused_and_not_written(
    gateway: Gateway, headers: dict[str, str], body: bytes, status: int
) -> None:
    reply = await gateway.post(body, **headers)

    assert reply.status == status
    assert reply.headers["content-type"] == "application/problem+json"
    told = reply.json()
    assert told["status"] == status
    assert ("detail" in told) == (status != 401)
    assert gateway.log.records == []


async def test_exactly_one_mebibyte_is_taken(gateway: Gateway) -> None:
    reply = await gateway.post(b'"' + b"x" * (1024 * 1024 - 2) + b'"')

    assert reply.status == 202


async def test_a_charset_is_tolerated(gateway: Gateway) -> None:
    assert (await gateway.post(content_type="Application/JSON; charset=utf-8")).status == 202


async def test_the_scheme_of_the_token_is_read_in_any_case(gateway: Gateway) -> None:
    assert (await gateway.post(authorization=f"bearer {gateway.token}")).status == 202


async def test_another_scheme_is_refused_even_with_a_good_token(gateway: Gateway) -> None:
    assert (await gateway.post(authorization=f"Basic {gateway.token}")).status == 401


async def test_a_wrong_secret_with_a_known_id_is_unknown(gateway: Gateway) -> None:
    last = "A" if gateway.token[-1] != "A" else "B"

    assert (await gateway.post(token=gateway.token[:-1] + last)).status == 401


async def test_an_unknown_source_is_told_which_there_are(gateway: Gateway) -> None:
    reply = await gateway.post(path="/api/v1/webhooks/nagios")

    assert reply.status == 404
    assert "alerts, alertmanager, awoooi, grafana, signoz" in reply.json()["detail"]


async def test_an_unknown_source_tells_nothing_to_a_stranger(gateway: Gateway) -> None:
    reply = await gateway.post(path="/api/v1/webhooks/nagios", token="wrong")

    assert (reply.status, reply.json().get("detail")) == (401, None)


@pytest.mark.parametrize(
    "path", ["/api/v1/webhooks/alertmanager", "/api/v1/webhooks/alerts", "/api/v2/alerts"]
)
async def test_a_token_for_another_source_is_refused(tmp_path: Path, path: str) -> None:
    async with running_gateway(tmp_path, sources=("grafana",)) as gateway:
        assert (await gateway.post(b"[]", path)).status == 403
        assert (await gateway.post(path="/api/v1/webhooks/grafana")).status == 202


async def test_alertmanagers_api_takes_arrays_only(gateway: Gateway) -> None:
    assert (await gateway.post(b"{}", "/api/v2/alerts")).status == 400


@pytest.mark.parametrize("path", ["/api/v1/webhooks", "/nowhere", "/api/v1/webhooks/a/b"])
async def test_other_paths_do_not_exist(gateway: Gateway, path: str) -> None:
    reply = await gateway.post(path=path)

    assert (reply.status, reply.json()["title"]) == (404, "Not Found")
    assert "POST /api/v1/webhooks/{source}" in reply.json()["detail"]
    assert "/openapi.json" in reply.json()["detail"]


async def test_other_methods_are_not_allowed(gateway: Gateway) -> None:
    reply = await gateway.get("/api/v1/webhooks/alerts")

    assert (reply.status, reply.headers["allow"]) == (405, "POST")


async def test_a_record_proves_its_project(gateway: Gateway) -> None:
    await gateway.post(b'{"project": "other"}')

    [record] = gateway.log.records
    said = read_stamp(SECRET.encode(), record.headers["awoooi_stamp"], record.topic, record.value)
    assert said is not None
    assert said == Stamp("acme", gateway.token_id, said.received_at_ms)
    assert said.received_at_ms > 1_700_000_000_000


async def test_the_callers_own_stamp_is_not_passed_on(gateway: Gateway) -> None:
    await gateway.post(awoooi_stamp="1;other;0000000000;0;00", **{"awoooi-stamp": "x"})

    assert gateway.log.records[0].headers["awoooi_stamp"].startswith(b"1;acme;")


TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        pytest.param(TRACE, True, id="valid"),
        pytest.param("", False, id="none"),
        pytest.param(TRACE.upper(), False, id="capitals"),
        pytest.param(f"00-{'0' * 32}-b7ad6b7169203331-01", False, id="no trace id"),
        pytest.param(f"00-0af7651916cd43dd8448eb211c80319c-{'0' * 16}-01", False, id="no span id"),
        pytest.param(TRACE + "-x", False, id="too long"),
    ],
)
async def test_a_trace_is_passed_on_or_begun(gateway: Gateway, given: str, kept: bool) -> None:
    await gateway.post(traceparent=given)

    trace = gateway.log.records[0].headers["traceparent"].decode()
    assert (trace == given) == kept
    assert len(trace) == len(TRACE)


async def test_alerts_of_one_group_share_a_key(gateway: Gateway) -> None:
    for body in (GROUP, GROUP.replace(b"4", b"5"), GROUP.replace(b"X", b"Y"), b"{}", b'[{"groupKey": "a"}]'):
        await gateway.post(body)

    first, same, other, none, array = [record.key for record in gateway.log.records]
    assert first == same
    assert len({first, other, none}) == 3
    assert none == array == gateway.token_id.encode()
    assert b"alertname" not in first


async def test_two_tokens_do_not_share_a_key(gateway: Gateway) -> None:
    _, second = new_token(gateway.tokens_file, "second")
    await wait_until_async(lambda: _accepted(gateway, second), what="the new token is read")
    await gateway.post(GROUP)
    await gateway.post(GROUP, token=second)

    assert len({record.key for record in gateway.log.records[-2:]}) == 2


async def test_a_revoked_token_ends_within_a_second_or_so(gateway: Gateway) -> None:
    assert (await gateway.post()).status == 202

    revoke_token(gateway.tokens_file, gateway.token_id)

    async def is_refused() -> bool:
        return (await gateway.post()).status == 401

    await wait_until_async(is_refused, timeout=3)


async def _accepted(gateway: Gateway, token: str) -> bool:
    return (await gateway.post(token=token)).status == 202


@pytest.mark.parametrize(
    ("failure", "wait"),
    [
        pytest.param(BrokerAway("gone"), "2", id="broker away"),
        pytest.param(never("unknown_topic"), "30", id="topic missing"),
        pytest.param(never("too_large"), "30", id="topic too small"),
    ],
)
async def test_what_is_not_durable_is_never_accepted(gateway: Gateway, failure: Exception, wait: str) -> None:
    gateway.log.failure = failure

    reply = await gateway.post()

    assert (reply.status, reply.headers["retry-after"]) == (503, wait)
    assert (
        gateway.metric(
            "awoooi_webhook_requests_total",
            source="alertmanager",
            outcome="broker_away" if wait == "2" else failure.reason,  # type: ignore[attr-defined]
        )
        == 1
    )


async def test_requests_are_counted_by_source_and_outcome(gateway: Gateway) -> None:
    await gateway.post()
    await gateway.post(b"{", "/api/v1/webhooks/alerts")
    await gateway.post(path="/api/v1/webhooks/made-up")

    counted = "awoooi_webhook_requests_total"
    assert gateway.metric(counted, source="alertmanager", outcome="accepted") == 1
    assert gateway.metric(counted, source="auto", outcome="bad_json") == 1
    assert gateway.metric(counted, source="unknown", outcome="unknown_source") == 1
    assert gateway.metric("awoooi_webhook_bytes_total", source="alertmanager") == 2
    assert gateway.metric("awoooi_webhook_duration_seconds_count") == 3
    assert b"made-up" not in (await gateway.get("/metrics")).body


async def test_the_log_says_who_but_never_what(gateway: Gateway, capsys: pytest.CaptureFixture[str]) -> None:
    await gateway.post(b'{"email": "ann@example.org"}')
    await gateway.post(b'{"email": "ann@example.org"')
    await gateway.post(token=gateway.token + "x")

    told = "".join(capsys.readouterr())
    assert gateway.token_id in told
    assert "bad_json" in told
    assert gateway.token not in told
    assert "ann@example.org" not in told


async def test_health_needs_no_token(gateway: Gateway) -> None:
    assert (await gateway.get("/healthz")).status == 200
    assert (await gateway.get("/readyz")).status == 200
    assert b"# HELP awoooi_webhook_requests_total" in (await gateway.get("/metrics")).body


async def test_it_is_not_ready_while_a_part_is_away(tmp_path: Path) -> None:
    away = {"kafka": "gone fishing"}
    async with running_gateway(tmp_path, checks={"kafka": lambda: away["kafka"]}) as gateway:
        reply = await gateway.get("/readyz")
        assert (reply.status, reply.json()["parts"]) == (503, {"kafka": "gone fishing"})

        away["kafka"] = ""
        assert (await gateway.get("/readyz")).status == 200


async def test_a_head_without_end_is_cut_off(gateway: Gateway) -> None:
    answer = await raw_answer(gateway.port, b"POST / HTTP/1.1\r\nX-Long: ", *[b"x" * 8192] * 5)

    assert b" 431 " in answer


async def test_a_caller_that_hangs_up_does_no_harm(gateway: Gateway) -> None:
    head = (
        f"POST /api/v1/webhooks/alerts HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {gateway.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 10\r\n\r\n"
    )
    await _send_and_hang_up(gateway.port, head.encode() + b"{}")

    await wait_until_async(
        lambda: gateway.metric("awoooi_webhook_requests_total", source="auto", outcome="disconnected")
    )
    assert gateway.metric("awoooi_webhook_in_flight") == 0


async def _send_and_hang_up(port: int, content: bytes) -> None:
    import asyncio

    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(content)
    await writer.drain()
    writer.close()
