"""The doctor's check of the OIDC issuer: reached, itself, with keys of use and a log-in for the console."""

from __future__ import annotations

from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded

PART = "log-in"
TODO = "correct AWOOOI_OIDC_ISSUER: it must be what the issuer calls itself, to the letter"


async def log_in(loaded: Loaded) -> list[Finding]:
    from awoooi.log_in import log_ins

    config = loaded.settings.oidc
    if config.issuer is None:
        return [Finding(PART, Verdict.OK, "no issuer is configured: people have tokens of their own")]
    async with log_ins(config) as people:
        assert people is not None
        offered = await people.offered()
        trouble = people.trouble
    if trouble:
        return [Finding(PART, Verdict.WRONG, trouble.partition(";")[0], TODO)]
    if offered is None:
        what = f"{config.issuer} names no addresses to log in at, or unsafe ones: only tokens of it work"
        return [Finding(PART, Verdict.WARNING, what, "look at its discovery document")]
    return [Finding(PART, Verdict.OK, f"{config.issuer} answers; the console is {config.client_id} there")]
