"""``service run``: serves a module or a component."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from typing import Annotated, Any

import typer
from rich.text import Text

from service_cli.console import show
from service_cli.failures import CommandFailure, ExitCode

__all__ = ["run"]

_SERVER = "service_server_fastapi"


def run(
    target: Annotated[str, typer.Argument(metavar="MODULE:CLASS", help="A class that is decorated with @module.")],
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 picks a free one.")] = 8000,
) -> None:
    """Serve a module until Ctrl-C or SIGTERM."""
    module = _load(target)
    if importlib.util.find_spec(_SERVER) is None:
        raise CommandFailure("no server is installed", remedy="pip install service-server-fastapi", code=ExitCode.USAGE)
    server: Any = importlib.import_module(_SERVER).FastAPIServer(host, port)
    server.boot(module)
    show(Text(f"serving {target} on {server.url}"))
    server.wait()


def _load(target: str) -> type:
    module_name, colon, name = target.partition(":")
    if not colon:
        raise CommandFailure(f"{target!r} names no class", remedy="write module:Class", code=ExitCode.USAGE)
    if "" not in sys.path:
        sys.path.insert(0, "")  # as 'python -m' does
    try:
        found = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise CommandFailure(
            f"{target}: {error}", remedy="run it where the module is found", code=ExitCode.USAGE
        ) from None
    if not isinstance(found, type):
        raise CommandFailure(f"{target} is not a class", code=ExitCode.USAGE)
    return found
