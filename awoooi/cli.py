"""The commands: one or two lines each into the modules beside this one, which are imported when needed."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated

import typer

from awoooi import (
    cli_audit,
    cli_eval,
    cli_incident,
    cli_policy,
    cli_projects,
    cli_reading,
    cli_replay,
    cli_signers,
    cli_silence,
    cli_sources,
    cli_tokens,
    fake_cluster,
)
from schemas.errors import AwoooiError

app = typer.Typer(
    name="awoooi",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="From a storm of alerts to a few incidents, with a record that SQL can ask.",
    context_settings={"help_option_names": ["-h", "--help"]},
)
topics = typer.Typer(no_args_is_help=True, help="The log's topics.")
clickhouse = typer.Typer(no_args_is_help=True, help="The record's schema.")
sealing_app = typer.Typer(no_args_is_help=True, help="The keys that personal values are sealed with.")
topology_app = typer.Typer(no_args_is_help=True, help="Services and what they depend on.")
app.add_typer(topics, name="topics")
app.add_typer(clickhouse, name="clickhouse")
app.add_typer(cli_replay.replay_app, name="replay")
app.add_typer(sealing_app, name="sealing")
playbooks_app = typer.Typer(no_args_is_help=True, help="What the rule engine knows.")
app.add_typer(topology_app, name="topology")
app.add_typer(playbooks_app, name="playbooks")

app.add_typer(cli_eval.eval_app, name="eval")
cli_audit.add_to(app)
cli_policy.add_to(app)
cli_projects.add_to(app)
cli_signers.add_to(app)
cli_silence.add_to(app)
cli_sources.add_to(app)
cli_incident.add_to(app)
cli_reading.add_to(app)
cli_tokens.add_to(app)
app.command("fake-cluster", hidden=True)(fake_cluster.serve)


class Form(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def _status(text: str) -> str:
    from schemas.incident import IncidentStatus

    allowed = ("OPEN", *IncidentStatus)
    if text and text.upper() not in allowed:
        raise typer.BadParameter(f"{text!r}; allowed: {', '.join(allowed).lower()}")
    return text.upper()


AsJson = Annotated[bool, typer.Option("--json", help="for programs")]


def main() -> None:
    """Exit status: 0 done, 1 an error that was told in one line, 2 wrong usage."""
    try:
        app()
    except AwoooiError as error:
        from agents.visible import visible

        print(visible(str(error)), file=sys.stderr)
        sys.exit(1)
    except BrokenPipeError:  # the reader of our output has gone: `awoooi query ... | head`
        sys.stderr.close()
        sys.exit(1)


@app.command()
def version() -> None:
    """Which version this is."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as installed

    from connectors.gateway.app import VERSION

    try:
        print(installed("awoooi"))
    except PackageNotFoundError:
        print(VERSION)


@app.command()
def init() -> None:
    """Make the state folder: keys, a token, secrets. A second call changes nothing."""
    from awoooi.init import init as make
    from awoooi.loading import load
    from awoooi.printing import print_made

    settings = load().settings
    print_made(settings.state_dir, make(settings))


@app.command()
def config(as_json: AsJson = False) -> None:
    """The settings in force and where each comes from; secrets stay hidden."""
    from awoooi.loading import load
    from awoooi.printing import print_settings

    print_settings(load(), as_json=as_json)


@app.command()
def up(
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="stop after so many seconds")] = None,
) -> None:
    """The whole system on this machine, until ctrl-C."""
    from awoooi.loading import load
    from awoooi.up import run

    run(load(), seconds)


@app.command()
def demo(
    attach: Annotated[bool, typer.Option("--attach", help="use the `awoooi up` that runs already")] = False,
    kubeconfig: Annotated[
        str, typer.Option(help="FILE or FILE#context: on this cluster, in a namespace that goes again")
    ] = "",
) -> None:
    """One real alert through the whole system: PASS or FAIL for each step."""
    from awoooi.demo import Where, run
    from awoooi.loading import load

    sys.exit(run(load(), Where(attach, kubeconfig)))


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Check every address, permission and schema, and say in plain words what is wrong."""
    from awoooi.doctor import run
    from awoooi.loading import load

    sys.exit(run(load(), as_json=as_json))


@app.command()
def worker(
    kind: Annotated[str, typer.Argument(help="ingest, rca, policy, several with commas, or all")],
) -> None:
    """One worker process."""
    from awoooi.loading import load
    from awoooi.processes import run_worker_process

    run_worker_process(load().settings, kind)


@app.command()
def gateway() -> None:
    """The gateway: webhooks over HTTP into the log."""
    from awoooi.loading import load
    from awoooi.processes import run_gateway

    run_gateway(load().settings)


@app.command()
def sink() -> None:
    """The sink: every event of the log into ClickHouse."""
    from awoooi.loading import load
    from awoooi.processes import run_sink

    run_sink(load().settings)


@app.command()
def store() -> None:
    """The store: ClickHouse for one machine, over HTTP on loopback."""
    from awoooi.loading import load
    from awoooi.processes import run_store

    run_store(load().settings)


@app.command("mcp-kubernetes")
def mcp_kubernetes() -> None:
    """The operations on Kubernetes as tools of an MCP server, over standard input and output."""
    from awoooi.loading import load
    from awoooi.mcp_kubernetes import run

    run(load().settings)


@topics.command("apply")
def topics_apply() -> None:
    """Make the topics that are missing, tell what differs; nothing is deleted."""
    from awoooi.loading import load
    from awoooi.setup import apply

    sys.exit(apply(load().settings))


@clickhouse.command("migrate")
def clickhouse_migrate() -> None:
    """Bring the tables and views up to date."""
    from awoooi.loading import load
    from awoooi.setup import migrate

    migrate(load().settings)


@clickhouse.command("retention")
def clickhouse_retention(as_json: AsJson = False) -> None:
    """How long each table's rows live."""
    from awoooi.loading import load
    from awoooi.setup import show_retention

    show_retention(load().settings, as_json=as_json)


@app.command()
def erase(
    project: Annotated[str, typer.Option(help="whose rows")],
    before: Annotated[str, typer.Option(help="recorded up to then: 2026-03-01 or 2026-03-01T10:00:00Z")],
    reason: Annotated[str, typer.Option(help="why, for the record")],
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only count")] = False,
) -> None:
    """Delete a project's rows from ClickHouse; that they were deleted stays in the record."""
    from awoooi.erase_commands import Asked
    from awoooi.erase_commands import erase as delete
    from awoooi.loading import load

    delete(load().settings, Asked(project, before, reason, yes=yes, dry_run=dry_run))


@app.command()
def query(
    question: Annotated[str, typer.Argument(help="SQL, or the name of one that ships, such as noise")],
    form: Annotated[Form, typer.Option("--format", help="how the rows are printed")] = Form.TABLE,
) -> None:
    """Ask ClickHouse, as the user who can only read."""
    from awoooi.loading import load
    from awoooi.record import query as ask

    ask(load().settings, question, form.value)


@app.command()
def incidents(
    project: Annotated[str, typer.Option(help="only of this project")] = "",
    status: Annotated[str, typer.Option(help="only in this state, or `open`", callback=_status)] = "",
    limit: Annotated[int, typer.Option(min=1, max=100_000)] = 50,
    as_json: AsJson = False,
) -> None:
    """The latest incidents."""
    from awoooi.loading import load
    from awoooi.record import incidents as show

    show(load().settings, project, status, limit, as_json=as_json)


@app.command()
def explain(
    incident: Annotated[str, typer.Argument(help="as `incidents` shows it")],
    run: Annotated[int, typer.Option(min=0, help="which run of it; 0: the latest that has ended")] = 0,
    as_json: AsJson = False,
) -> None:
    """What was seen, what each agent said, what was dissent, and why it was decided so."""
    from awoooi.argument import explain as tell
    from awoooi.loading import load

    tell(load().settings, incident, run, as_json=as_json)


@app.command()
def ask(
    file: Annotated[str, typer.Argument(help="a payload, or one a line; - reads standard input")],
    topology: Annotated[str, typer.Option(help="a file of services and what they depend on")] = "",
    rules: Annotated[bool, typer.Option("--rules", help="ask no model")] = False,
    as_json: AsJson = False,
) -> None:
    """The whole panel on one alert, and its argument. Needs no broker."""
    from awoooi.ask import ask as argue
    from awoooi.loading import load

    sys.exit(argue(load().settings, file, topology=topology, rules=rules, as_json=as_json))


@playbooks_app.command("list")
def playbooks_list(as_json: AsJson = False) -> None:
    """All playbooks in force."""
    from awoooi import playbook_commands
    from awoooi.loading import load

    playbook_commands.show(load().settings, as_json=as_json)


@playbooks_app.command("check")
def playbooks_check(
    files: Annotated[list[str] | None, typer.Argument(help="files or folders besides the settings'")] = None,
) -> None:
    """Read them all and say what is wrong, with file and line."""
    from awoooi import playbook_commands
    from awoooi.loading import load

    sys.exit(playbook_commands.check(load().settings, files or ()))


@playbooks_app.command("test")
def playbooks_test(
    file: Annotated[str, typer.Argument(help="a payload, or one a line; - reads standard input")],
    as_json: AsJson = False,
) -> None:
    """What they say of one alert."""
    from awoooi import playbook_commands
    from awoooi.loading import load

    sys.exit(playbook_commands.test(load().settings, file, as_json=as_json))


@sealing_app.command("rotate")
def sealing_rotate() -> None:
    """Make a new key pair and put it in force; the old private key stays beside it."""
    from awoooi import sealing_commands
    from awoooi.loading import load

    sealing_commands.new(load().settings)


@sealing_app.command("list")
def sealing_list(as_json: AsJson = False) -> None:
    """The key in force and the older ones that still open."""
    from awoooi import sealing_commands
    from awoooi.loading import load

    sealing_commands.show(load().settings, as_json=as_json)


@sealing_app.command("destroy")
def sealing_destroy(key_id: Annotated[str, typer.Argument(help="as `sealing list` shows it")]) -> None:
    """Destroy an older private key: what was sealed to it never opens again."""
    from awoooi import sealing_commands
    from awoooi.loading import load

    sealing_commands.drop(load().settings, key_id)


@topology_app.command("show")
def topology_show(
    service: Annotated[str, typer.Argument(help="its name")],
    file: Annotated[str, typer.Option(help="a topology in YAML or JSON; else what the log holds")] = "",
    depth: Annotated[int, typer.Option(min=1, max=20, help="hops in each direction")] = 3,
    as_json: AsJson = False,
) -> None:
    """Who depends on a service and what it depends on, as a tree with health and blame."""
    from awoooi.topology_commands import show

    show(service, file, depth, as_json=as_json)
