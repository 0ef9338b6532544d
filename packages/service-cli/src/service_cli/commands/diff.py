"""``service diff``: what a new version does to callers and servers of the old one."""

from __future__ import annotations

import fnmatch
from typing import Annotated

import typer

from service_cli.console import show, write_json
from service_cli.diffing import compare
from service_cli.failures import CommandFailure, ExitCode
from service_cli.options import AsJSON, Token
from service_cli.rendering.changes import as_data, changes_view
from service_cli.targets.descriptions import description_of


def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="URL, module:Component, or file of 'describe --json'.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The same, of the new version.")],
    allow: Annotated[
        list[str] | None, typer.Option("--allow", metavar="CHANGE", help="Accept a change by its name; '*' matches.")
    ] = None,
    token: Token = "",
    as_json: AsJSON = False,
) -> None:
    """Compare two versions of interfaces: what breaks callers of which version, over which channel.

    Ends with 1 if a change breaks callers and is not allowed.
    """
    changes = compare(description_of(old, token=token), description_of(new, token=token))
    patterns = allow or []
    allowed = [change for change in changes if any(fnmatch.fnmatchcase(change.id, pattern) for pattern in patterns)]
    unused = [pattern for pattern in patterns if not any(fnmatch.fnmatchcase(one.id, pattern) for one in changes)]
    if as_json:
        write_json(as_data(changes, allowed))
    else:
        show(changes_view(changes, allowed))
    if unused:
        raise CommandFailure(
            f"--allow {unused[0]!r} matches no change", remedy="take it away, or correct it", code=ExitCode.USAGE
        )
    if any(change.breaks and change not in allowed for change in changes):
        raise typer.Exit(ExitCode.FAILED)
