"""What the store needs to know at its start."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

MIB = 1024 * 1024
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
UNSAFE_IN_PATH = set("?&%#:")  # chDB reads them as the beginning of its own arguments


class StoreConfig(BaseModel):
    """Where the data lies, where to listen, who may come in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    host: str = "127.0.0.1"
    port: int = Field(8123, ge=1, le=65535)
    database: str = "awoooi"
    writer_user: str = "writer"
    writer_password: SecretStr
    reader_user: str = "reader"
    reader_password: SecretStr
    max_body_bytes: int = Field(256 * MIB, ge=MIB, description="of a request, before and after decompression")
    max_result_bytes: int = Field(256 * MIB, ge=MIB, description="of one answer")
    max_memory_bytes: int = Field(1024 * MIB, ge=64 * MIB, description="for all statements together")
    read_timeout_secs: float = Field(60.0, gt=0, description="longest life of a reader's statement")
    read_threads: int = Field(3, ge=1, le=32)
    write_threads: int = Field(2, ge=1, le=32)
    waiting_requests: int = Field(64, ge=1, description="beyond them the answer is 503")
    shutdown_secs: float = Field(10.0, gt=0, description="how long running statements may take to end")

    @field_validator("path")
    @classmethod
    def _plain_path(cls, path: Path) -> Path:
        if bad := UNSAFE_IN_PATH & set(str(path)):
            raise ValueError(f"the path must not contain {' '.join(sorted(bad))}: {path}")
        return path.absolute()

    @field_validator("host")
    @classmethod
    def _loopback(cls, host: str) -> str:
        if host != "localhost" and not ipaddress.ip_address(host).is_loopback:
            raise ValueError(f"the store listens on loopback only, not on {host}: passwords travel in clear")
        return host

    @field_validator("database")
    @classmethod
    def _identifier(cls, database: str) -> str:
        if not IDENTIFIER.fullmatch(database):
            raise ValueError(f"not a database name (letters, digits, underscore): {database!r}")
        return database

    @model_validator(mode="after")
    def _two_users(self) -> Self:
        if self.writer_user == self.reader_user:
            raise ValueError(f"writer and reader must be two users, both are {self.writer_user!r}")
        return self
