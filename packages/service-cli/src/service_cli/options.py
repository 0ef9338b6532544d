"""Options that several commands have, each declared once."""

from __future__ import annotations

from typing import Annotated

import typer

AsJSON = Annotated[bool, typer.Option("--json", help="Write JSON for programs.")]
Consul = Annotated[str, typer.Option("--consul", metavar="URL", help="Look instances up with this Consul agent.")]
File = Annotated[str, typer.Option("--file", metavar="FILE", help="Read addresses from this .json or .toml file.")]
Token = Annotated[str, typer.Option("--token", envvar="SERVICE_TOKEN", show_envvar=True, help="Bearer token to send.")]
Channel = Annotated[str, typer.Option("--channel", help="Channel to call over, for example rest.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.001, help="Seconds for a call, retries included.")]
Target = Annotated[
    str, typer.Argument(metavar="TARGET", help="URL of a server; with --consul or --file the name of a component.")
]
Method = Annotated[str, typer.Argument(metavar="METHOD", help="service.method, or the method's name alone.")]
Urls = Annotated[list[str] | None, typer.Argument(metavar="[URL]...", help="Servers that describe themselves.")]
Words = Annotated[
    list[str] | None,
    typer.Argument(metavar="[NAME=VALUE]...", help="Arguments; or one JSON object, @FILE, or - for standard input."),
]
