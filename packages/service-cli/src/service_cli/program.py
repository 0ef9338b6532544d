"""The program ``service``: its commands, and nothing else."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from service_cli.commands.bench import bench
from service_cli.commands.call import call
from service_cli.commands.describe import describe
from service_cli.commands.diff import diff
from service_cli.commands.list_instances import list_instances
from service_cli.commands.run import run
from service_cli.commands.watch import watch
from service_cli.console import console
from service_cli.failures import reported

app = typer.Typer(
    name="service",
    help="See, call, watch, measure and compare services.",
    epilog="Exit codes: 0 done, 1 the call or check failed, 2 wrong usage, 3 no instance reachable.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(shown: bool) -> None:
    if shown:
        console().out(f"service {version('service-cli')}", highlight=False)
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and end.")
    ] = False,
) -> None:
    """See, call, watch, measure and compare services."""


app.command("list")(reported(list_instances))
app.command("describe")(reported(describe))
app.command("call")(reported(call))
app.command("watch")(reported(watch))
app.command("bench")(reported(bench))
app.command("diff")(reported(diff))
app.command("run")(reported(run))


def main() -> None:
    """Run the command that the program's arguments name."""
    app()
