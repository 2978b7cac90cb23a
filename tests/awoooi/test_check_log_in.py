"""What the doctor says of the OIDC issuer."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from awoooi.check_log_in import log_in
from awoooi.findings import Finding, Verdict
from awoooi.loading import load
from tests.awoooi.oidc_issuer import CLIENT, OidcIssuer
from tests.streams.policy.signing import jwk


@pytest.fixture
def issuer() -> Iterator[OidcIssuer]:
    with OidcIssuer.running() as running:
        yield running


async def found(tmp_path: Path, issuer: str) -> Finding:
    given = {"AWOOOI_OIDC_ISSUER": issuer, "AWOOOI_OIDC_CLIENT_ID": CLIENT} if issuer else {}
    [finding] = await log_in(load({"AWOOOI_STATE_DIR": str(tmp_path), **given}))
    return finding


async def test_one_that_answers_is_well(tmp_path: Path, issuer: OidcIssuer) -> None:
    assert (await found(tmp_path, issuer.url)).verdict is Verdict.OK
    assert (await found(tmp_path, "")).verdict is Verdict.OK, "none is no fault"


WRONG: dict[str, tuple[dict[str, Any], Verdict, str]] = {
    "it is away": ({"away": True}, Verdict.WRONG, "it answers 503"),
    "it calls itself otherwise": (
        {"about": {"issuer": "https://x.example"}},
        Verdict.WRONG,
        "calls itself by another name",
    ),
    "it has no key of use": ({"published": [jwk("bob-secret")]}, Verdict.WRONG, "no key that we could use"),
    "it names no log-in": ({"about": {"token_endpoint": None}}, Verdict.WARNING, "only tokens of it work"),
}


@pytest.mark.parametrize(("given", "verdict", "says"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_with_it_is_said(
    tmp_path: Path, issuer: OidcIssuer, given: dict[str, Any], verdict: Verdict, says: str
) -> None:
    for name, value in given.items():
        setattr(issuer, name, value)

    finding = await found(tmp_path, issuer.url)
    assert (finding.verdict, says in finding.what) == (verdict, True), finding
    assert finding.todo
