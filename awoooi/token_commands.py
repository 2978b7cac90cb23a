"""`awoooi tokens new|list|revoke`."""

from __future__ import annotations

from typing import Literal

from awoooi.printing import print_json, print_table
from awoooi.settings import Settings
from connectors.tokens import Limits, Token, new_token, read_tokens, revoke_token

COLUMNS = ("id", "name", "project", "sources", "per minute", "made", "state")


def new(settings: Settings, name: str, project: str, sources: str, requests_per_minute: int) -> None:
    chosen: tuple[str, ...] | Literal["*"] = "*"
    if sources != "*":
        chosen = tuple(source.strip() for source in sources.split(",") if source.strip())
    limits = Limits(requests_per_minute=requests_per_minute)
    path = settings.gateway.tokens_file
    entry, shown = new_token(path, name, project=project, sources=chosen, limits=limits)
    print(f"Token {entry.id} for project {entry.project}, sources {_sources(entry)}. It is shown this once:")
    print(shown)


def show(settings: Settings, *, as_json: bool) -> None:
    path = settings.gateway.tokens_file
    tokens = read_tokens(path) if path.exists() else ()
    if as_json:
        print_json([token.model_dump(mode="json", exclude={"sha256"}) for token in tokens])
    elif tokens:
        print_table(
            ("id", "name", "project", "sources", "per minute", "made", "state"),
            [_row(token) for token in tokens],
        )
    else:
        print(f"No tokens in {path}; `awoooi tokens new NAME` makes one.")


def revoke(settings: Settings, token_id: str) -> None:
    entry = revoke_token(settings.gateway.tokens_file, token_id)
    print(f"Token {entry.id} ({entry.name}) is revoked; a running gateway knows within a second.")


def _row(token: Token) -> tuple[str, ...]:
    state = "in force" if token.revoked is None else f"revoked {token.revoked:%Y-%m-%d %H:%M}"
    limit = str(token.limits.requests_per_minute)
    return (
        token.id,
        token.name,
        token.project,
        _sources(token),
        limit,
        f"{token.created:%Y-%m-%d %H:%M}",
        state,
    )


def _sources(token: Token) -> str:
    return "all" if token.sources == "*" else ", ".join(token.sources)
