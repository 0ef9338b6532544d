"""Instances as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from rich.table import Table

from service_cli.targets.instances import Instance

_COLOURS: Final = {"ok": "green", "warning": "yellow", "error": "red", "unreachable": "red"}


def instance_table(instances: Iterable[Instance], *, title: str | None = None) -> Table:
    """The instances by component; equal versions have equal digests."""
    table = Table(title=title, title_justify="left")
    table.add_column("component", style="bold", overflow="fold")
    table.add_column("instance", overflow="fold")
    table.add_column("channels", overflow="fold")
    table.add_column("health")
    table.add_column("ms", justify="right")
    table.add_column("version", style="dim", no_wrap=True)
    for one in sorted(instances, key=lambda one: (one.component, one.url)):
        colour = _COLOURS.get(one.health, "default")
        latency = "-" if one.latency is None else f"{one.latency * 1000:.1f}"
        channels = ", ".join(one.channels) or "-"
        table.add_row(one.component, one.url, channels, f"[{colour}]{one.health}[/]", latency, one.digest[:8] or "-")
    return table
