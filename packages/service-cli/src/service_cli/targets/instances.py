"""Instances: what runs where, from URLs, from a file of addresses, or from Consul."""

from __future__ import annotations

import json
import os
import re
import time
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from service_cli.failures import CommandFailure, ExitCode
from service_cli.targets.descriptions import fetch_description
from service_cli.targets.http import GET_TIMEOUT, get
from service_core import ChannelAddress, LocalServiceException, StaticComponentRegistry
from service_core.addresses import parse_addresses
from service_core.describing import ComponentDescription

_META_KEY: Final = re.compile(r"channel-([A-Za-z0-9_-]+)")
_MOST_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where instances are looked up; exactly one of the three is given."""

    urls: tuple[str, ...] = ()
    consul: str = ""
    file: str = ""
    token: str = ""
    """The bearer token for the servers."""

    def __post_init__(self) -> None:
        if sum(map(bool, (self.urls, self.consul, self.file))) != 1:
            raise CommandFailure(
                "instances come from URLs, from --consul URL or from --file FILE: use one of them",
                remedy="service list http://127.0.0.1:8000",
                code=ExitCode.USAGE,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """One component at one address."""

    component: str
    url: str
    channels: tuple[str, ...]
    health: str
    """The status of readiness, or the reason why it is unknown."""
    latency: float | None
    """Seconds that the answer about its health took, None without one."""
    digest: str = ""
    """Of its interface; empty if it does not describe itself."""


def inspect_instances(source: Source) -> list[Instance]:
    """All instances with their health, as they are now. Raises CommandFailure if nothing can be looked up."""
    if source.urls:
        with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
            return [
                one
                for found in pool.map(lambda url: _at(url, source.token, is_only=len(source.urls) == 1), source.urls)
                for one in found
            ]
    by_url = [
        (component, url, channels)
        for component, addresses in addresses_of(source).items()
        for url, channels in _by_url(addresses).items()
    ]
    with ThreadPoolExecutor(_MOST_AT_ONCE) as pool:
        return list(pool.map(lambda one: _inspect(*one), by_url))


def addresses_of(source: Source) -> Mapping[str, Sequence[ChannelAddress]]:
    """The addresses of each component in Consul or in a file. Raises CommandFailure."""
    return _in_consul(source.consul) if source.consul else _in_file(Path(source.file))


def _in_file(file: Path) -> dict[str, list[ChannelAddress]]:
    try:
        registry = StaticComponentRegistry.from_file(file)
        names = (tomllib.loads if file.suffix == ".toml" else json.loads)(file.read_text(encoding="utf-8"))
    except (LocalServiceException, OSError) as error:
        raise CommandFailure(str(error), code=ExitCode.USAGE) from None
    return {
        name: [
            ChannelAddress(channel, url)
            for channel, found in (registry.snapshot(name) or {}).items()
            for url in found.urls
        ]
        for name in names
    }


def _in_consul(url: str) -> dict[str, list[ChannelAddress]]:
    found: dict[str, list[ChannelAddress]] = {}
    for name in sorted(_ask_consul(url, "/v1/catalog/services")):
        entries = _ask_consul(url, f"/v1/health/service/{name}")
        addresses = [address for entry in entries for address in _channels(entry["Service"].get("Meta") or {})]
        if addresses:
            found[name] = addresses
    return found


def _ask_consul(url: str, path: str) -> Any:
    token = os.environ.get("CONSUL_HTTP_TOKEN", "")
    base = url if "://" in url else f"http://{url}"
    response = get(f"{base.rstrip('/')}{path}", headers={"x-consul-token": token} if token else {})
    if response.status_code != 200:
        raise CommandFailure(
            f"Consul at {base} answers {path} with HTTP {response.status_code}: {response.text[:200]}",
            remedy="set CONSUL_HTTP_TOKEN if it needs a token",
        )
    try:
        return response.json()
    except ValueError:
        raise CommandFailure(f"{base} is not a Consul agent: its answer is not JSON") from None


def _channels(meta: Mapping[str, str]) -> list[ChannelAddress]:
    """The addresses of a registration, none if it is not one of this framework's."""
    try:
        addresses = parse_addresses(meta.get("channels", ""))
    except ValueError:
        return []
    for key in sorted(meta):
        entry = _META_KEY.fullmatch(key)
        if entry is not None:
            addresses += [ChannelAddress(entry[1], uri) for uri in meta[key].split(",")]
    return list(dict.fromkeys(addresses))


def _by_url(addresses: Iterable[ChannelAddress]) -> dict[str, tuple[str, ...]]:
    by_url: dict[str, tuple[str, ...]] = {}
    for address in addresses:
        by_url[address.uri] = (*by_url.get(address.uri, ()), address.channel)
    return by_url


def _at(url: str, token: str, *, is_only: bool) -> list[Instance]:
    try:
        description = fetch_description(url, token=token)
    except CommandFailure as failure:
        if is_only:
            raise
        is_there = failure.code is not ExitCode.UNREACHABLE
        health, latency = _health(url) if is_there else ("unreachable", None)
        return [Instance(component="-", url=url, channels=(), health=health, latency=latency)]
    health, latency = _health(url)
    return [
        Instance(
            component=component.name,
            url=url,
            channels=tuple(channel.name for channel in component.channels),
            health=health,
            latency=latency,
            digest=component.digest,
        )
        for component in description.components
    ]


def _inspect(component: str, url: str, channels: tuple[str, ...]) -> Instance:
    """An instance from a registry; addresses from there get no token."""
    health, latency = _health(url)
    described = _described(component, url) if latency is not None else None
    digest = described.digest if described is not None else ""
    return Instance(component=component, url=url, channels=channels, health=health, latency=latency, digest=digest)


def _described(component: str, url: str) -> ComponentDescription | None:
    try:
        described = fetch_description(url)
    except CommandFailure:
        return None
    return next((one for one in described.components if one.name == component), None)


def _health(url: str) -> tuple[str, float | None]:
    """The server's readiness, and the duration of the request."""
    begin = time.perf_counter()
    try:
        response = get(f"{url.rstrip('/')}/health/ready", timeout=GET_TIMEOUT)
    except CommandFailure:
        return "unreachable", None
    latency = time.perf_counter() - begin
    try:
        return str(response.json()["status"]).lower(), latency
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}", latency
