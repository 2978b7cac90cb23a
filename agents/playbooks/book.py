"""All playbooks that are in force, read once at the start: a wrong one stops it, with its file and line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import yaml
from pydantic import ValidationError

from agents.playbooks.shape import Playbook
from connectors.yaml_lines import line_of
from schemas.errors import Misconfigured

SHIPPED = Path(__file__).parent / "shipped"
ENDINGS = (".yaml", ".yml")
MOST_BYTES = 256 * 1024


@dataclass(frozen=True)
class Book:
    playbooks: tuple[Playbook, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    """where each stands, by its name"""

    @cached_property
    def by_name(self) -> Mapping[str, Playbook]:
        return {playbook.name: playbook for playbook in self.playbooks}


def load_book(added: Sequence[Path] = (), shipped: Path = SHIPPED) -> Book:
    """The shipped playbooks, and those of the operators' folders or files. Raises Misconfigured."""
    playbooks: list[Playbook] = []
    files: dict[str, Path] = {}
    for path in _files((shipped, *added)):
        for playbook in _read(path):
            if playbook.name in files:
                raise Misconfigured(f"{path}: playbook {playbook.name} stands in {files[playbook.name]} too")
            files[playbook.name] = path
            playbooks.append(playbook)
    return Book(tuple(playbooks), files)


def _files(places: Sequence[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_file():
            yield place
        elif place.is_dir():
            yield from sorted(path for path in place.iterdir() if path.suffix in ENDINGS)
        else:
            raise Misconfigured(f"playbooks: {place} is neither a file nor a folder")


def _read(path: Path) -> Iterator[Playbook]:
    """One playbook a document; a file may hold several."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: cannot be read: {error}") from error
    if len(text) > MOST_BYTES:
        raise Misconfigured(f"{path}: over {MOST_BYTES} bytes")
    try:
        nodes = [node for node in yaml.compose_all(text, yaml.SafeLoader) if node is not None]
        plain = [document for document in yaml.safe_load_all(text) if document is not None]
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise Misconfigured(f"{path}{line}: no YAML: {getattr(error, 'problem', error)}") from error
    except (ValueError, RecursionError) as error:  # a date that is none; endless nesting
        raise Misconfigured(f"{path}: no YAML: {error}") from error
    for node, document in zip(nodes, plain, strict=True):
        yield _checked(path, node, document)


def _checked(path: Path, node: yaml.Node, document: object) -> Playbook:
    try:
        return Playbook.model_validate(document)
    except ValidationError as error:
        raise Misconfigured("\n".join(_complaints(path, node, error))) from error


def _complaints(path: Path, node: yaml.Node, error: ValidationError) -> Iterator[str]:
    for found in error.errors(include_url=False, include_context=False, include_input=False):
        where = ".".join(str(part) for part in found["loc"])
        message = found["msg"].removeprefix("Value error, ")
        yield f"{path}:{line_of(node, found['loc'])}: {where + ': ' if where else ''}{message}"
