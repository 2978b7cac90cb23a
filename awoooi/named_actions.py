"""What carries out actions that are configured by name, and executors of installed packages."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AsyncExitStack

from awoooi.rca import named_of
from awoooi.settings import Settings
from connectors.executors.contract import Executor
from connectors.executors.installed import check_overlaps, installed


def named_executors(settings: Settings, opened: AsyncExitStack) -> Sequence[Executor]:
    """Each does nothing where nothing of its kind is configured. Misconfigured where what is cannot run."""
    from connectors.executors.ansible import AnsibleExecutor
    from connectors.executors.command import CommandExecutor
    from connectors.executors.http_call import HttpExecutor

    file = named_of(settings)
    http = HttpExecutor(file)
    opened.push_async_callback(http.close)
    return (CommandExecutor(file), http, AnsibleExecutor(file))


def with_installed(
    built_in: Sequence[Executor], settings: Settings, opened: AsyncExitStack
) -> Sequence[Executor]:
    """All of them, the built-in ones first; each that is installed is closed if it can be."""
    added = installed(built_in, settings.executor_options, settings.state_dir)
    check_overlaps(built_in, added, settings.executors)
    for executor in added:
        close = getattr(executor, "close", None)
        if close is not None:
            opened.push_async_callback(close)
    return (*built_in, *added)
