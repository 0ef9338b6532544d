"""Calls of a callee, over the channel that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from service_channels_http import HTTPXChannel
from service_cli.calling.interface import make_interface
from service_cli.targets.callees import Callee
from service_core import ChannelFactory, Policy, ServiceManager, StaticComponentRegistry
from service_core.describing import MethodDescription


@contextmanager
def callable_of(callee: Callee, *, token: str, policy: Policy, is_async: bool = False) -> Iterator[Callable[..., Any]]:
    """The method as a function of keyword arguments, as long as the block lasts; a stream is given as a list."""
    interface, catalog = make_interface(callee, is_async=is_async)
    registry = StaticComponentRegistry({callee.component.name: {callee.channel: list(callee.urls)}})
    factory = ChannelFactory(create=_maker(token), catalog=catalog)
    with ServiceManager(registry, factory, policy=policy, catalog=catalog) as manager:
        invoke = getattr(manager.get_service(interface, callee.channel), callee.method.name)
        streams = [parameter.name for parameter in callee.method.parameters if parameter.value.stream]

        def call(**given: Any) -> Any:
            return invoke(**given | {name: iter(given[name]) for name in streams if name in given})

        yield call if streams else invoke


def sends_bytes(method: MethodDescription) -> bool:
    """Whether an argument holds bytes, which msgpack has a form of its own for, unlike JSON."""
    return any(_has_bytes(parameter.value.schema) for parameter in method.parameters)


def _has_bytes(schema: Any) -> bool:
    if isinstance(schema, dict):
        return "contentEncoding" in schema or any(_has_bytes(part) for part in schema.values())
    return isinstance(schema, list) and any(_has_bytes(part) for part in schema)


def _maker(token: str) -> Callable[[type[Any]], Any]:
    def create(cls: type[Any]) -> Any:
        made = cls()
        if token and isinstance(made, HTTPXChannel):
            made.token_provider = lambda: token
        return made

    return create
