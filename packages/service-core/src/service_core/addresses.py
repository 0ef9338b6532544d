"""Addresses: where a component can be called, and how that is written down in a registry.

The written form is ``channel(uri)``, several joined by commas: ``dispatch-json(http://h:1),rest(http://h:1)``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, unquote_to_bytes

__all__ = [
    "LOCAL",
    "ChannelAddress",
    "ChannelInstances",
    "format_addresses",
    "parse_addresses",
    "unix_path",
    "unix_url",
]

LOCAL: Final = "local"
"""The channel of what this process implements itself; no other process can use its address."""
_UNIX: Final = "http+unix://"
_UNIX_HOST: Final = re.compile(r"%2[Ff](?:[A-Za-z0-9._~!$&'*+;=-]|%[0-9A-Fa-f]{2})+")


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
    metadata: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    """What was registered with instances, such as zone, version and weight, by address."""


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


def unix_url(path: str | os.PathLike[str]) -> str:
    """The URL of a Unix domain socket: ``http+unix://`` with the absolute path, percent-encoded, in place of a host."""
    return _UNIX + quote(os.fsencode(Path(path).absolute()), safe="")


def unix_path(url: str) -> str | None:
    """The path of the Unix domain socket that a URL names, None for URLs of other schemes.

    Raises ValueError, which says what to write, if the path is not absolute and percent-encoded.
    """
    if not url.startswith(_UNIX):
        return None
    host = re.split(r"[/?#]", url.removeprefix(_UNIX), maxsplit=1)[0]
    path = unquote_to_bytes(host)
    if not _UNIX_HOST.fullmatch(host) or b"\0" in path:
        raise ValueError(
            f"{url[:200]!r} does not name a Unix socket; write its absolute path percent-encoded, "
            f"'http+unix://%2Frun%2Fgreeter.sock', or use unix_url('/run/greeter.sock')"
        )
    return os.fsdecode(path)


def _escape(char: re.Match[str]) -> str:
    return f"%{ord(char[0]):02X}"


def _unescape(escape: re.Match[str]) -> str:
    return chr(int(escape[0][1:], 16))
