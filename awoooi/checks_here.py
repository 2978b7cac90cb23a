"""The doctor's checks of this machine: files, keys, tokens, disk."""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

from awoooi import defaults
from awoooi.findings import Finding, Verdict
from awoooi.loading import Loaded
from awoooi.running import chosen_sources
from schemas.errors import Misconfigured

GIB = 1024**3
LOW_DISK_BYTES = GIB


async def files(loaded: Loaded) -> list[Finding]:
    """Owner-readable only, and there."""
    from agents.key_rotation import older_keys

    settings, state = loaded.settings, loaded.settings.state_dir
    if not state.is_dir():
        return [Finding("state folder", Verdict.WRONG, f"{state} does not exist", "`awoooi init` makes it")]
    sealing = settings.sealing
    secret = [state / defaults.ADMIN_KEY, state / defaults.TOKEN, state / defaults.ADMIN_TOKEN]
    secret += [sealing.target_key_file, settings.approvals.proof_key_file, sealing.private_key_file]
    secret += older_keys(sealing.private_key_file)
    if settings.gateway.stamp_secret_file is not None:
        secret.append(settings.gateway.stamp_secret_file)
    findings = [
        _closed(state, "state folder"),
        *(_closed(path, path.name) for path in secret if path.exists()),
    ]
    needed = [settings.sealing.public_key_file, settings.approvals.proof_key_file]
    if settings.gateway.stamp_secret_file is not None:
        needed.append(settings.gateway.stamp_secret_file)
    findings += [
        Finding(path.name, Verdict.WRONG, f"{path} is missing", "`awoooi init` makes it")
        for path in needed
        if not path.exists()
    ]
    return findings


def _closed(path: Path, part: str) -> Finding:
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return Finding(part, Verdict.WRONG, f"{path} is open to others ({mode:o})", f"chmod go-rwx {path}")
    return Finding(part, Verdict.OK, f"{path}, for its owner alone")


async def keys(loaded: Loaded) -> list[Finding]:
    """The stamp secret can be read and is long enough; the sealing keys are a pair."""
    from agents.sealing import key_id, load_private_key, load_public_key

    settings = loaded.settings
    findings = []
    try:
        settings.gateway.stamp_key()
        findings.append(Finding("stamp secret", Verdict.OK, "can be read and is long enough"))
        public = load_public_key(settings.sealing.public_key_file)
        private = settings.sealing.private_key_file
        if private.exists() and key_id(load_private_key(private).public_key()) != key_id(public):
            what = f"{private} cannot open what is sealed with {settings.sealing.public_key_file}"
            return [
                *findings,
                Finding("sealing keys", Verdict.WRONG, what, "put back its pair"),
            ]
        findings.append(Finding("sealing keys", Verdict.OK, f"key {key_id(public)}"))
    except Misconfigured as error:
        findings.append(Finding("keys", Verdict.WRONG, str(error), "`awoooi init` makes what is missing"))
    return findings


async def sources(loaded: Loaded) -> list[Finding]:
    """Installed packages bring what they promise, and the mappings are right."""
    known = chosen_sources(loaded.settings)
    file = loaded.settings.mappings_file
    return [
        Finding("sources", Verdict.OK, f"{len(known)} in use" + (f", with those of {file}" if file else ""))
    ]


async def tokens(loaded: Loaded) -> list[Finding]:
    from connectors.tokens import read_tokens

    path = loaded.settings.gateway.tokens_file
    if not path.exists():
        return [
            Finding("tokens", Verdict.WRONG, f"{path} is missing", "`awoooi init` or `awoooi tokens new`")
        ]
    valid = [token for token in read_tokens(path) if token.revoked is None]
    if not valid:
        return [
            Finding("tokens", Verdict.WRONG, "no token is in force", "`awoooi tokens new NAME` makes one")
        ]
    return [_closed(path, "tokens"), Finding("tokens", Verdict.OK, f"{len(valid)} in force")]


async def signers(loaded: Loaded) -> list[Finding]:
    """The signers file is one, and somebody of it may sign."""
    from streams.policy.signers import Standing, admins, standing
    from streams.policy.signers_file import read_signers

    path = loaded.settings.approvals.signers_file
    try:
        file = read_signers(path)
    except Misconfigured as error:
        todo = "mend it there; `awoooi init` makes a first one where none is"
        return [Finding("signers", Verdict.WRONG, str(error), todo)]
    able = [
        signer.person
        for signer in file.signers
        if not signer.removed
        and (signer.accounts or any(standing(key, admins(file)) is Standing.IN_FORCE for key in signer.keys))
    ]
    if not able:
        todo = "`awoooi signers list` shows whether the topic adds somebody; else nothing can be approved"
        return [Finding("signers", Verdict.WARNING, f"nobody of {path} can sign", todo)]
    return [Finding("signers", Verdict.OK, f"{len(able)} can sign")]


async def disk(loaded: Loaded) -> list[Finding]:
    place = loaded.settings.store.path if loaded.starts_store else loaded.settings.state_dir
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < LOW_DISK_BYTES:
        what = f"{free / GIB:.1f} GiB free at {place}"
        return [Finding("disk", Verdict.WARNING, what, "make room: a full disk stops the record")]
    return [Finding("disk", Verdict.OK, f"{free / GIB:.0f} GiB free at {place}")]
