"""Which tools a peer needs, and what happens where they are missing."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

REQUIRE = "AWOOOI_REQUIRE_PEERS"


class MissingToolError(RuntimeError):
    """This machine cannot run the peer; the message names what is missing."""


def find_tool(name: str, hint: str) -> str:
    """The tool's path, or MissingToolError with what to install."""
    path = shutil.which(name)
    if path is None:
        raise MissingToolError(f"`{name}` is missing ({hint})")
    return path


@contextmanager
def skip_without_tools(peer: str) -> Iterator[None]:
    """Skip the test where a tool is missing; fail it where AWOOOI_REQUIRE_PEERS asks for this peer."""
    try:
        yield
    except MissingToolError as missing:
        if is_required(peer):
            pytest.fail(f"{peer} is required by {REQUIRE}: {missing}", pytrace=False)
        pytest.skip(f"{peer}: {missing}")


def is_required(peer: str) -> bool:
    """AWOOOI_REQUIRE_PEERS is `all` or names separated by commas."""
    required = {name.strip() for name in os.environ.get(REQUIRE, "").split(",")}
    return bool(required & {"all", peer})
