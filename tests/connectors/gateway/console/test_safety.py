"""What a browser would run or load: nothing but our own files, and no text from outside as markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from connectors.gateway.console_files import FOLDER
from tests.connectors.gateway.console.files import modules

AS_MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write|DOMParser|srcdoc"
    r"|createContextualFragment|\beval\(|new Function|setTimeout\(\s*[\"'`]|javascript:|import\(\s*[^\"'.]"
)
NAMESPACES = ("http://www.w3.org/",)
INLINE = re.compile(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=\"", re.I)
PAGES = [*modules(), *FOLDER.glob("*.html"), *FOLDER.glob("*.css"), *FOLDER.glob("*.svg")]
MOST_LINES = 330


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_a_file_runs_and_loads_nothing_else(path: Path) -> None:
    source = path.read_text()

    assert AS_MARKUP.findall(source) == []
    links = [
        found for found in re.findall(r"(?:https?:)?//[\w.-]+\.\w{2,}", source) if _is_link(source, found)
    ]
    assert links == []
    assert path.suffix == ".js" or INLINE.findall(source) == []
    assert len(source.splitlines()) <= MOST_LINES


@pytest.mark.parametrize(
    "bad",
    [
        "node.innerHTML = text",
        "html`<p dangerouslySetInnerHTML=${{ __html: text }} />`",
        "eval(text)",
        "import(address)",
        'setTimeout("go()")',
        "location = 'javascript:go()'",
    ],
)
def test_what_would_run_text_is_found(bad: str) -> None:
    assert AS_MARKUP.search(bad)


@pytest.mark.parametrize("name", ["preact.js", "hooks.js", "htm.js"])
def test_what_is_vendored_has_its_licence_and_loads_nothing(name: str) -> None:
    source = (FOLDER / "vendor" / name).read_text()

    assert (FOLDER / "vendor" / f"LICENSE.{'htm' if name == 'htm.js' else 'preact'}").exists()
    assert not re.search(r"from\"(?!\./)|import\(|sourceMappingURL|\beval\(|new Function", source)


def test_the_page_begins_with_files_of_its_own() -> None:
    page = (FOLDER / "index.html").read_text()

    named = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    modules_there = {str(path.relative_to(FOLDER)) for path in FOLDER.rglob("*.js")}

    assert all((FOLDER / name).is_file() for name in named)
    assert {name for name in named if name.endswith(".js")} == modules_there, (
        "asked for at once, not one by one"
    )


def _is_link(source: str, found: str) -> bool:
    return not any(f"{found}/".startswith(known) or known.startswith(found) for known in NAMESPACES) and not (
        re.search(rf"^\s*(?://|\*|/\*).*{re.escape(found)}", source, re.M)
    )
