"""What a person signs with, by the signers file and the topic together, where the gateway has both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from connectors.gateway.own_keys import OwnKey, OwnKeys
from schemas.errors import Misconfigured, NotNow
from streams.policy.recorded_signers import Recorded, together
from streams.policy.signers import Registry, Standing, standing_of
from streams.policy.signers_file import KeyEntry, Signer, SignersFile, read_signers

STATES = {
    Standing.IN_FORCE: "in_force",
    Standing.UNCONFIRMED: "unconfirmed",
    Standing.REVOKED: "revoked",
    Standing.DISPUTED: "disputed",
}


class OwnKeyDesk:
    """The gateway's OwnKeysDesk. Whether a signature counts is not asked here: policy judges that."""

    def __init__(self, file: Path, said: Callable[[], Recorded], environment: str) -> None:
        self._file, self._said, self._environment = file, said, environment

    def own(self, person: str) -> OwnKeys:
        both = together(self._read(), self._said())
        signer = next((one for one in both.signers if one.person == person and one.removed is None), None)
        if signer is None:
            return OwnKeys(person=person, roles=(), projects=(), environment=self._environment, keys=())
        registry = Registry.of(both)
        return OwnKeys(
            person=person,
            roles=tuple(str(role) for role in signer.roles),
            projects=tuple(signer.projects),
            environment=self._environment,
            keys=tuple(_told(registry, signer, key) for key in signer.keys),
        )

    def _read(self) -> SignersFile:
        try:
            return read_signers(self._file) if self._file.exists() else SignersFile()
        except (Misconfigured, OSError) as error:
            raise NotNow(f"who may sign is not known: {error}") from error


def _told(registry: Registry, signer: Signer, key: KeyEntry) -> OwnKey:
    public = key.public_key()
    return OwnKey(
        kid=key.kid,
        thumbprint=public.thumbprint,
        algorithm=public.algorithm,
        state=STATES[standing_of(registry, signer.person, key)],
        enrolled=key.enrolled,
    )
