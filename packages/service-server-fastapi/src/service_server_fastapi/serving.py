"""``serve``: a server for ready implementations, without modules and without a container."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Self

from service_core import (
    AbstractComponent,
    ChannelAddress,
    ComponentDescriptor,
    ComponentRegistry,
    DeclarationException,
    LocalComponentRegistry,
    Server,
    Service,
    TokenVerifier,
    default_catalog,
)
from service_core.di import create, module
from service_core.rest.verbs import route_of
from service_server_fastapi.server import FastAPIServer
from service_server_fastapi.settings import ServerSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

__all__ = ["serve"]

_DISPATCH: Final = ("dispatch-json", "dispatch-msgpack")


def serve(
    *implementations: object,
    host: str | None = None,
    port: int | None = None,
    uds: str | os.PathLike[str] | None = None,
    app: FastAPI | None = None,
    registry: ComponentRegistry | None = None,
    verifier: TokenVerifier | None = None,
    expose_errors: bool | None = None,
    settings: ServerSettings | None = None,
) -> FastAPIServer:
    """A server for these implementations that starts when its ``with`` block is entered and stops when it is left::

        with serve(GreeterImpl(), port=8000) as server:
            server.wait()

    The services are available over ``dispatch-json`` and ``dispatch-msgpack``, and over ``rest`` if a service of the
    component has routes. A component that is not among the implementations needs none. ``host`` is ``127.0.0.1``, this
    machine alone, and ``port`` 8000 by default; port 0 picks a free one. ``uds`` is the path of a Unix domain socket to
    listen on instead. ``registry`` registers the components, by default for this process only.
    Raises DeclarationException if an object implements no service, on entry every error of :meth:`FastAPIServer.boot`.
    """
    if uds is None and (settings is None or settings.uds is None):
        host, port = "127.0.0.1" if host is None else host, 8000 if port is None else port
    server = _ImplementationServer(
        host, port, app, uds=uds, expose_errors=expose_errors, verifier=verifier, settings=settings
    )
    server.host_implementations(implementations, registry)
    return server


class _ImplementationServer(FastAPIServer):
    """Boots when its block is entered."""

    _registry: ComponentRegistry

    def host_implementations(self, implementations: Sequence[object], registry: ComponentRegistry | None) -> None:
        """Add the objects. Raises DeclarationException."""
        self._registry = registry or LocalComponentRegistry()
        self._instances += [*implementations, *_components_of(implementations)]

    def __enter__(self) -> Self:
        registry = self._registry

        @module()
        class ServedModule:
            @create()
            def create_registry(self) -> ComponentRegistry:
                return registry

        self.boot(ServedModule)
        return self


def _components_of(implementations: Sequence[object]) -> list[object]:
    """An implementation of each component that has none among the given objects."""
    if not implementations:
        raise DeclarationException("serve() got no implementation; write serve(GreeterImpl())")
    interfaces = {interface for each in implementations for interface in _interfaces_of(each)}
    services = [interface for interface in interfaces if issubclass(interface, Service)]
    components = {owner.type: owner for owner in map(default_catalog.component_of, services)}
    return [_component(owner) for kind, owner in components.items() if kind not in interfaces]


def _interfaces_of(implementation: object) -> list[type]:
    if isinstance(implementation, type):
        raise DeclarationException(
            f"serve() got the class {implementation.__name__}; pass an object: {implementation.__name__}()"
        )
    interfaces = default_catalog.interfaces_of(type(implementation))
    if not interfaces:
        raise DeclarationException(
            f"serve() got an object of {type(implementation).__name__}, which implements nothing: none of its base "
            f"classes is decorated with @service() or @component()"
        )
    return interfaces


def _component(descriptor: ComponentDescriptor) -> object:
    methods = [method for service in descriptor.services for method in service.methods.values()]
    has_routes = any(route_of(method.function) for method in methods)
    channels = (*_DISPATCH, "rest") if has_routes else _DISPATCH

    def get_addresses(_self: Any, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, Server.get_url(port)) for channel in channels]

    bases = (AbstractComponent, descriptor.type)
    return type(f"{descriptor.type.__name__}Impl", bases, {"get_addresses": get_addresses})()
