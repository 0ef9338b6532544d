"""``service watch``: instances as they come and go."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.live import Live

from service_cli.console import console, error_console, write_json
from service_cli.failures import CommandFailure
from service_cli.options import AsJSON, Consul, File, Token, Urls
from service_cli.rendering.instances import instance_table
from service_cli.targets.instances import Instance, Source, inspect_instances


def watch(
    urls: Urls = None,
    consul: Consul = "",
    file: File = "",
    token: Token = "",
    interval: Annotated[float, typer.Option("--interval", min=0.1, help="Seconds between two looks.")] = 1.0,
    count: Annotated[int, typer.Option("--count", min=0, help="How many looks; 0 for no end.")] = 0,
    as_json: AsJSON = False,
) -> None:
    """Show instances, health and latency until Ctrl-C; with --json one document for each change."""
    source = Source(urls=tuple(urls or ()), consul=consul, file=file, token=token)
    follow = _write_changes if as_json or not console().is_terminal else _show_live
    follow(source, interval, count)


def _show_live(source: Source, interval: float, count: int) -> None:
    with Live(console=console(), auto_refresh=False, transient=False) as live:
        for number, instances in _looks(source, interval, count):
            live.update(instance_table(instances, title=f"{time.strftime('%H:%M:%S')}, look {number}"), refresh=True)


def _write_changes(source: Source, interval: float, count: int) -> None:
    known: list[tuple[str, str, str]] | None = None
    for _, instances in _looks(source, interval, count):
        state = [(one.component, one.url, one.health) for one in instances]
        if state != known:
            write_json(instances)
        known = state


def _looks(source: Source, interval: float, count: int) -> Iterator[tuple[int, list[Instance]]]:
    number = 0
    while count == 0 or number < count:
        number += 1
        try:
            yield number, inspect_instances(source)
        except CommandFailure as failure:
            if number == 1:
                raise
            error_console().print(f"{time.strftime('%H:%M:%S')} {failure.message}", style="red")
            yield number, list[Instance]()
        if number != count:
            time.sleep(interval)
