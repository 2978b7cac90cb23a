"""The console's modules as text, and a Node to run the pure ones of them."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from connectors.gateway.console_files import FOLDER
from tests.peers.tools import find_tool, skip_without_tools

LANGUAGES = ("en", "zh-Hant")
BROWSER = """
globalThis.localStorage = globalThis.sessionStorage = { getItem: () => null, setItem() {}, removeItem() {} };
globalThis.location = { hash: "" };
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en"] } });
globalThis.addEventListener = () => {};
globalThis.matchMedia = () => ({ matches: false });
globalThis.document = { documentElement: { dataset: {} } };
"""
"""as much of one as the modules ask for when they are loaded"""
TEMPLATE = re.compile(r"html`|<!--|`|\$\{|\}|\{", re.S)


def modules(folder: Path = FOLDER) -> list[Path]:
    """Ours: neither what is vendored nor the catalogues."""
    others = {"vendor", "locales"}
    return [path for path in sorted(folder.rglob("*.js")) if not others & set(path.relative_to(folder).parts)]


def code(path: Path) -> str:
    """Without its comments."""
    return re.sub(r"^\s*//.*$|(?<=[;,{)]) // .*$", "", path.read_text(), flags=re.M)


def node(script: str, folder: Path = FOLDER) -> Any:
    """What a module script gives as `result`, with the console's modules beside it."""
    with skip_without_tools("node"):
        program = find_tool("node", "Debian: nodejs")
    source = f"{script}\nconsole.log(JSON.stringify(result));"
    command = [program, "--input-type=module", "-"]
    done = subprocess.run(
        command, input=source, cwd=folder, capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def run(module: str, names: str, code: str) -> Any:
    address = (FOLDER / module).as_uri()
    return node(f"{BROWSER}\nconst {{ {names} }} = await import({json.dumps(address)});\n{code}")


def catalogues(folder: Path = FOLDER) -> dict[str, dict[str, str]]:
    """All words of each language, whichever file they stand in."""
    files = {name: sorted((folder / "locales" / name).glob("*.js")) for name in LANGUAGES}
    loads = [
        f"(await import({json.dumps(path.as_uri())})).default" for name in LANGUAGES for path in files[name]
    ]
    parts = iter(node(f"const result = [{', '.join(loads)}];"))
    return {name: {key: word for _ in files[name] for key, word in next(parts).items()} for name in LANGUAGES}


def markup(source: str) -> str:
    """What stands in html`…` templates, without what is filled in."""
    return "\n".join(text for is_markup, text in _parts(source) if is_markup)


def _parts(source: str) -> Iterator[tuple[bool, str]]:
    """Runs of text, and whether they are markup; templates nest in what is filled into templates."""
    inside: list[str] = []  # what is open: html, text (another template), code (a hole), brace
    at = 0
    for found in TEMPLATE.finditer(source):
        yield bool(inside) and inside[-1] == "html", source[at : found.start()]
        at, mark = found.end(), found.group()
        in_text = bool(inside) and inside[-1] in ("html", "text")
        if mark == "html`" and not in_text:
            inside.append("html")
        elif mark in ("`", "html`"):
            if in_text:
                inside.pop()
            else:
                inside.append("text")
        elif mark == "${" and in_text:
            inside.append("code")
        elif mark in ("{", "${") and not in_text:
            inside.append("brace")
        elif mark == "}" and not in_text and inside:
            inside.pop()
    yield False, source[at:]
