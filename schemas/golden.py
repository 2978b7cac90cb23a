"""`python -m schemas.golden` freezes the golden record of every event that has an example and no record yet.

The example, `avro/golden/{type}.v{version}.json`, is written by hand; a frozen record is never rewritten.
"""

from __future__ import annotations

import sys
from pathlib import Path

from schemas.avro_schema import AVRO_DIR
from schemas.catalog import event_classes
from schemas.codec import Codec
from schemas.envelope import Event

GOLDEN_DIR = AVRO_DIR / "golden"
_DIGITS_A_LINE = 100


def example_of(event: type[Event]) -> Path:
    return GOLDEN_DIR / f"{event.type_name()}.v{event.version}.json"


def freeze(example: Path) -> None:
    digits = Codec().encode(Codec().decode(example.read_bytes())).hex()
    lines = [digits[start : start + _DIGITS_A_LINE] for start in range(0, len(digits), _DIGITS_A_LINE)]
    example.with_suffix(".hex").write_text("\n".join(lines) + "\n")


def main() -> int:
    missing = 0
    for example in map(example_of, event_classes().values()):
        if not example.exists():
            sys.stderr.write(f"{example}: write an example event first\n")
            missing = 1
        elif not example.with_suffix(".hex").exists():
            freeze(example)
    return missing


if __name__ == "__main__":
    sys.exit(main())
