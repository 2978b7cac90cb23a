"""Values made up by a seeded generator, in surroundings of many kinds: how many are covered whole."""

from __future__ import annotations

import ipaddress
import random
import string
from collections.abc import Callable, Iterable

import pytest

from agents.personal import find

EACH = 100
PASSWORDS = (
    "redis://:{}@cache:6379/0",
    "amqp://guest:{}@mq:5672/",
    '{{"password": "{}"}}',
    "login with pwd={} failed",
    "postgres://app:{}@db:5432/prod",
    "mysql -u root -p{} prod",
    'DB_PASSWORD: "{}"',
    "password='{}'",
    "app --password {} -x",
    "curl -u admin:{} https://h",
    "PGPASSWORD={} psql",
    "user=x;password={};db=y",
    "<password>{}</password>",
    "sshpass -p {} ssh h",
    "https://u:{}@h.example.com/p?q=1",
    "password is {}.",
    "jdbc:postgresql://h/db?user=a&password={}",
    "api_key: {}",
    "token={}",
    'client_secret="{}"',
    "X-Api-Key: {}",
)
V4 = (
    "src={} dst=x",
    "[{}] GET",
    "http://{}:80/",
    "node({})",
    "{}-eth0",
    "ip={};u",
    "{}.",
    "client:{}",
    "_{}_",
    "{}/24",
)
V6 = (
    "from [{}]:443",
    "src={} x",
    "{}.",
    "{}: refused",
    "addr={},",
    "http://[{}]/x",
    "to {}/64",
    "ip:{}",
    "{}%eth0",
)


def password(dice: random.Random, signs: str) -> str:
    return "".join(dice.choices(string.ascii_letters + string.digits + signs, k=14))


def v4(dice: random.Random) -> str:
    return ".".join(str(dice.randrange(1, 255)) for _ in range(4))


def v6(dice: random.Random) -> str:
    number = dice.getrandbits(128)
    if dice.random() < 0.5:
        number &= ~(((1 << dice.choice([32, 48, 64])) - 1) << dice.choice([16, 32, 48]))
    address = ipaddress.IPv6Address(number)
    return dice.choice([str(address), str(address).upper(), address.exploded])


def missed(surroundings: Iterable[str], value: Callable[[random.Random], str]) -> float:
    dice, misses, tries = random.Random(20261121), 0, 0
    for form in surroundings:
        for _ in range(EACH):
            made = value(dice)
            text = form.format(made)
            at = text.index(made)
            tries += 1
            misses += not any(start <= at and at + len(made) <= end for start, end, _ in find(text))
    return misses / tries


@pytest.mark.parametrize(
    ("signs", "most"),
    [("", 0.005), ("!#%*^_-", 0.01), ("!#%*^_-@$+=?.~:/", 0.05)],
    ids=["plain", "signs", "any sign"],
)
def test_hardly_a_password_is_missed(signs: str, most: float) -> None:
    assert missed(PASSWORDS, lambda dice: password(dice, signs)) <= most


@pytest.mark.parametrize(("surroundings", "value"), [(V4, v4), (V6, v6)], ids=["IPv4", "IPv6"])
def test_no_address_is_missed(surroundings: tuple[str, ...], value: Callable[[random.Random], str]) -> None:
    assert missed(surroundings, value) == 0
