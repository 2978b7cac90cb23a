"""`awoooi tokens new|list|revoke`: those of webhooks, and people's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from awoooi.printing import print_json, print_table
from awoooi.settings import Settings
from connectors.tokens import (
    AnyToken,
    Limits,
    Role,
    Token,
    new_personal_token,
    new_token,
    read_personal_tokens,
    read_tokens,
    revoke_person,
    revoke_token,
)
from schemas.errors import Misconfigured

COLUMNS = ("id", "name", "for", "projects", "per minute", "made", "state")


def new(
    settings: Settings,
    name: str,
    projects: Sequence[str],
    sources: str,
    requests_per_minute: int | None,
    days: int,
) -> None:
    """A webhook's: of one project."""
    if len(projects) > 1:
        raise Misconfigured("a webhook's token belongs to one project: give one --project")
    chosen: tuple[str, ...] | Literal["*"] = "*"
    if sources != "*":
        chosen = tuple(source.strip() for source in sources.split(",") if source.strip())
    limits = _limits(requests_per_minute)
    path, project = settings.gateway.tokens_file, "".join(projects) or "default"
    entry, shown = new_token(path, name, project=project, sources=chosen, limits=limits, days=days)
    about = f"project {entry.project}, sources {_sources(entry)}{_until(entry)}"
    print(f"Token {entry.id} for {about}. It is shown this once:")
    print(shown)


def new_personal(
    settings: Settings,
    name: str,
    person: str,
    roles: Sequence[str],
    projects: Sequence[str],
    requests_per_minute: int | None,
    days: int,
) -> None:
    if not roles:
        raise Misconfigured(f"--person needs at least one --role: {', '.join(Role)}")
    limits = _limits(requests_per_minute)
    path = settings.gateway.tokens_file
    chosen = _chosen(projects)
    entry, shown = new_personal_token(path, name, person, roles, projects=chosen, limits=limits, days=days)
    print(f"Token {entry.id} for {_whom(entry)} in {_projects(entry)}{_until(entry)}. It is shown this once:")
    print(shown)


def _limits(requests_per_minute: int | None) -> Limits | None:
    """None: as is usual for the kind of token."""
    return None if requests_per_minute is None else Limits(requests_per_minute=requests_per_minute)


def _chosen(projects: Sequence[str]) -> tuple[str, ...] | Literal["*"]:
    return "*" if not projects or "*" in projects else tuple(projects)


def show(settings: Settings, *, as_json: bool) -> None:
    path = settings.gateway.tokens_file
    tokens: list[AnyToken] = []
    if path.exists():
        tokens = [*read_tokens(path), *read_personal_tokens(path)]
    if as_json:
        print_json([token.model_dump(mode="json", exclude={"sha256"}) for token in tokens])
    elif tokens:
        print_table(COLUMNS, [_row(token) for token in tokens])
    else:
        print(f"No tokens in {path}; `awoooi tokens new NAME` makes one.")


def revoke(settings: Settings, token_id: str) -> None:
    entry = revoke_token(settings.gateway.tokens_file, token_id)
    print(f"Token {entry.id} ({entry.name}) is revoked; a running gateway knows within a second.")


def revoke_of(settings: Settings, person: str) -> None:
    ended = revoke_person(settings.gateway.tokens_file, person)
    if not ended:
        raise Misconfigured(f"{person} has no token in force; `awoooi tokens list` shows all")
    names = ", ".join(f"{entry.id} ({entry.name})" for entry in ended)
    print(f"{person}'s tokens are revoked: {names}; a running gateway knows within a second.")


def _row(token: AnyToken) -> tuple[str, ...]:
    return (
        token.id,
        token.name,
        _whom(token),
        _projects(token),
        str(token.limits.requests_per_minute),
        f"{token.created:%Y-%m-%d %H:%M}",
        _state(token),
    )


def _state(token: AnyToken) -> str:
    if token.revoked is not None:
        return f"revoked {token.revoked:%Y-%m-%d %H:%M}"
    return f"expired {token.expires:%Y-%m-%d}" if token.has_expired else f"in force{_until(token)}"


def _until(token: AnyToken) -> str:
    return f" until {token.expires:%Y-%m-%d}" if token.expires else ""


def _whom(token: AnyToken) -> str:
    if isinstance(token, Token):
        return f"alerts of {_sources(token)}"
    return f"{token.person}, {' and '.join(token.roles)}"


def _projects(token: AnyToken) -> str:
    if isinstance(token, Token):
        return token.project
    return "all projects" if token.projects == "*" else ", ".join(token.projects)


def _sources(token: Token) -> str:
    return "all" if token.sources == "*" else ", ".join(token.sources)
