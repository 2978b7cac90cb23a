"""What an installation brings: besides the code all that it reads, and nothing of the tests."""

from __future__ import annotations

import pytest
from hatchling.builders.wheel import WheelBuilder

from tests.test_architecture import MAY_IMPORT, ROOT

DATA = {
    "the console": "connectors/gateway/console/**/*",
    "migrations": "sinks/clickhouse/migrations/*.sql",
    "schemas": "schemas/avro/*.avsc",
    "prompts": "agents/prompts/*.md",
    "playbooks": "agents/playbooks/shipped/*",
    "the policy": "streams/policy/*.yaml",
}


@pytest.fixture(scope="module")
def wheel() -> set[str]:
    """What is built from this folder, by the builder that installs it."""
    return {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}


@pytest.mark.parametrize("pattern", DATA.values(), ids=DATA)
def test_what_the_code_reads_is_installed_with_it(wheel: set[str], pattern: str) -> None:
    needed = {path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern) if path.is_file()}

    assert needed, f"{pattern} names nothing any more"
    assert needed - wheel == set()


def test_nothing_else_is_installed(wheel: set[str]) -> None:
    assert {name.partition("/")[0] for name in wheel} == set(MAY_IMPORT)
