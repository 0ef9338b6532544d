"""Callees: a component that can be called, with its description and its addresses."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass

from service_cli.failures import CommandFailure, ExitCode
from service_cli.targets.descriptions import fetch_description, is_url
from service_cli.targets.instances import Source, addresses_of
from service_core.describing import ComponentDescription, Description, MethodDescription, ServiceDescription

_PREFERRED = ("dispatch-json", "rest", "dispatch-msgpack")
"""Channels in order of preference: the first carry JSON as it was typed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Callee:
    """A method that can be called."""

    component: ComponentDescription
    service: ServiceDescription
    method: MethodDescription
    channel: str
    urls: tuple[str, ...]


def find_callee(target: str, method: str, *, source: Source | None, channel: str, token: str) -> Callee:
    """The method of a target: a URL, or a component's name in Consul or in a file. Raises CommandFailure."""
    if source is not None:
        addresses = addresses_of(source)
        if target not in addresses:
            raise CommandFailure(
                f"no component '{target}' is registered{_similar(target, addresses)}", code=ExitCode.UNREACHABLE
            )
        offered: dict[str, tuple[str, ...]] = {}
        for address in addresses[target]:
            offered[address.channel] = (*offered.get(address.channel, ()), address.uri)
        description = _first_description([address.uri for address in addresses[target]], token)
    elif is_url(target):
        description, offered = fetch_description(target, token=token), {}
    else:
        raise CommandFailure(
            f"{target!r} is not a URL",
            remedy="write http://HOST:PORT, or add --consul URL or --file FILE for the name of a component",
            code=ExitCode.USAGE,
        )
    component, service, found = find_method(description, method)
    if not offered:
        offered = {one.name: (target,) for one in component.channels} or {"dispatch-json": (target,)}
    chosen = _channel(offered, channel, found)
    return Callee(component=component, service=service, method=found, channel=chosen, urls=offered[chosen])


def find_method(
    description: Description, text: str
) -> tuple[ComponentDescription, ServiceDescription, MethodDescription]:
    """The method that ``service.method``, ``Interface.method`` or a method's name alone stands for."""
    wanted = text.replace(":", ".")
    found = []
    names: dict[str, None] = {}
    for component, service, method in description.methods():
        names[f"{service.name}.{method.name}"] = None
        spelled = (
            method.name,
            f"{service.name}.{method.name}",
            f"{service.interface}.{method.name}",
            f"{component.name}.{service.name}.{method.name}",
        )
        if wanted in spelled:
            found.append((component, service, method))
    if len(found) == 1:
        return found[0]
    if found:
        spelled_out = ", ".join(f"{one.name}.{two.name}.{three.name}" for one, two, three in found)
        raise CommandFailure(f"{text!r} is ambiguous: {spelled_out}", code=ExitCode.USAGE)
    raise CommandFailure(
        f"there is no method {text!r}{_similar(wanted, names)}",
        remedy="'service describe TARGET' lists the methods",
        code=ExitCode.USAGE,
    )


def _first_description(urls: list[str], token: str) -> Description:
    failure = CommandFailure("no instance is registered", code=ExitCode.UNREACHABLE)
    for url in dict.fromkeys(urls):
        try:
            return fetch_description(url, token=token)
        except CommandFailure as error:
            failure = error
    raise failure


def _channel(offered: Mapping[str, tuple[str, ...]], wanted: str, method: MethodDescription) -> str:
    usable = [name for name in offered if name != "rest" or method.route is not None]
    if wanted and wanted not in usable:
        raise CommandFailure(
            f"{method.name} is not offered over channel '{wanted}', but over {', '.join(usable) or 'none'}",
            code=ExitCode.USAGE,
        )
    if wanted:
        return wanted
    for name in _PREFERRED:
        if name in usable:
            return name
    raise CommandFailure(
        f"{method.name} is available over {', '.join(offered) or 'no channel'}, which the command line does not support"
    )


def _similar(name: str, names: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    if close:
        return f"; similar: {', '.join(close)}"
    return f"; there are {', '.join(list(names)[:8])}" if names else ""
