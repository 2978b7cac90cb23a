"""The doctor's check of the audit: the key that heads are pinned with, and how old the last pin is."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta

from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from schemas.envelope import in_utc

PART = "audit"
MADE_BY = "`awoooi init` makes one; give it to every sink"


async def audit(loaded: Loaded) -> list[Finding]:
    from sinks.clickhouse import heads_file
    from sinks.clickhouse.signing import load_keys, load_signer

    given = loaded.settings.audit
    if not given.key_file.exists():
        return [Finding(PART, Verdict.WRONG, f"{given.key_file} is missing: no sink starts here", MADE_BY)]
    mode = stat.S_IMODE(given.key_file.stat().st_mode)
    if mode & 0o077:
        todo = f"chmod go-rwx {given.key_file}"
        return [Finding(PART, Verdict.WRONG, f"{given.key_file} is open to others ({mode:o})", todo)]
    signer = load_signer(given.key_file)
    if given.public_key_file.exists() and signer.key_id not in load_keys(given.public_key_file):
        what = f"{given.public_key_file} does not know the key {signer.key_id} of {given.key_file}"
        return [Finding(PART, Verdict.WRONG, what, "put back its pair, or append the new public key")]
    pins = heads_file.read(given.heads_file, signer.keys, latest_only=True).pins
    return [_pinned(max((pin.at for pin in pins), default=None))]


def _pinned(last: datetime | None) -> Finding:
    """How long ago; an idle log is pinned every ten minutes, and where no sink runs never."""
    if last is None:
        return Finding(PART, Verdict.OK, "no head is pinned yet")
    age = datetime.now(UTC) - last
    told = f"heads were last pinned {in_utc(last)}"
    if age < -timedelta(minutes=1):
        return Finding(PART, Verdict.WARNING, f"{told}, which is to come", "correct the sink's clock")
    return Finding(PART, Verdict.OK, told)
