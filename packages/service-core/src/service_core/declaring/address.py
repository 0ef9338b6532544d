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


# What would end an address too early when it is written into a list, and what looks as if it had been escaped.
_TO_ESCAPE: Final = re.compile(r"[(),]|%(?=(?:25)*2[89C])")
_ESCAPED: Final = re.compile(r"%2[89C]|%25(?=(?:25)*2[89C])")
# A URI may hold commas (other writers do not escape them), so an entry ends at a parenthesis, not at a comma.
_ENTRY: Final = re.compile(r"\s*([\w.-]+)\(([^()]*)\)\s*(?:,|$)")


def format_addresses(addresses: Iterable[ChannelAddress]) -> str:
    """Write addresses as ``channel(uri),channel(uri)``; commas and parentheses in a URI are percent-encoded."""
    return ",".join(f"{address.channel}({_TO_ESCAPE.sub(_escape, address.uri)})" for address in addresses)


def parse_addresses(text: str) -> list[ChannelAddress]:
    """Read what :func:`format_addresses` wrote. Raises ValueError that quotes the place that it cannot read."""
    addresses: list[ChannelAddress] = []
    position = 0
    while position < len(text):
        entry = _ENTRY.match(text, position)
        if entry is None:
            raise ValueError(f"expected 'channel(uri)' at {text[position : position + 60]!r}")
        addresses.append(ChannelAddress(entry[1], _ESCAPED.sub(_unescape, entry[2])))
        position = entry.end()
    return addresses


def _escape(char: re.Match[str]) -> str:
    return f"%{ord(char[0]):02X}"


def _unescape(escape: re.Match[str]) -> str:
    return chr(int(escape[0][1:], 16))
