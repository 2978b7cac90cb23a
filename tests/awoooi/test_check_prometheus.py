"""What the doctor says of Prometheus."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from awoooi.check_prometheus import EXPORTERS, prometheus
from awoooi.findings import Finding, Verdict
from awoooi.loading import load
from connectors.http import Reply
from connectors.prometheus.fake import FakePrometheus
from tests.answering import Quiet, answering
from tests.peers import free_port


@contextmanager
def served(fake: FakePrometheus) -> Iterator[str]:
    class Handler(Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            reply = asyncio.run(fake.post(self.path, body, dict(self.headers)))
            self.send_response(reply.status)
            self.end_headers()
            self.wfile.write(reply.body)

    with answering(Handler) as port:
        yield f"http://127.0.0.1:{port}"


async def found(tmp_path: Path, **given: str) -> list[Finding]:
    prefixed = {f"AWOOOI_PROMETHEUS_{name.upper()}": value for name, value in given.items()}
    return await prometheus(load({"AWOOOI_STATE_DIR": str(tmp_path), **prefixed}))


async def test_none_is_no_fault(tmp_path: Path) -> None:
    [only] = await found(tmp_path)
    assert (only.verdict, only.what) == (Verdict.OK, "none is configured: evidence does without")


async def test_one_that_answers_and_what_it_lacks(tmp_path: Path) -> None:
    fake = FakePrometheus()
    for name in list(EXPORTERS)[:2]:
        fake.add(name, [(0, 1.0)])
    with served(fake) as url:
        answers, lacks = await found(tmp_path, url=url)
    assert answers.verdict is Verdict.OK
    assert lacks.verdict is Verdict.WARNING
    assert "node exporter" in lacks.todo


@pytest.mark.parametrize(
    ("reply", "says"),
    [(Reply(401, {}, b"no"), "answers 401"), (Reply(200, {}, b"[]"), "no Prometheus answer")],
)
async def test_one_that_lets_us_not_in_or_is_none(tmp_path: Path, reply: Reply, says: str) -> None:
    with served(FakePrometheus(broken=reply)) as url:
        [only] = await found(tmp_path, url=url)
    assert only.verdict is Verdict.WRONG
    assert says in only.what


async def test_one_that_is_away(tmp_path: Path) -> None:
    [only] = await found(tmp_path, url=f"http://127.0.0.1:{free_port()}")
    assert (only.verdict, "does not answer" in only.what) == (Verdict.WRONG, True)
