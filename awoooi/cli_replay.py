"""The commands that send records through again, or say what would come of it: as in cli.py."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

replay_app = typer.Typer(no_args_is_help=True, help="Send records through again, or tell what would differ.")


@replay_app.command("rejected")
def replay_rejected(
    source: Annotated[str, typer.Option(help="only of this alert source")] = "",
    since: Annotated[str, typer.Option(help="90m, 2h, 3d ago, or a time in ISO 8601")] = "",
    limit: Annotated[int, typer.Option(min=0, help="at most so many; 0: all")] = 0,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only say what would be sent")] = False,
    again: Annotated[bool, typer.Option("--again", help="those too that were sent from here before")] = False,
) -> None:
    """Send rejected records to their raw topics again, byte for byte."""
    from awoooi import replay
    from awoooi.loading import load

    choice = replay.Choice(source, replay.read_since(since) if since else None, limit, again)
    sys.exit(replay.replay_rejected(load().settings, choice, dry_run=dry_run))


@replay_app.command("topic")
def replay_topic(
    topic: Annotated[str, typer.Argument(help="alerts.raw.… or alerts.normalized")],
    begin: Annotated[
        str, typer.Option("--from", help="90m, 2h, 3d ago, a time in ISO 8601, or an offset of --partition")
    ],
    end: Annotated[str, typer.Option("--to", help="the same; by default the end")] = "",
    partition: Annotated[int | None, typer.Option(min=0, help="whose offsets are given")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100_000, help="at most so many records")] = 10_000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="nothing else is done: must be given")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for programs")] = False,
) -> None:
    """Tell what would differ if recorded records went through the stages now; then the exit status is 1."""
    from awoooi.loading import load
    from awoooi.replay_found import Choice
    from awoooi.replay_topic import read_span, replay_topic

    choice = Choice(topic, read_span(begin, end, partition), limit)
    sys.exit(replay_topic(load().settings, choice, dry_run=dry_run, as_json=as_json))
