"""``service describe``: interfaces as Python would declare them."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic_core import from_json

from service_cli.console import show, write_json
from service_cli.options import AsJSON, Token
from service_cli.rendering.interfaces import description_view, method_view
from service_cli.targets.callees import find_method
from service_cli.targets.descriptions import description_of
from service_core.describing import write_description


def describe(
    target: Annotated[str, typer.Argument(metavar="TARGET", help="URL, module:Component, or a file of this command.")],
    method: Annotated[str, typer.Argument(metavar="[METHOD]", help="service.method, to see its schemas.")] = "",
    token: Token = "",
    as_json: AsJSON = False,
) -> None:
    """Show services: signatures, types, errors and documentation.

    With --json it writes the document that 'service diff' compares.
    """
    description = description_of(target, token=token)
    if not method:
        if as_json:
            write_json(from_json(write_description(description)))
        else:
            show(description_view(description))
        return
    _, service, found = find_method(description, method)
    if as_json:
        write_json(found)
    else:
        show(method_view(service, found))
