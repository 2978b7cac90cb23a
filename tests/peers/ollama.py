"""Ollama without any model, built from its Go module with a C++ compiler."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers.alertmanager import find_go
from tests.peers.cache import cached, run_build
from tests.peers.http import get
from tests.peers.process import Process
from tests.peers.tools import find_tool
from tests.peers.waiting import free_port

VERSION = "0.12.6"
_MODULE = "github.com/ollama/ollama"
_LLAMA = "llama/llama.cpp"
_STUBS = {
    f"{_LLAMA}/vendor/nlohmann/json_fwd.hpp": """#pragma once
#include <cstring>
#include <string>
namespace nlohmann {
struct ordered_json { static ordered_json parse(const std::string &) { return {}; } };
}
""",
    f"{_LLAMA}/vendor/nlohmann/json.hpp": "#include <nlohmann/json_fwd.hpp>\n",
    f"{_LLAMA}/common/json-schema-to-grammar.cpp": """#include "json-schema-to-grammar.h"
std::string json_schema_to_grammar(const nlohmann::ordered_json &, bool) { return ""; }
""",
    f"{_LLAMA}/tools/mtmd/mtmd-helper.cpp": """#include "mtmd-helper.h"
mtmd_bitmap * mtmd_helper_bitmap_init_from_buf(mtmd_context *, const unsigned char *, size_t) {
    return nullptr;
}
""",
}


@dataclass
class OllamaPeer:
    url: str
    process: Process

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[OllamaPeer]:
        folder.mkdir(parents=True)
        address = f"127.0.0.1:{free_port()}"
        env = {"OLLAMA_HOST": address, "OLLAMA_MODELS": str(folder / "models"), "HOME": str(folder)}
        peer = cls(f"http://{address}", Process([str(binary()), "serve"], folder / "ollama.log", env=env))
        try:
            peer.start()
            yield peer
        finally:
            peer.stop()

    def start(self) -> None:
        self.process.start()
        self.process.wait_until_ready(
            lambda: get(f"{self.url}/api/version") is not None, timeout=30, what="Ollama ready"
        )

    def stop(self) -> None:
        self.process.stop()

    @property
    def version(self) -> str:
        found: dict[str, Any] = json.loads(get(f"{self.url}/api/version") or "{}")
        return str(found.get("version", ""))


def binary() -> Path:
    return cached("ollama", VERSION, _build) / "ollama"


def _build(workshop: Path) -> None:
    """Its module lacks the headers that lie in folders called `vendor`. Only models need them: stubs do."""
    go = find_go()
    find_tool("g++", "a C++ compiler builds Ollama; Debian: g++")
    told = run_build([go, "mod", "download", "-json", f"{_MODULE}@v{VERSION}"], cwd=workshop)
    source = workshop / "source"
    shutil.copytree(json.loads(told)["Dir"], source)
    run_build(["chmod", "-R", "u+w", str(source)], cwd=workshop)
    for name, text in _STUBS.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_text(text)
    flags = ["-trimpath", "-buildvcs=false", f"-ldflags=-s -w -X={_MODULE}/version.Version={VERSION}"]
    run_build([go, "build", *flags, "-o", str(workshop / "ollama"), "."], source, {"CGO_ENABLED": "1"})
    shutil.rmtree(source)
