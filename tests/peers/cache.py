"""Downloaded and built peers, kept by name and version outside the repository."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "awoooi-peers"


def cached(name: str, version: str, build: Callable[[Path], None]) -> Path:
    """The folder of this version; made by `build` in a folder beside it and moved into place when whole."""
    ready = cache_folder() / f"{name}-{version}"
    if ready.is_dir():
        return ready
    cache_folder().mkdir(parents=True, exist_ok=True)
    with _locked(cache_folder() / f"{name}-{version}.lock"):
        if not ready.is_dir():  # another test run may have built it meanwhile
            _build_beside(ready, build)
    return ready


def run_build(command: Sequence[str], cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """What one build step printed; shown only when it fails. Tried twice: registries have bad moments."""
    attempt = 1
    while True:
        done = subprocess.run(
            command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout
        if attempt == 2:
            output = (done.stdout + done.stderr)[-4000:]
            raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}\n{output}")
        attempt += 1


def _build_beside(ready: Path, build: Callable[[Path], None]) -> None:
    workshop = Path(tempfile.mkdtemp(prefix=f"{ready.name}.", suffix=".part", dir=ready.parent))
    try:
        build(workshop)
        workshop.chmod(0o755)
        workshop.rename(ready)
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
