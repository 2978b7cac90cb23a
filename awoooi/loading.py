"""Environment, one optional YAML file and state folder into Settings; each value knows its origin."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Any, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from awoooi.defaults import state_defaults
from awoooi.explain import allowed, is_kind, plain_type, problem_of
from awoooi.settings import Settings
from schemas.errors import Misconfigured

PREFIX = "AWOOOI_"
CONFIG_VARIABLE = "AWOOOI_CONFIG"
DEFAULT_FILE = Path("awoooi.yaml")
# These belong to tests and to the way a process is started; they are no settings.
OTHER_VARIABLES = {
    "AWOOOI_CRASH_AT",
    "AWOOOI_GUARD_OFF",
    "AWOOOI_REQUIRE_PEERS",
    "AWOOOI_DATA",
    "AWOOOI_FULL",
}
TEST_PREFIX = "AWOOOI_TEST_"

Name = tuple[str, ...]
"""Where a setting stands: ("gateway", "port")."""
Tree = dict[str, Any]


class Origin(StrEnum):
    """Where a value comes from, the strongest first."""

    ENVIRONMENT = "environment"
    FILE = "file"
    DERIVED = "derived"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Known:
    """One setting that there is."""

    name: Name
    field: FieldInfo

    @property
    def variable(self) -> str:
        return PREFIX + "_".join(self.name).upper()

    @property
    def dotted(self) -> str:
        return ".".join(self.name)


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings in force, and what was given by whom."""

    settings: Settings
    origins: Mapping[Name, Origin]
    file: Path | None

    def origin(self, *name: str) -> Origin:
        return self.origins.get(name, Origin.DEFAULT)

    def is_given(self, *name: str) -> bool:
        """By a person, that is."""
        return self.origin(*name) in (Origin.ENVIRONMENT, Origin.FILE)

    @property
    def starts_broker(self) -> bool:
        return not self.is_given("kafka", "bootstrap_servers")

    @property
    def starts_store(self) -> bool:
        return not self.is_given("clickhouse", "url")


def load(environment: Mapping[str, str] | None = None) -> Loaded:
    """Misconfigured names every wrong value at once, and what is allowed there."""
    environment = os.environ if environment is None else environment
    file = _file(environment)
    in_file, in_environment, faults = _given(environment, file)
    given = _merged(in_file, in_environment)
    origins = {
        **dict.fromkeys(_leaves(in_file), Origin.FILE),
        **dict.fromkeys(_leaves(in_environment), Origin.ENVIRONMENT),
    }
    derived = state_defaults(given)
    try:
        settings = Settings.model_validate(_merged(derived, given))
    except ValidationError as error:
        raise Misconfigured("\n".join([*faults, *_told(error, origins, file)])) from None  # it holds values
    if faults:
        raise Misconfigured("\n".join(faults))
    return Loaded(settings, {**dict.fromkeys(_leaves(derived), Origin.DERIVED), **origins}, file)


def _given(environment: Mapping[str, str], file: Path | None) -> tuple[Tree, Tree, list[str]]:
    """What file and environment say, and what of it cannot be used: it is left out, the rest validated."""
    try:
        in_file = {} if file is None else _read_yaml(file)
        faults = []
    except Misconfigured as error:
        in_file, faults = {}, [str(error)]
    in_file, wrong_keys = _only_known(in_file, file)
    in_environment, wrong_values = _from_environment(environment)
    return in_file, in_environment, [*faults, *_unknown_variables(environment), *wrong_keys, *wrong_values]


def known_settings(model: type[BaseModel] = Settings, above: Name = ()) -> Iterator[Known]:
    """Every setting, section by section."""
    for name, field in model.model_fields.items():
        if is_kind(field.annotation, BaseModel):
            yield from known_settings(plain_type(field.annotation), (*above, name))
        else:
            yield Known((*above, name), field)


# -- the environment


def _unknown_variables(environment: Mapping[str, str]) -> list[str]:
    known = {setting.variable for setting in known_settings()} | {CONFIG_VARIABLE}
    return [
        f"{variable}: there is no such setting{_did_you_mean(variable, known)}"
        for variable in sorted(environment.keys() - known - OTHER_VARIABLES)
        if variable.startswith(PREFIX) and not variable.startswith(TEST_PREFIX)
    ]


def _from_environment(environment: Mapping[str, str]) -> tuple[Tree, list[str]]:
    tree: Tree = {}
    faults = []
    for setting in known_settings():
        text = environment.get(setting.variable)
        if text is None:
            continue
        if not text.strip():
            faults.append(f"{setting.variable}: is empty; give a value or unset it")
            continue
        try:
            _put(tree, setting.name, _read_text(setting.field, text))
        except ValueError as error:
            faults.append(f"{setting.variable}: {error}; allowed: {allowed(setting.field)}")
    return tree, faults


def _read_text(field: FieldInfo, text: str) -> Any:
    """Lists with commas, mappings as name=value with commas, or either as JSON."""
    kind = get_origin(plain_type(field.annotation))
    if kind not in (tuple, dict):
        return text
    if text.lstrip().startswith(("[", "{")):
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"is no JSON: {error.msg} at character {error.pos}") from error
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if kind is tuple:
        return parts
    if wrong := sum("=" not in part for part in parts):
        which = "" if len(parts) == 1 else f"{wrong} of its {len(parts)} parts "
        raise ValueError(f"{which}{'has' if wrong == 1 else 'have'} no `=`")
    return {name.strip(): value.strip() for name, value in (part.split("=", 1) for part in parts)}


def _put(tree: Tree, name: Name, value: Any) -> None:
    for part in name[:-1]:
        tree = tree.setdefault(part, {})
    tree[name[-1]] = value


# -- the file


def _file(environment: Mapping[str, str]) -> Path | None:
    named = environment.get(CONFIG_VARIABLE)
    if named is not None:
        return Path(named)
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def _read_yaml(path: Path) -> Tree:
    import yaml  # only who has a file pays for it

    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise Misconfigured(f"{CONFIG_VARIABLE}: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Misconfigured(f"{path}: is not UTF-8 text") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" in line {mark.line + 1}"
        raise Misconfigured(f"{path}: is no YAML{where}: {getattr(error, 'problem', '')}") from None
    if content is None:
        return {}
    if not isinstance(content, dict):
        raise Misconfigured(f"{path}: must hold names and values, not {type(content).__name__}")
    return content


def _only_known(tree: Tree, file: Path | None) -> tuple[Tree, list[str]]:
    """The settings that there are, and a line for each name that is none."""
    known = {setting.dotted: setting for setting in known_settings()}
    sections = {setting.name[0] for setting in known.values() if len(setting.name) > 1}
    kept: Tree = {}
    faults: list[str] = []
    for name, value in tree.items():
        if name not in sections:
            inner, wrong = value, [] if name in known else [str(name)]
        elif isinstance(value, dict):
            inner = {key: one for key, one in value.items() if f"{name}.{key}" in known}
            wrong = [f"{name}.{key}" for key in value.keys() - inner.keys()]
        else:
            faults.append(f"{file}: {name}: is a section; write its settings below it")
            continue
        faults += [f"{file}: {key}: there is no such setting{_did_you_mean(key, known)}" for key in wrong]
        if name in known or name in sections:
            kept[name] = inner
    return kept, faults


# -- both


def _did_you_mean(wrong: str, known: set[str] | Mapping[str, Known]) -> str:
    close = get_close_matches(wrong, sorted(known), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else "; `awoooi config` lists all that there are"


def _merged(under: Tree, over: Tree) -> Tree:
    """Sections are merged, single settings replaced."""
    sections = {setting.name[0] for setting in known_settings() if len(setting.name) > 1}
    both = {**under, **over}
    for name in sections & under.keys() & over.keys():
        both[name] = {**under[name], **over[name]}
    return both


def _leaves(tree: Tree) -> Iterator[Name]:
    sections = {setting.name[0] for setting in known_settings() if len(setting.name) > 1}
    for name, value in tree.items():
        if name in sections:
            yield from ((name, inner) for inner in value)
        else:
            yield (name,)


def _told(error: ValidationError, origins: Mapping[Name, Origin], file: Path | None) -> Iterator[str]:
    """One line for each wrong value: its name where it was given, what is wrong, what is allowed."""
    known = {setting.name: setting for setting in known_settings()}
    for fault in error.errors(include_url=False):
        where = tuple(str(part) for part in fault["loc"])
        setting = known.get(where[:2]) or known.get(where[:1])
        if setting is None:  # several settings that do not fit together
            yield f"{PREFIX}{'_'.join(where).upper()}_*: {problem_of(fault)}"
            continue
        from_file = origins.get(setting.name) is Origin.FILE
        name = f"{file}: {setting.dotted}" if from_file else setting.variable
        inner = where[len(setting.name) :]
        if len(inner) > 1:  # of something that has fields of its own
            yield f"{name}: {'.'.join(inner)}: {problem_of(fault)}"
        else:
            yield f"{name}: {problem_of(fault)}; allowed: {allowed(setting.field)}"
