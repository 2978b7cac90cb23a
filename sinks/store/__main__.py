"""Trial start of the store alone: `python -m sinks.store --path DIR --port N`.

Passwords: AWOOOI_STORE_WRITER_PASSWORD, AWOOOI_STORE_READER_PASSWORD.
The product's command is `awoooi store`.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from pydantic import SecretStr

from schemas.errors import Misconfigured
from sinks.store.config import StoreConfig
from sinks.store.server import serve


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m sinks.store")
    options.add_argument("--path", type=Path, required=True)
    options.add_argument("--port", type=int, default=8123)
    options.add_argument("--database", default="awoooi")
    options.add_argument("--max-body-mib", type=int, default=256)
    given = options.parse_args()
    config = StoreConfig(
        path=given.path,
        port=given.port,
        database=given.database,
        max_body_bytes=given.max_body_mib << 20,
        writer_password=SecretStr(os.environ.get("AWOOOI_STORE_WRITER_PASSWORD", "")),
        reader_password=SecretStr(os.environ.get("AWOOOI_STORE_READER_PASSWORD", "")),
    )
    try:
        asyncio.run(serve(config, lambda: print("ready", flush=True)))  # noqa: T201
    except Misconfigured as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
