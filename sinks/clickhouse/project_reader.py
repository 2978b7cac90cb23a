"""A reader who is kept to one project: how it is called, and its password.

Nobody stores either: both follow from the reader and the project. So whoever has the reader's password (the
gateway, for its SQL box) can ask as a project's reader, and a project's password gives neither the reader's
nor another project's. The embedded store knows these users by itself; a server is told of each of them by
`deploy/clickhouse/project_reader.sql`.
"""

from __future__ import annotations

import hashlib
import hmac
import re

from pydantic import SecretStr

from connectors.tokens import PROJECT_PATTERN
from schemas.errors import Misconfigured
from sinks.clickhouse.config import ClickHouseConfig

_PROJECT = re.compile(PROJECT_PATTERN)


def project_reader(reader: ClickHouseConfig, project: str) -> ClickHouseConfig:
    """The same address, asked as the reader of one project. Misconfigured where that cannot be."""
    if not _PROJECT.fullmatch(project):
        raise Misconfigured(f"{project!r} is no project name (small letters, digits, . _ -)")
    secret = reader.password.get_secret_value()
    if not secret:
        raise Misconfigured("clickhouse.reader_password is empty: a reader of one project is told by it")
    named = {"user": reader_name(reader.user, project), "password": SecretStr(password_of(secret, project))}
    return reader.model_copy(update=named)


def reader_name(reader: str, project: str) -> str:
    return f"{reader}@{project}"


def password_of(reader_password: str, project: str) -> str:
    """HMAC-SHA256 of the project under the reader's password, in hex."""
    return hmac.new(reader_password.encode(), project.encode(), hashlib.sha256).hexdigest()


def project_of(name: str, reader: str) -> str | None:
    """Whose reader `name` is; none where it is no such name."""
    user, at, project = name.rpartition("@")
    return project if at and user == reader and _PROJECT.fullmatch(project) else None
