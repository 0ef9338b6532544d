"""The registry with fixed addresses."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

from service_core.addresses import ChannelAddress, parse_addresses
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.errors import LocalServiceException
from service_core.registry.base import ComponentRegistry, snapshot_of


class StaticComponentRegistry(ComponentRegistry):
    """Knows the addresses that it was given, and nothing else.

    They are given by component and channel, as one URL or as several; or as text, the way registries write it::

        {"test-component": {"dispatch-json": "http://10.0.0.7:8000"}}
        {"test-component": {"dispatch-json": ["http://10.0.0.7:8000", "http://10.0.0.8:8000"]}}
        {"test-component": "dispatch-json(http://10.0.0.7:8000)"}

    Instead of a URL an instance may be a mapping with ``url`` and what selectors look at, such as its zone::

        {"test-component": {"dispatch-json": [{"url": "http://10.0.0.7:8000", "zone": "a", "weight": 5}]}}

    Registering with it has no effect: clients of this server get its address in another way.
    """

    is_shared = False

    def __init__(self, components: Mapping[str, Any]) -> None:
        super().__init__()
        if not isinstance(components, Mapping):
            raise LocalServiceException(f"{_HOW_TO}, not {type(components).__name__}")
        self._given = sorted(map(str, components))
        for component, channels in components.items():
            metadata: dict[str, dict[str, str]] = {}
            addresses = _read_addresses(component, channels, metadata)
            self._followed.add(component)
            self.publish(component, snapshot_of(component, [addresses], metadata))

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
        return f"StaticComponentRegistry with {', '.join(self._given) or 'no component'}"


_HOW_TO: Final = "addresses are given as {component: {channel: url or [urls]}} or {component: 'channel(url),...'}"


def _read_addresses(component: Any, channels: Any, metadata: dict[str, dict[str, str]]) -> list[ChannelAddress]:
    where = f"component {component!r}"
    if isinstance(component, str) and isinstance(channels, str):
        try:
            return parse_addresses(channels)
        except ValueError as error:
            remedy = f"; write {{{component!r}: {{'dispatch-msgpack': {channels!r}}}}}" if "://" in channels else ""
            raise LocalServiceException(f"{where}: {error}{remedy}") from error
    if not isinstance(component, str) or not isinstance(channels, Mapping):
        raise LocalServiceException(f"{where}: {_HOW_TO}, not {channels!r}")
    addresses: list[ChannelAddress] = []
    for channel, urls in channels.items():
        listed = [urls] if isinstance(urls, str | Mapping) else urls
        if not isinstance(listed, Sequence) or not isinstance(channel, str):
            raise LocalServiceException(f"{where}, channel {channel!r}: {_HOW_TO}, not {urls!r}")
        for instance in listed:
            url, about = _read_instance(instance)
            if not isinstance(url, str):
                raise LocalServiceException(f"{where}, channel {channel!r}: {_HOW_TO}, not {urls!r}")
            if ":" in url and "://" not in url:
                raise LocalServiceException(f"{where}, channel {channel!r}: write 'http://{url}', with a scheme")
            addresses.append(ChannelAddress(channel, url))
            metadata.setdefault(url, {}).update(about)
    return addresses


def _read_instance(instance: Any) -> tuple[Any, dict[str, str]]:
    """The URL of an instance, and what is said about it."""
    if not isinstance(instance, Mapping):
        return instance, {}
    return instance.get("url"), {str(name): str(value) for name, value in instance.items() if name != "url"}
