"""How the channels of an instance are encoded in, and decoded from, the meta data of its registration.

Normally they are in one entry, ``channels``, in the form that aspyx-service reads and writes. An entry
holds 512 characters at most; what is longer gets one entry per channel, ``channel-<name>``, and ``channels``
holds as many as fit, so that older readers still find some. Keys may hold letters, digits, ``-`` and
``_`` only: Consul refuses ``channel.<name>``, which is nevertheless read.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from service_core import ChannelAddress, LocalServiceException
from service_core.addresses import format_addresses, parse_addresses

CHANNELS: Final = "channels"
LIMIT: Final = 512
"""Largest size in bytes of the value of a meta entry in Consul (agent/structs, metaValueMaxLength)."""

_KEY: Final = re.compile(r"channel[-.](.+)")
_WRITABLE: Final = re.compile(r"[A-Za-z0-9_-]{1,120}")
# Commas may be part of a URL; one that is followed by a scheme is not.
_NEXT_URI: Final = re.compile(r",(?=[a-zA-Z][a-zA-Z0-9+.-]*://)")


def write_channels(addresses: Sequence[ChannelAddress]) -> dict[str, str]:
    """The meta entries for an instance's addresses, in order of preference.

    Raises LocalServiceException for an address that fits no entry.
    """
    text = format_addresses(addresses)
    if _fits(text):
        return {CHANNELS: text}
    fitting: list[ChannelAddress] = []
    uris: dict[str, list[str]] = {}
    for address in addresses:
        if _fits(format_addresses([*fitting, address])):
            fitting.append(address)
        uris.setdefault(address.channel, []).append(address.uri)
    entries = {CHANNELS: format_addresses(fitting)} if fitting else {}
    for channel, listed in uris.items():
        entries[f"channel-{channel}"] = _entry(channel, ",".join(listed))
    return entries


def read_channels(meta: Mapping[str, str]) -> list[ChannelAddress]:
    """The addresses in an instance's meta entries, in order of preference; none if it is not such a registration.

    Raises ValueError for a text that cannot be read.
    """
    addresses = dict.fromkeys(parse_addresses(meta.get(CHANNELS, "")))
    for key in sorted(meta):
        entry = _KEY.fullmatch(key)
        if entry is not None:
            addresses |= dict.fromkeys(ChannelAddress(entry[1], uri) for uri in _NEXT_URI.split(meta[key]))
    return list(addresses)


def read_metadata(meta: Mapping[str, str]) -> dict[str, str]:
    """The entries of an instance that are not about its channels, such as its zone."""
    return {key: value for key, value in meta.items() if key != CHANNELS and _KEY.fullmatch(key) is None}


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Raise ValueError for an entry that Consul would refuse, or that would be read as a channel."""
    for key, value in metadata.items():
        if not _WRITABLE.fullmatch(key) or read_metadata({key: value}) == {}:
            raise ValueError(f"{key!r} cannot be a key; use letters, digits, '-' and '_', but not 'channel-'")
        if not _fits(value):
            raise ValueError(f"the value of {key!r} is longer than the {LIMIT} bytes that Consul keeps")


def _fits(text: str) -> bool:
    return len(text.encode()) <= LIMIT


def _entry(channel: str, text: str) -> str:
    if not _fits(text):
        raise LocalServiceException(
            f"channel '{channel}': its address has {len(text)} characters, and Consul keeps {LIMIT}; "
            f"shorten {text[:60]!r}…"
        )
    if not _WRITABLE.fullmatch(channel):
        raise LocalServiceException(
            f"channel '{channel}': the addresses of all channels together exceed {LIMIT} characters, and the "
            f"name cannot be part of a key in Consul; use letters, digits, '-' and '_'"
        )
    return text
