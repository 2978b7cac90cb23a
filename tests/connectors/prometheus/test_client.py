"""Whatever Prometheus says or does not say, the client answers with series or Unavailable."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import Any

import orjson
import pytest
from pydantic import SecretStr, ValidationError

from connectors.evidence import Unavailable
from connectors.http import Reply
from connectors.prometheus.client import MOST_POINTS, Prometheus, http_of, step_secs
from connectors.prometheus.config import PrometheusConfig
from connectors.prometheus.fake import FakePrometheus
from schemas.errors import Misconfigured, Never, NotNow
from tests.connectors.prometheus.support import NOW, client, config, line

HOUR = 60 * 60 * 1000


def success(data: Any) -> Reply:
    return Reply(200, {}, orjson.dumps({"status": "success", "data": data}))


BROKEN: list[tuple[str, Reply | Exception, str]] = [
    ("away", NotNow("prometheus does not answer: timed out"), "does not answer: timed out"),
    ("endless", Never("prometheus: its answer is over 8 bytes"), "is over 8 bytes"),
    ("a page", Reply(502, {}, b"<html>"), "answers 502 and no JSON"),
    ("a log-in", Reply(401, {}, b"Unauthorized"), "answers 401 and no JSON"),
    ("a list", Reply(200, {}, b"[]"), "no Prometheus answer"),
    ("nothing", Reply(200, {}, b""), "answers 200 and no JSON"),
    (
        "refused",
        Reply(422, {}, b'{"status":"error","errorType":"execution","error":"too many samples"}'),
        "refuses the question (422): too many samples",
    ),
    ("no data", Reply(200, {}, b'{"status":"success"}'), "no Prometheus answer"),
    ("wrong type", success({"resultType": "scalar", "result": [1, "2"]}), "no Prometheus answer"),
    ("no result", success({"resultType": "matrix", "result": None}), "no Prometheus answer"),
    ("no metric", success({"resultType": "matrix", "result": [{"values": []}]}), "no Prometheus answer"),
    ("no values", success({"resultType": "matrix", "result": [{"metric": {}}]}), "no Prometheus answer"),
    (
        "no pairs",
        success({"resultType": "matrix", "result": [{"metric": {}, "values": [[1]]}]}),
        "no Prometheus answer",
    ),
    (
        "no number",
        success({"resultType": "matrix", "result": [{"metric": {}, "values": [[1, "x"]]}]}),
        "no Prometheus answer",
    ),
    ("no series", success({"resultType": "matrix", "result": [7]}), "no Prometheus answer"),
]


@pytest.mark.parametrize(("broken", "says"), [case[1:] for case in BROKEN], ids=[case[0] for case in BROKEN])
async def test_what_is_no_answer_is_unavailable(broken: Reply | Exception, says: str) -> None:
    with pytest.raises(Unavailable, match=says.replace("(", r"\(").replace(")", r"\)")):
        await client(FakePrometheus(broken=broken)).query_range("up", NOW - HOUR, NOW)


async def test_what_is_no_number_is_left_out() -> None:
    values = [[1, "NaN"], [2, "+Inf"], [3, "1.5"], [4, "-Inf"]]
    fake = FakePrometheus(
        broken=success({"resultType": "matrix", "result": [{"metric": {}, "values": values}]})
    )
    [series] = await client(fake).query_range("up", NOW - HOUR, NOW)
    assert series.samples == [(3000, 1.5)]


async def test_no_more_series_are_kept_than_were_asked_for() -> None:
    fake = FakePrometheus()
    for number in range(50):
        fake.add("up", line(1.0), job=f"job-{number}")
    assert len(await client(fake, most_series=5).query_range('up{job=~".+"}', NOW - HOUR, NOW)) == 5


async def test_at_one_moment() -> None:
    fake = FakePrometheus()
    fake.add("up", line(1.0, 0.0), job="web")
    [series] = await client(fake).query('up{job="web"}', NOW)
    assert (series.labels, series.samples) == ({"job": "web"}, [(NOW, 0.0)])


async def test_no_more_questions_at_once_than_the_settings_say() -> None:
    class Slow(FakePrometheus):
        running = most = 0

        async def post(self, url: str, content: bytes, headers: Any = None) -> Reply:
            self.running += 1
            self.most = max(self.most, self.running)
            await asyncio.sleep(0)
            self.running -= 1
            return await FakePrometheus.post(self, url, content, headers)

    fake = Slow()
    asked = client(fake, at_once=3)
    await asyncio.gather(*(asked.query("up", NOW) for _ in range(20)))
    assert (fake.most, len(fake.asked)) == (3, 20)


@pytest.mark.parametrize("span", [0, 60_000, HOUR, 24 * HOUR, 400 * 24 * HOUR])
def test_a_step_keeps_a_series_within_its_bound(span: int) -> None:
    step = step_secs(NOW - span, NOW)
    assert step >= 15
    assert span / 1000 / step <= MOST_POINTS


# -- who we are there


async def test_a_bearer_token_and_a_tenant_are_sent(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("first\n")
    fake = FakePrometheus()
    prometheus = client(fake, bearer_token_file=token, tenant="team-a")
    await prometheus.query("up", NOW)
    token.write_text("rotated\n")
    await prometheus.query("up", NOW)
    assert [headers["Authorization"] for headers in fake.headers] == ["Bearer first", "Bearer rotated"]
    assert fake.headers[0]["X-Scope-OrgID"] == "team-a"


async def test_a_token_file_that_went_missing_is_a_reason(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="does not exist"):
        await client(FakePrometheus(), bearer_token_file=tmp_path / "gone").query("up", NOW)


async def test_user_and_password_go_to_the_http_client(tmp_path: Path) -> None:
    given = config(user="reader", password=SecretStr("s3cret"))
    async with http_of(given) as http:
        sent = http._client.build_request("GET", "http://x")
        signed = next(http._client.auth.auth_flow(sent))  # type: ignore[union-attr]
    assert signed.headers["Authorization"] == "Basic " + base64.b64encode(b"reader:s3cret").decode()
    assert "s3cret" not in repr(given)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": "prometheus:9090"}, "url"),
        ({"url": "http://user:password@prometheus"}, "url"),
        ({"user": "a"}, "user and password go together"),
        ({"password": "a"}, "user and password go together"),
        ({"user": "a", "password": "b", "bearer_token": "c"}, "either user and password or a bearer token"),
        ({"bearer_token": "a", "bearer_token_file": "b"}, "either bearer_token or bearer_token_file"),
        ({"cluster_label": 'a"'}, "cluster_label"),
        ({"tenant": "a\nb"}, "tenant"),
        ({"window_secs": 10}, "window_secs"),
    ],
)
def test_a_wrong_setting_says_what_is_wrong(given: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        PrometheusConfig(**given)


def test_without_an_address_there_is_no_client() -> None:
    with pytest.raises(Misconfigured, match="AWOOOI_PROMETHEUS_URL"):
        Prometheus(PrometheusConfig(), FakePrometheus())
