"""`awoooi fake-cluster`: the demo's cluster over HTTP, until it is stopped."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import Annotated

import typer


def serve(
    kubeconfig: Annotated[Path, typer.Option(help="where to write how to log in")],
    executor_kubeconfig: Annotated[
        Path | None, typer.Option(help="where to write how to log in as one who may change things")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="on 127.0.0.1; 0 takes any free one")] = 0,
) -> None:
    """A stand-in for a cluster, with the demo's story."""
    from connectors.kubernetes.fake_story import serving_story

    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    with serving_story(kubeconfig, port=port) as fake:
        if executor_kubeconfig is not None:
            fake.kubeconfig(executor_kubeconfig)
        print(f"A fake cluster at {fake.url}; log in with {kubeconfig}", flush=True)
        while not stopped.wait(1):
            pass
