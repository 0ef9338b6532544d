"""Addresses: where a component can be called, and how that is written down in a registry.

The written form is ``channel(uri)``, several joined by commas: ``dispatch-json(http://h:1),rest(http://h:1)``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["ChannelAddress", "ChannelInstances", "format_addresses", "parse_addresses"]


@dataclass(frozen=True, slots=True)
class ChannelAddress:
    """One channel of one running instance."""

    channel: str
    """Name of the channel, e.g. ``dispatch-json``."""
    uri: str
    """Where that channel is served, e.g. ``http://10.0.0.7:8000``."""


@dataclass(frozen=True, slots=True)
class ChannelInstances:
    """All instances that offer a component over one channel: one entry of a registry's snapshot."""

    component: str
    """Name of the component."""
    channel: str
    """Name of the channel."""
    urls: tuple[str, ...] = ()
    """Their addresses, without doubles, in the registry's order: the first ones are preferred."""


# What would end an address too early when it is written into a list.
_ESCAPES: Final = {"(": "%28", ")": "%29", ",": "%2C"}
_ESCAPED: Final = str.maketrans(_ESCAPES)
# A URI may hold commas (other writers do not escape them), so an entry ends at a parenthesis, not at a comma.
_ENTRY: Final = re.compile(r"\s*([\w.-]+)\(([^()]*)\)\s*(?:,|$)")


def format_addresses(addresses: Iterable[ChannelAddress]) -> str:
    """Write addresses as ``channel(uri),channel(uri)``; commas and parentheses in a URI are percent-encoded."""
    return ",".join(f"{address.channel}({address.uri.translate(_ESCAPED)})" for address in addresses)


def parse_addresses(text: str) -> list[ChannelAddress]:
    """Read what :func:`format_addresses` wrote. Raises ValueError that quotes the place that it cannot read."""
    addresses: list[ChannelAddress] = []
    position = 0
    while position < len(text):
        entry = _ENTRY.match(text, position)
        if entry is None:
            raise ValueError(f"expected 'channel(uri)' at {text[position : position + 60]!r}")
        uri = entry[2]
        for char, escape in _ESCAPES.items():
            uri = uri.replace(escape, char)
        addresses.append(ChannelAddress(entry[1], uri))
        position = entry.end()
    return addresses
