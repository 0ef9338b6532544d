"""The registry with fixed addresses."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from service_core.declaring.address import ChannelAddress, parse_addresses
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.errors import LocalServiceException
from service_core.registry.base import ComponentRegistry, snapshot_of

__all__ = ["StaticComponentRegistry"]


class StaticComponentRegistry(ComponentRegistry):
    """Knows the addresses that it was given, and nothing else.

    They are given by component and channel, as one URL or as several; or as text, the way registries write it::

        {"test-component": {"dispatch-json": "http://10.0.0.7:8000"}}
        {"test-component": {"dispatch-json": ["http://10.0.0.7:8000", "http://10.0.0.8:8000"]}}
        {"test-component": "dispatch-json(http://10.0.0.7:8000)"}

    Registering with it has no effect: clients of this server get its address in another way.
    """

    is_shared = False

    def __init__(self, components: Mapping[str, Any]) -> None:
        super().__init__()
        if not isinstance(components, Mapping):
            raise LocalServiceException(f"{_HOW_TO}, not {type(components).__name__}")
        for component, channels in components.items():
            addresses = _read_addresses(component, channels)
            self._followed.add(component)
            self.publish(component, snapshot_of(component, [addresses]))

    @classmethod
    def from_file(cls, path: str | os.PathLike[str]) -> Self:
        """Read the addresses from a ``.json`` or ``.toml`` file. Raises LocalServiceException, OSError."""
        file = Path(path)
        load = {".json": json.loads, ".toml": tomllib.loads}.get(file.suffix)
        if load is None:
            raise LocalServiceException(f"{file}: addresses are read from .json and .toml files")
        try:
            return cls(load(file.read_text(encoding="utf-8")))
        except (ValueError, LocalServiceException) as error:
            raise LocalServiceException(f"{file}: {error}") from error

    @classmethod
    def from_env(cls, variable: str = "SERVICE_COMPONENTS") -> Self:
        """Read the addresses from an environment variable that holds them as JSON. Raises LocalServiceException."""
        text = os.environ.get(variable)
        if text is None:
            raise LocalServiceException(
                f"environment variable {variable} is not set; give it addresses as JSON, for example "
                """'{"test-component": {"dispatch-json": "http://10.0.0.7:8000"}}'"""
            )
        try:
            return cls(json.loads(text))
        except json.JSONDecodeError as error:
            raise LocalServiceException(f"environment variable {variable} is not JSON: {error}") from error
        except LocalServiceException as error:
            raise LocalServiceException(f"environment variable {variable}: {error}") from error

    def register(
        self, descriptor: ComponentDescriptor, addresses: Sequence[ChannelAddress], *, health: str | None = None
    ) -> None:
        """Nothing happens: the addresses are given."""

    def deregister(self, descriptor: ComponentDescriptor) -> None:
        """Nothing happens: the addresses are given."""

    def describe(self) -> str:
        """The names of the components that addresses were given for."""
        return f"StaticComponentRegistry with {', '.join(sorted(self._snapshots)) or 'no component'}"


_HOW_TO: Final = "addresses are given as {component: {channel: url or [urls]}} or {component: 'channel(url),...'}"


def _read_addresses(component: Any, channels: Any) -> list[ChannelAddress]:
    where = f"component {component!r}"
    if isinstance(component, str) and isinstance(channels, str):
        try:
            return parse_addresses(channels)
        except ValueError as error:
            raise LocalServiceException(f"{where}: {error}") from error
    if not isinstance(component, str) or not isinstance(channels, Mapping):
        raise LocalServiceException(f"{where}: {_HOW_TO}, not {channels!r}")
    addresses: list[ChannelAddress] = []
    for channel, urls in channels.items():
        listed = [urls] if isinstance(urls, str) else urls
        if not isinstance(listed, Sequence) or not all(isinstance(text, str) for text in (channel, *listed)):
            raise LocalServiceException(f"{where}, channel {channel!r}: {_HOW_TO}, not {urls!r}")
        addresses += [ChannelAddress(channel, url) for url in listed]
    return addresses
