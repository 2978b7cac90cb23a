"""A playbook's query: an expression that is compared with a number, true of all its series or not true."""

from __future__ import annotations

import pytest

from agents.playbooks.book import load_book
from connectors.http import Reply
from connectors.prometheus.client import Prometheus
from connectors.prometheus.condition import Conditions, read_condition
from connectors.prometheus.config import PrometheusConfig
from connectors.prometheus.fake import FakePrometheus
from schemas.errors import BrokerAway

READY = 'kube_pod_status_ready{namespace="shop"} == 1'
AT = 1_800_000_000_000


@pytest.mark.parametrize(
    ("text", "expression", "sign", "bound"),
    [
        (READY, 'kube_pod_status_ready{namespace="shop"}', "==", 1.0),
        ('a{x="b == 2 and }"} / c <= 0.75', 'a{x="b == 2 and }"} / c', "<=", 0.75),
        ("(a > 1 or vector(0)) >= -2", "(a > 1 or vector(0))", ">=", -2.0),
        ('increase(a{b!="c"}[3m])==0', 'increase(a{b!="c"}[3m])', "==", 0.0),
    ],
)
def test_it_is_taken_apart_at_its_last_comparison(
    text: str, expression: str, sign: str, bound: float
) -> None:
    found = read_condition(text)

    assert (found.expression, found.sign, found.bound) == (expression, sign, bound)


@pytest.mark.parametrize(
    "text",
    [
        "up",
        "up ==",
        "== 1",
        "up == down",
        "a == 1 and b == 1",
        "a or b == 1",
        "a > 0 == 1",
        "a{ == 1",
        "(a] == 1",
    ],
)
def test_what_is_none_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"compar|joins|brackets"):
        read_condition(text)


def test_every_shipped_query_is_one() -> None:
    """Placeholders of theirs stand in quotes."""
    queries = [action.verification for book in load_book().playbooks for action in book.actions]

    assert [read_condition(query) for query in queries if query]


@pytest.mark.parametrize(
    ("values", "effect"),
    [
        ([1.0], "holds"),
        ([1.0, 1.0, 1.0], "holds"),
        ([1.0, 0.0, 1.0], "not_yet"),
        ([0.0], "not_yet"),
        ([], "unknowable"),
        ([float("nan")], "unknowable"),
        ([1.0, float("nan")], "unknowable"),
        ([1.0] * 100, "unknowable"),
    ],
    ids=["one", "all", "not all", "none", "no series", "no number", "a gap among them", "too many"],
)
async def test_it_must_be_so_of_every_series(values: list[float], effect: str) -> None:
    fake = FakePrometheus()
    for number, value in enumerate(values):
        fake.add("kube_pod_status_ready", [(AT, value)], namespace="shop", pod=f"pod-{number}")
    found = await Conditions(Prometheus(PrometheusConfig(url="http://prometheus"), fake)).ask(READY, AT)

    assert found.effect == effect, found.message
    assert fake.asked == ['kube_pod_status_ready{namespace="shop"}']


@pytest.mark.parametrize(
    "broken",
    [BrokerAway("no route"), Reply(503, {}, b"busy"), Reply(200, {}, b'{"status": "error"}')],
    ids=str,
)
async def test_no_answer_is_no_success(broken: Reply | Exception) -> None:
    fake = FakePrometheus(broken=broken)
    found = await Conditions(Prometheus(PrometheusConfig(url="http://prometheus"), fake)).ask(READY, AT)

    assert found.effect == "unknowable"
