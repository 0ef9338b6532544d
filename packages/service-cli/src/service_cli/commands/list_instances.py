"""``service list``: components and their instances."""

from __future__ import annotations

import typer

from service_cli.console import show, write_json
from service_cli.failures import ExitCode
from service_cli.options import AsJSON, Consul, File, Token, Urls
from service_cli.rendering.instances import instance_table
from service_cli.targets.instances import Source, inspect_instances


def list_instances(
    urls: Urls = None,
    consul: Consul = "",
    file: File = "",
    token: Token = "",
    as_json: AsJSON = False,
) -> None:
    """List components, their instances, channels, health and version.

    Ends with 1 if an instance is not ready, and with 3 if none is reachable.
    """
    instances = inspect_instances(Source(urls=tuple(urls or ()), consul=consul, file=file, token=token))
    if as_json:
        write_json(instances)
    else:
        show(instance_table(instances))
    if all(one.latency is None for one in instances):
        raise typer.Exit(ExitCode.UNREACHABLE)
    if any(one.health not in ("ok", "warning") for one in instances):
        raise typer.Exit(ExitCode.FAILED)
