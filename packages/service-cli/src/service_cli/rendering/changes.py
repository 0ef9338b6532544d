"""Changes as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from service_cli.diffing import Change, Verdict

_COLOURS: Final = {Verdict.WORKS: "green", Verdict.OTHER_ERROR: "yellow"}


def changes_view(changes: Sequence[Change], allowed: Sequence[Change]) -> RenderableType:
    """Each change with its effects; what breaks comes first."""
    if not changes:
        return Text("no change that a caller or a server can notice", style="green")
    table = Table(show_lines=False)
    table.add_column("change", overflow="fold", style="bold")
    table.add_column("callers", no_wrap=True)
    table.add_column("over", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=1)
    for change in changes:
        for number, one in enumerate(change.effects):
            style = "red" if one.breaks and change not in allowed else _COLOURS.get(one.verdict, "yellow")
            name = change.id if number == 0 else ""
            note = " (allowed)" if change in allowed and number == 0 else ""
            channels = "all" if len(one.channels) > 1 else ", ".join(one.channels)
            table.add_row(
                f"{name}{note}", one.callers.value, channels, Text(one.verdict.value, style=style), one.sentence
            )
        table.add_section()
    breaking = [change for change in changes if change.breaks and change not in allowed]
    colour = "red" if breaking else "green"
    end = Text(f"{len(changes)} changes, {len(breaking)} of them break callers", style=colour)
    return Group(table, end)


def as_data(changes: Sequence[Change], allowed: Sequence[Change]) -> list[dict[str, Any]]:
    """The changes as JSON-like data."""
    return [
        {"id": change.id, "breaks": change.breaks, "allowed": change in allowed, **asdict(change)} for change in changes
    ]
