"""Names of labels and annotations that say that their value is a secret.

The value alone tells nothing: `hunter2` is a password because it stands under `db_password`. What is
about a secret (`password_policy`, `secret_name`, `token_bucket`) ends in another word and is none.
"""

from __future__ import annotations

import re
from functools import lru_cache

PASSWORD, API_KEY = "PASSWORD", "API_KEY"  # kinds of agents.personal

_HELD_BY = "admin|db|root|smtp|user"
_PASS = rf"pass(?:word|wd|phrase)|passwort|kennwort|pwd|(?<![a-z])(?:{_HELD_BY})[_.-]?pass|credentials?"
_OPENS = (
    "access|account|api|auth|bearer|bot|client|encryption|master|private|refresh|secret|session|signing|ssh"
)
_KEY = rf"(?:{_OPENS})[_.-]?key(?:[_.-]?base)?|authorization|token"
# pull secrets and TLS secrets are objects in Kubernetes, known by their name
_HELD = r"(?<!pull)(?<!pull[_.-])(?<!tls)(?<!tls[_.-])(?<!kubernetes[_.-])secret"
_NAME = re.compile(
    rf"(?:(?P<password>{_PASS})|{_KEY}|{_HELD})(?:[_.-]?(?:value|text|plain|b64|base64))?$", re.IGNORECASE
)

_PLACEHOLDER = re.compile(
    r"[*x.•-]*|\$\{[^{}]*\}|\$\([^()]*\)|%\(\w+\)s|\{\{[^{}]*\}\}|<[a-z _-]+>|\[[a-z _-]+\]|\([a-z _-]+\)"
    r"|true|false|yes|no|null|none|nil|n/a|ok|valid|invalid|required|missing|unset|set|empty|changed|reset|rotated"
    r"|expired|expiring|revoked|wrong|incorrect|failed|denied|unknown|redacted|hidden|masked",
    re.IGNORECASE,
)


@lru_cache(maxsize=4096)
def kind_of_secret(name: str) -> str | None:
    """PASSWORD or API_KEY; None where the name makes no secret of its value."""
    found = _NAME.search(name)
    if found is None:
        return None
    return PASSWORD if found["password"] else API_KEY


def is_placeholder(value: str) -> bool:
    """What is written where a secret was taken out, or says how it is with it."""
    return _PLACEHOLDER.fullmatch(value.strip()) is not None
