"""``service run``: serves a module or a component."""

from __future__ import annotations

import importlib
import importlib.util
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Annotated, Any

import typer
from rich.text import Text

from service_cli.console import show
from service_cli.failures import CommandFailure, ExitCode
from service_cli.targets.imports import import_object
from service_core import ServiceException, default_catalog

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
    with ExitStack() as stack:
        with _reported_start(target, found):
            if default_catalog.interfaces_of(found):
                server = stack.enter_context(package.serve(found(), host=host, port=port))
            else:
                server = package.FastAPIServer(host, port)
                server.boot(found)
        show(Text(f"serving {target} on {server.url}"))
        server.wait()


@contextmanager
def _reported_start(target: str, found: type) -> Iterator[None]:
    """Raise CommandFailure with the place in the user's code, if that raises an error inside the block."""
    try:
        yield
    except ServiceException:
        raise  # says what to do
    except Exception as error:  # noqa: BLE001 - of the user's code: reported with its place instead of a traceback
        raise CommandFailure(
            f"{target} does not start: {type(error).__name__}: {error}{_place(error.__traceback__, found)}"
        ) from None


def _place(trace: TracebackType | None, found: type) -> str:
    """Where an error was raised: the last step in the package of the class, empty if there is none."""
    package, place = found.__module__.partition(".")[0], ""
    for frame, line in traceback.walk_tb(trace):
        if str(frame.f_globals.get("__name__")).partition(".")[0] == package:
            place = f" ({frame.f_code.co_filename}:{line}, in {frame.f_code.co_name})"
    return place


def _load(target: str) -> type:
    if not target.partition(":")[2]:
        raise CommandFailure(f"{target!r} names no class", remedy="write module:Class", code=ExitCode.USAGE)
    found = import_object(target)
    if not isinstance(found, type):
        raise CommandFailure(
            f"{target} is not a class", remedy="name a class that is decorated with @module", code=ExitCode.USAGE
        )
    return found
