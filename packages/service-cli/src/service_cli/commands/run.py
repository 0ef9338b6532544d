"""``service run``: serves a module or a component."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Annotated, Any

import typer
from rich.text import Text

from service_cli.console import show
from service_cli.failures import CommandFailure, ExitCode
from service_cli.targets.imports import import_object
from service_core import default_catalog

__all__ = ["run"]

_SERVER = "service_server_fastapi"


def run(
    target: Annotated[
        str,
        typer.Argument(metavar="MODULE:CLASS", help="A class that is decorated with @module, or an implementation."),
    ],
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 picks a free one.")] = 8000,
) -> None:
    """Serve a module, or an implementation whose constructor takes nothing, until Ctrl-C or SIGTERM."""
    found = _load(target)
    if importlib.util.find_spec(_SERVER) is None:
        raise CommandFailure("no server is installed", remedy="pip install service-server-fastapi", code=ExitCode.USAGE)
    package: Any = importlib.import_module(_SERVER)
    if default_catalog.interfaces_of(found):
        with package.serve(found(), host=host, port=port) as server:
            _serve(target, server)
    else:
        server = package.FastAPIServer(host, port)
        server.boot(found)
        _serve(target, server)


def _serve(target: str, server: Any) -> None:
    show(Text(f"serving {target} on {server.url}"))
    server.wait()


def _load(target: str) -> type:
    if not target.partition(":")[2]:
        raise CommandFailure(f"{target!r} names no class", remedy="write module:Class", code=ExitCode.USAGE)
    found = import_object(target)
    if not isinstance(found, type):
        raise CommandFailure(
            f"{target} is not a class", remedy="name a class that is decorated with @module", code=ExitCode.USAGE
        )
    return found
