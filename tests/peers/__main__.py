"""`python -m tests.peers`: fetch and build the peers before the tests, and say what is missing."""

from __future__ import annotations

import sys
import time

from tests.peers import alertmanager, chromium, kafka, kubernetes_build, ollama, prometheus, tansu
from tests.peers.tools import MissingToolError

PEERS = {
    "kafka": lambda: (kafka.java(), kafka.jars())[1],
    "alertmanager": alertmanager.binary,
    "chromium": chromium.binary,
    "kubernetes": kubernetes_build.binaries,
    "ollama": ollama.binary,
    "prometheus": prometheus.binary,
    "tansu": tansu.binary,
}


def main() -> int:
    missing = 0
    for name, fetch in PEERS.items():
        began = time.monotonic()
        try:
            found = f"{fetch()} ({time.monotonic() - began:.0f} s)"
        except MissingToolError as error:
            missing += 1
            found = f"not here: {error}"
        sys.stdout.write(f"{name:14} {found}\n")
        sys.stdout.flush()
    return missing


if __name__ == "__main__":
    sys.exit(main())
