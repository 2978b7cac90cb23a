"""Canonical JSON against the vectors of RFC 8785, and against JavaScript itself."""

from __future__ import annotations

import json
import random
import struct
import subprocess
from typing import Any

import pytest

from schemas.errors import BadPayload
from streams.policy.canonical import MOST_NESTED, canonical
from tests.peers.tools import find_tool, skip_without_tools

# Appendix B of the RFC: the bits of a number, and how it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


def number(bits: str) -> float:
    found: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    return found


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_a_number_is_written_as_the_rfc_says(bits: str, text: str) -> None:
    assert canonical(number(bits)).decode() == text


TEXTS: dict[str, tuple[Any, str]] = {
    "section 3.2.2": (
        {
            "numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000f\u000aA'\u0042\u0022\u005c\\\"/",
            "literals": [None, True, False],
        },
        '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    ),
    "section 3.2.3": (
        {
            "\u20ac": "Euro Sign",
            "\r": "Carriage Return",
            "\ufb33": "Hebrew Letter Dalet With Dagesh",
            "1": "One",
            "\U0001f600": "Emoji: Grinning Face",
            "\u0080": "Control",
            "\u00f6": "Latin Small Letter O With Diaeresis",
        },
        '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis",'
        '"€":"Euro Sign","\U0001f600":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    ),
    "every escape": ("\x00\b\t\n\f\r\x1f\x7f\u2028", '"\\u0000\\b\\t\\n\\f\\r\\u001f\x7f\u2028"'),
    "nothing inside": ({"b": [], "a": {}}, '{"a":{},"b":[]}'),
    "a tuple is a list": ((1, -2), "[1,-2]"),
}


@pytest.mark.parametrize(("value", "text"), TEXTS.values(), ids=TEXTS)
def test_a_value_is_written_as_the_rfc_says(value: Any, text: str) -> None:
    assert canonical(value).decode() == text


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


REFUSED = {
    "NaN": (float("nan"), "no number"),
    "infinity": ({"a": [float("inf")]}, r"a\[0\]"),
    "a large integer": ({"a": {"b": 2**53}}, "a.b"),
    "half a character": ("\ud800", "half a character"),
    "half a character in a name": ({"\ud800": 1}, "half a character"),
    "a name that is no text": ({1: 2}, "name"),
    "bytes": (b"x", "bytes"),
    "a set": ({"a": {1}}, "a: set"),
    "endless nesting": (nested(MOST_NESTED + 1), "nested"),
}


@pytest.mark.parametrize(("value", "told"), REFUSED.values(), ids=REFUSED)
def test_what_json_cannot_say_alike_to_all_is_refused(value: Any, told: str) -> None:
    with pytest.raises(BadPayload, match=told):
        canonical(value)


def test_javascript_writes_the_same_numbers_and_strings() -> None:
    with skip_without_tools("node"):
        node = find_tool("node", "Debian's `nodejs`")
    draw = random.Random(8785)
    floats = [number(f"{draw.getrandbits(64):016x}") for _ in range(20_000)]
    floats = [value for value in floats if value - value == 0]
    floats += [draw.randrange(10**17) / 10 ** draw.randrange(25) for _ in range(20_000)]
    texts = ["".join(chr(draw.randrange(0xD800)) for _ in range(8)) for _ in range(500)]
    given = [*floats, *texts]

    program = "process.stdout.write(JSON.stringify(JSON.parse(require('fs').readFileSync(0))))"
    said = subprocess.run(
        [node, "-e", program], input=json.dumps(given).encode(), capture_output=True, timeout=60, check=True
    ).stdout

    assert canonical(given) == said
