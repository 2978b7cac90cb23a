"""Starting, being in the way of another, ending well and ending badly."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from sinks.store import StoreConfig, server
from tests.peers import free_port
from tests.sinks.clickhouse_peer import ClickHousePeer

CREATE = "CREATE TABLE IF NOT EXISTS kept (n UInt64) ENGINE = ReplacingMergeTree ORDER BY n"


def insert(peer: ClickHousePeer, start: int, count: int) -> None:
    rows = "\n".join(map(str, range(start, start + count))).encode()
    peer.run("INSERT INTO kept FORMAT TSV", rows)


def count(peer: ClickHousePeer) -> int:
    ((rows,),) = peer.ask("SELECT count() FROM kept FINAL")
    return int(rows)


def test_it_ends_cleanly_and_comes_back_with_everything(store_path: Path) -> None:
    for started in range(2):
        with ClickHousePeer.running(store_path) as peer:
            peer.run(CREATE)
            assert count(peer) == started * 1000
            insert(peer, 0, 1000)
            assert peer.process is not None
            peer.process.signal(signal.SIGINT if started else signal.SIGTERM)
            assert peer.process.wait() == 0
            assert "Traceback" not in peer.process.output()


def test_what_was_acknowledged_survives_a_kill(store_path: Path) -> None:
    """Killed at once after an answer, and in the middle of inserts, five times."""
    acknowledged = 0
    peer = ClickHousePeer.store(store_path, free_port())
    assert peer.process is not None
    try:
        for _ in range(5):
            peer.start()
            peer.run(CREATE)
            assert count(peer) >= acknowledged
            killer = threading.Timer(0.3, peer.process.signal, [signal.SIGKILL])
            killer.start()
            try:
                while True:
                    insert(peer, acknowledged, 2000)
                    acknowledged += 2000
            except httpx.TransportError:
                peer.process.wait()
        peer.start()
        ((rows, highest),) = peer.ask("SELECT count(), max(n) FROM kept FINAL")
        assert rows == highest + 1 >= acknowledged > 0
    finally:
        peer.process.stop()


def test_one_process_owns_a_path(store_path: Path) -> None:
    with ClickHousePeer.running(store_path) as first:
        second = ClickHousePeer.store(store_path, free_port())
        assert first.process is not None
        assert_ends_saying(second, f"{store_path} is in use by another store (process {first.process.pid})")
        first.run("SELECT 1")


def test_a_taken_port_is_named(store_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert_ends_saying(ClickHousePeer.store(store_path, port), f"port {port} on 127.0.0.1 is taken")


def _a_file(path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("in the way")
    return path


def _under_a_file(path: Path) -> Path:
    return _a_file(path) / "below"


def _not_ours(path: Path) -> Path:
    return Path("/proc/store")


@pytest.mark.parametrize("place", [_a_file, _under_a_file, _not_ours])
def test_a_path_that_cannot_be_had_is_named(store_path: Path, place: Callable[[Path], Path]) -> None:
    path = place(store_path)
    peer = ClickHousePeer.store(path, free_port())
    assert peer.process is not None
    peer.process.log = store_path.parent / "store.log"
    assert_ends_saying(peer, f"the store cannot write to {path}: ")


def assert_ends_saying(peer: ClickHousePeer, words: str) -> None:
    assert peer.process is not None
    with peer.process.start() as process:
        assert process.wait(30) == 2
        said = process.output()
    assert words in said
    assert "Traceback" not in said
    assert len(said.splitlines()) == 1


def test_a_slow_question_holds_up_nobody(own_store: ClickHousePeer) -> None:
    """Readers fill all their threads; inserts and /ping go on."""
    own_store.run("CREATE TABLE IF NOT EXISTS busy (n UInt64) ENGINE = Memory")
    slow = "SELECT count() FROM numbers(1000) WHERE NOT ignore(sleepEachRow(0.0029))"
    readers = [
        threading.Thread(target=own_store.post, args=(slow,), kwargs={"user": "reader"}) for _ in range(6)
    ]
    for reader in readers:
        reader.start()
    try:
        for number in range(5):
            assert httpx.get(own_store.url + "/ping", timeout=1).is_success
            own_store.run("INSERT INTO busy FORMAT TSV", str(number).encode())
        assert any(reader.is_alive() for reader in readers)
    finally:
        for reader in readers:
            reader.join()
        own_store.run("DROP TABLE busy SYNC")


def test_it_ends_although_a_question_is_running(store_path: Path) -> None:
    with ClickHousePeer.running(store_path) as peer:
        forever = "SELECT count() FROM numbers(100000000000) WHERE NOT ignore(sipHash64(number))"
        reader = threading.Thread(target=_ignore_end, args=(peer, forever))
        reader.start()
        process = peer.process
        assert process is not None
        _wait_until_running(peer)
        process.signal(signal.SIGTERM)
        assert process.wait(30) == 0
        reader.join()


def test_a_question_that_begins_late_is_interrupted_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """The order to end can come between a question's acceptance and its begin in the engine."""
    monkeypatch.setattr(server, "INTERRUPT_SECS", 0.001)

    class LateEngine:
        asked, interrupted = 0, asyncio.Event()

        def interrupt_questions(self) -> None:
            self.asked += 1
            if self.asked > 1:
                loop.call_soon_threadsafe(self.interrupted.set)

    async def end() -> None:
        async with server.questions_interrupted(engine):  # type: ignore[arg-type]  # only this is asked of it
            await asyncio.wait_for(engine.interrupted.wait(), 10)

    loop, engine = asyncio.new_event_loop(), LateEngine()
    try:
        loop.run_until_complete(end())
    finally:
        loop.close()


def _ignore_end(peer: ClickHousePeer, sql: str) -> None:
    try:
        peer.post(sql, user="reader")
    except httpx.TransportError:
        return


def _wait_until_running(peer: ClickHousePeer) -> None:
    from tests.peers import wait_until

    wait_until(lambda: 'running{kind="read"} 1' in httpx.get(peer.url + "/metrics").text, what="a read runs")


def test_a_full_disk_is_said_and_passes(store_path: Path) -> None:
    """On a file system of 32 MB, where this machine lets us mount one."""
    import subprocess

    store_path.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(store_path)], capture_output=True, check=False
    )
    if mount.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        with ClickHousePeer.running(store_path / "data") as peer:
            peer.post("CREATE TABLE full (s String CODEC(NONE)) ENGINE = MergeTree ORDER BY tuple()")
            block = os.urandom(4_000_000).hex().encode()
            answers = [peer.post("INSERT INTO full FORMAT TSV", block) for _ in range(8)]
            refused = [answer for answer in answers if answer.status_code != 200]
            assert {answer.status_code for answer in refused} == {507}
            assert "Code: 243" in refused[0].text
            assert peer.ask("SELECT count() FROM full") == [(len(answers) - len(refused),)]
            peer.run("TRUNCATE TABLE full")
            peer.run("INSERT INTO full FORMAT TSV", b"small")
    finally:
        subprocess.run(["umount", "-l", str(store_path)], check=True)


def config(**changes: object) -> StoreConfig:
    secrets = {"writer_password": SecretStr("w"), "reader_password": SecretStr("r")}
    return StoreConfig(**{"path": Path("/data"), **secrets, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"host": "0.0.0.0"}, "loopback"),
        ({"port": 0}, "port"),
        ({"path": Path("/data?readonly=1")}, "must not contain"),
        ({"database": "a b"}, "database"),
        ({"reader_user": "writer"}, "two users"),
        ({"colour": "red"}, "colour"),
    ],
    ids=["host", "port", "path", "database", "users", "unknown"],
)
def test_a_wrong_setting_is_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        config(**changes)


def test_passwords_are_not_shown() -> None:
    assert "'w'" not in repr(config(writer_password=SecretStr("w")))
