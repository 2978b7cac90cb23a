"""Every error of ours, drawn once.

AwoooiError
├── Misconfigured        a setting, a file or a permission is wrong: the start stops and says which
├── NotNow               the same thing may work later: wait, keep the offset
│   ├── BrokerAway
│   └── RegistryAway
└── Never                no retry will help: dead letter, or a clear answer to the caller
    ├── Unreadable       bytes that are no event and no payload
    │   └── UnknownSchema   Avro whose writer's schema we do not have (a registry may teach it)
    ├── BadPayload       well-formed, but not what its source promises; names the field
    │   └── NoAlert         what a sender says besides its alerts: a test, a note, a subscription
    ├── TooLarge         a record over what its topic takes
    ├── UnknownTopic     a topic that nobody made, or no name for one
    ├── NotAllowed       the broker's ACLs do not let us write there
    └── CannotOpen       sealed values that this process has no key for, or that were changed
"""

from __future__ import annotations

from typing import Self


class AwoooiError(Exception):
    """The root: everything we raise on purpose."""


class Misconfigured(AwoooiError):
    """A setting, a file or a permission is wrong; the message names it and what is allowed."""


class NotNow(AwoooiError):
    """The same thing may work later."""


class BrokerAway(NotNow):
    """Kafka does not answer, or refuses for now."""


class RegistryAway(NotNow):
    """The schema registry does not answer."""


class Never(AwoooiError):
    """No retry will help. `reason` is a short constant for metrics; the message is for people."""

    reason = "refused"


class Unreadable(Never):
    """Bytes that cannot be decoded."""

    reason = "unreadable"


class UnknownSchema(Unreadable):
    """Avro written with a schema that we do not have."""

    reason = "unknown_schema"

    def __init__(self, framing: str, schema: int | str, why: str = "") -> None:
        super().__init__(f"unknown {framing} schema {schema}" + (f": {why}" if why else ""))
        self.framing = framing
        self.schema = schema


class BadPayload(Never):
    """A payload that its source cannot read; `field` says where."""

    reason = "bad_payload"

    def __init__(self, message: str, *, field: str = "", link: str = "") -> None:
        super().__init__(" ".join(filter(None, (field and f"{field}:", message, link))))
        self.what, self.field, self.link = message, field, link

    def within(self, at: str) -> Self:
        """The same, of a payload that lay at `at` of another."""
        return type(self)(self.what, field=".".join(filter(None, (at, self.field))), link=self.link)


class NoAlert(BadPayload):
    """A message that is right as it is, but no alert. `link` is an address that a person is to open."""

    reason = "no_alert"


class TooLarge(Never):
    """A record that its topic, or our producer, does not take."""

    reason = "too_large"


class UnknownTopic(Never):
    """A topic that does not exist, or whose name Kafka does not take."""

    reason = "unknown_topic"


class NotAllowed(Never):
    """The broker's ACLs do not let us write to a topic."""

    reason = "not_allowed"


class CannotOpen(Never):
    """Sealed values that this process cannot read; the message says why."""

    reason = "cannot_open"
