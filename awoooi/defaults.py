"""What follows from the state folder and from what was given: one rule a line, weaker than anything given."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from awoooi.settings import DEFAULT_PARTITIONS, EMBEDDED_PARTITIONS

Tree = dict[str, Any]
LOOPBACK = "127.0.0.1"
TRUE = {"true", "1", "yes", "on", "y", "t"}

TOKENS, TOKEN, ADMIN_TOKEN, STAMP = "tokens.json", "gateway.token", "admin.token", "stamp.secret"
SEALING_PUBLIC, SEALING_PRIVATE, TARGET_KEY = "sealing.key.pub", "sealing.key", "target.secret"
ADMIN_KEY, SIGNERS, PROOF_KEY = "admin.key", "signers.json", "proof.secret"
WRITER_PASSWORD, READER_PASSWORD = "store-writer.password", "store-reader.password"
AUDIT_KEY, AUDIT_PUBLIC, AUDIT_HEADS = "audit.key", "audit.key.pub", "audit.heads.jsonl"
STORE, EPOCH = "store", "log.epoch"


def state_defaults(given: Tree) -> Tree:
    """Total: a given value that is wrong is told by its own validation, not here."""
    state = state_dir(given)
    embedded = _embedded(given)
    store, gateway = _section(given, "store"), _section(given, "gateway")
    writer, reader = _text(state / WRITER_PASSWORD), _text(state / READER_PASSWORD)
    derived: Tree = {
        "state_dir": str(state),
        "embedded": embedded,
        "partitions": EMBEDDED_PARTITIONS if embedded else DEFAULT_PARTITIONS,
        "log_epoch": _text(state / EPOCH) if embedded else "",
        "kafka": {"bootstrap_servers": f"{LOOPBACK}:{_section(given, 'broker').get('port', 9092)}"},
        "gateway": {"tokens_file": str(state / TOKENS)},
        "store": {"path": str(state / STORE), "writer_password": writer, "reader_password": reader},
        "clickhouse": {},
        "approvals": {"signers_file": str(state / SIGNERS), "proof_key_file": str(state / PROOF_KEY)},
        "audit": {
            "key_file": str(state / AUDIT_KEY),
            "public_key_file": str(state / AUDIT_PUBLIC),
            "heads_file": str(state / AUDIT_HEADS),
        },
        "api": {"url": local_url(gateway.get("host", LOOPBACK), gateway.get("port", 8080))},
        "sealing": {
            "public_key_file": str(state / SEALING_PUBLIC),
            "private_key_file": str(state / SEALING_PRIVATE),
            "target_key_file": str(state / TARGET_KEY),
        },
    }
    if not gateway.keys() & {"stamp_secret", "stamp_secret_file"}:
        derived["gateway"]["stamp_secret_file"] = str(state / STAMP)
    if not _section(given, "api").keys() & {"token", "token_file"}:
        derived["api"]["token_file"] = str(state / ADMIN_TOKEN)
    if "url" not in _section(given, "clickhouse"):
        derived["clickhouse"] = _as_the_store(store, writer, reader)
    return derived


def state_dir(given: Tree) -> Path:
    """XDG's place for what a program keeps between its starts."""
    named = given.get("state_dir")
    if named is not None:
        return Path(str(named)).expanduser().absolute()
    home = os.environ.get("XDG_STATE_HOME")
    return (Path(home) if home else Path.home() / ".local" / "state") / "awoooi"


def _embedded(given: Tree) -> bool:
    said = given.get("embedded")
    if said is None:
        return "bootstrap_servers" not in _section(given, "kafka")
    return str(said).lower() in TRUE


def _as_the_store(store: Tree, writer: str, reader: str) -> Tree:
    """Where no ClickHouse is named, it is our own store, as it was set."""
    host = str(store.get("host", LOOPBACK))
    shown = f"[{host}]" if ":" in host else host
    return {
        "url": f"http://{shown}:{store.get('port', 8123)}",
        "database": store.get("database", "awoooi"),
        "user": store.get("writer_user", "writer"),
        "password": store.get("writer_password", writer),
        "reader_user": store.get("reader_user", "reader"),
        "reader_password": store.get("reader_password", reader),
    }


def local_url(host: object, port: object) -> str:
    """A server of ours as this machine reaches it, whatever it listens on."""
    shown = {"0.0.0.0": LOOPBACK, "": LOOPBACK, "::": "::1"}.get(str(host), str(host))  # noqa: S104
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def _section(given: Tree, name: str) -> Tree:
    found = given.get(name)
    return found if isinstance(found, dict) else {}


def _text(path: Path) -> str:
    """A file of the state folder; empty where there is none yet."""
    try:
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""
