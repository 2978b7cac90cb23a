"""`awoooi fake-cluster`: the demo's cluster over HTTP, until it is stopped."""

from __future__ import annotations

import signal
import threading
from pathlib import Path


def run(port: int, kubeconfig: Path) -> None:
    from connectors.kubernetes.fake_story import serving_story

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with serving_story(kubeconfig, port=port) as fake:
        print(f"A fake cluster at {fake.url}; log in with {kubeconfig}", flush=True)
        while not stopped.wait(1):
            pass
