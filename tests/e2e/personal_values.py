"""Personal values made up by a seeded generator, the texts they stand in, and the search for them."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from urllib.parse import quote
from uuid import UUID

from tests.e2e.stack import Row, alert

PER_KIND = 25
WORDS = ("anna", "bela", "chen", "dana", "emil", "fatima", "goran", "hana", "ivan", "june")
PLAIN = string.ascii_letters + string.digits
KEY_SHAPES = (
    ("AKIA", string.ascii_uppercase + string.digits, 16),
    ("ghp_", PLAIN, 36),
    ("sk_live_", PLAIN, 24),
    ("glpat-", PLAIN, 20),
    ("npm_", PLAIN, 36),
    ("hf_", string.ascii_letters, 34),
    ("AIza", PLAIN, 35),
    ("xoxb-", string.digits, 22),
)

# as an application or an engineer writes them down
TEXTS: Mapping[str, Sequence[str]] = {
    "ipv4": ("connection from {} refused", "dial tcp {}:5432: i/o timeout", "peer={} gave up", "({})"),
    "ipv6": ("connection from {} refused", "dial tcp [{}]:443: timeout", "peer={} gave up", "({})"),
    "email": ("login of {} failed", "mail to <{}> bounced", 'user="{}" is locked', "mailto:{}"),
    "uuid": ("customer {} waits", "GET /users/{}/orders failed", 'session="{}"', "request_id={}"),
    "api key": ("key {} was refused", "Authorization: Bearer {}", "api_key={}&page=1", '"token": "{}"'),
    "jwt": ("token {} expired", "Authorization: Bearer {}", "Cookie: session={}; path=/", "({})"),
    "password": (
        "password={} was refused",
        "cannot reach postgres://shop:{}@db:5432/orders",
        '{{"user": "shop", "password": "{}"}}',
        "mysql -u root -p{} orders",
    ),
    "private key": ("read {} from disk", "{}", "key: {}", "config holds {} in clear"),
}
PLACES = ("summary", "description", "label", "annotation", "generatorURL", "alertname")


@dataclass(frozen=True)
class Value:
    kind: str
    text: str

    def needles(self) -> list[bytes]:
        """What must not be found: the value as it is, as JSON, as part of a URL; of long ones any part."""
        parts = [self.text]
        if self.kind == "private key":
            parts += self.text.splitlines()[1:-1]
        elif self.kind == "jwt":
            parts += self.text.split(".")[1:]
        forms = {form for part in parts for form in (part, quote(part, safe=""), json.dumps(part)[1:-1])}
        return [form.lower().encode() for form in sorted(forms)]


def make(seed: int, per_kind: int = PER_KIND) -> list[Value]:
    """So many of each kind, all different."""
    dice = random.Random(seed)
    return [Value(kind, _one(kind, dice)) for kind in TEXTS for _ in range(per_kind)]


def _one(kind: str, dice: random.Random) -> str:
    match kind:
        case "ipv4":
            return str(IPv4Address(dice.randrange(11 << 24, 223 << 24)))
        case "ipv6":
            return str(IPv6Address((0x2A02 << 112) | dice.getrandbits(64)))
        case "email":
            family = _of(string.ascii_lowercase, 6, dice)
            return f"{dice.choice(WORDS)}.{family}@mail-{dice.randrange(999)}.example.com"
        case "uuid":
            return str(UUID(int=dice.getrandbits(128), version=4))
        case "api key":
            prefix, letters, length = dice.choice(KEY_SHAPES)
            return prefix + _of(letters, length, dice)
        case "jwt":
            parts = ({"alg": "HS256"}, {"sub": _of(PLAIN, 12, dice), "name": dice.choice(WORDS)})
            return ".".join(
                (*(_base64url(json.dumps(part).encode()) for part in parts), _of(PLAIN, 43, dice))
            )
        case "password":
            return _of(PLAIN, 9, dice) + dice.choice("!#%*+") + _of(PLAIN, 3, dice)
    lines = [base64.b64encode(dice.randbytes(48)).decode() for _ in range(4)]
    return "\n".join(("-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"))


def _of(letters: str, length: int, dice: random.Random) -> str:
    return "".join(dice.choices(letters, k=length))


def _base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def alerts(values: Sequence[Value]) -> list[Row]:
    """One alert a value; its text and its place in the alert change from one to the next."""
    return [_alert(number, value) for number, value in enumerate(values)]


def _alert(number: int, value: Value) -> Row:
    texts = TEXTS[value.kind]
    text = texts[number % len(texts)].format(value.text)
    made = alert(f"Leaks{number}", number, pod=f"checkout-{number}")
    match PLACES[number % len(PLACES)]:
        case "label":
            made["labels"]["error"] = text
        case "alertname":
            made["labels"]["alertname"] = f"Leaks{number}: {text}"
        case "generatorURL":
            made["generatorURL"] = f"http://prometheus/graph?g0.expr={quote(text, safe='')}&g0.tab=1"
        case "annotation":
            made["annotations"]["last_error"] = text
        case place:
            made["annotations"][place] = text
    return made


def found_in(values: Iterable[Value], texts: Mapping[str, bytes]) -> dict[str, list[str]]:
    """Which values stand where, by kind and value. Small and capital letters are the same."""
    lowered = {name: text.lower() for name, text in texts.items()}
    found: dict[str, list[str]] = {}
    for value in values:
        needles = value.needles()
        where = [name for name, text in lowered.items() if any(needle in text for needle in needles)]
        if where:
            found[f"{value.kind}: {value.text}"] = where
    return found
