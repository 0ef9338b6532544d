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
    LocalServiceException,
    Server,
    Service,
    TokenVerifier,
    default_catalog,
)
from service_core.di import create, module
from service_core.hosting import implemented_interfaces
from service_core.rest import route_of
from service_server_fastapi.server import FastAPIServer
from service_server_fastapi.settings import ServerSettings

if TYPE_CHECKING:
    from fastapi import FastAPI

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

    ``async with`` starts and stops it alike. The services are available over ``dispatch-json`` and
    ``dispatch-msgpack``, and over ``rest`` if a service of the component has routes. A component that is not among the
    implementations needs none. ``host`` is ``127.0.0.1``, this machine alone, and ``port`` 8000, unless the settings or
    their variables set them; port 0 picks a free one. ``uds`` is the path of a Unix domain socket to listen on instead.
    ``registry`` registers the components, by default for this process only.

    Raises DeclarationException if an object implements no service or differs from its interface, on entry every error
    of :meth:`FastAPIServer.boot`.
    """
    if isinstance(verifier, type):
        raise DeclarationException(f"serve(verifier=...) takes an object; pass {verifier.__name__}()")
    server = _ImplementationServer(
        host, port, app, uds=uds, expose_errors=expose_errors, verifier=verifier, settings=settings
    )
    server.host_implementations(implementations, registry)
    return server


class _ImplementationServer(FastAPIServer):
    """A server that starts when its ``with`` or ``async with`` block is entered; created by :func:`serve`."""

    _default_host = "127.0.0.1"
    _registry: ComponentRegistry

    def host_implementations(self, implementations: Sequence[object], registry: ComponentRegistry | None) -> None:
        """Add the objects. Raises DeclarationException."""
        if registry is not None and not isinstance(registry, ComponentRegistry):
            raise DeclarationException(f"serve(registry=...) takes a ComponentRegistry, not {registry!r}")
        self._registry = registry or LocalComponentRegistry()
        self._parts.instances += [*implementations, *_components_of(implementations)]

    def __enter__(self) -> Self:
        registry = self._registry

        @module()
        class ServedModule:
            @create()
            def create_registry(self) -> ComponentRegistry:
                return registry

        self.boot(ServedModule)
        return self

    def wait(self) -> None:
        """Wait until a signal or :meth:`stop` has stopped the server; then return.

        Raises LocalServiceException if the block has not been entered, and the error of the stop.
        """
        if not self._is_used:
            raise LocalServiceException("the server is not started; write 'with serve(...) as server: server.wait()'")
        super().wait()

    def __repr__(self) -> str:
        return f"<serve {', '.join(type(each).__name__ for each in self._parts.instances)}>"


def _components_of(implementations: Sequence[object]) -> list[object]:
    """An implementation of each component that has none among the given objects."""
    if not implementations:
        raise DeclarationException("serve() got no implementation; write serve(GreeterImpl())")
    interfaces: dict[type, object] = {}
    for implementation in implementations:
        for interface in _interfaces_of(implementation):
            if interface in interfaces:
                raise DeclarationException(f"serve() got two objects that implement {interface.__name__}; pass one")
            interfaces[interface] = implementation
    services = [interface for interface in interfaces if issubclass(interface, Service)]
    components = {owner.type: owner for owner in map(default_catalog.component_of, services)}
    return [_component(owner) for kind, owner in components.items() if kind not in interfaces]


def _interfaces_of(implementation: object) -> list[type]:
    if isinstance(implementation, int | str):
        name = "port" if isinstance(implementation, int) else "host"
        raise DeclarationException(f"serve() got {implementation!r} as an object; write {name}={implementation!r}")
    try:
        return implemented_interfaces(implementation, default_catalog)
    except DeclarationException as error:
        raise DeclarationException(f"serve(): {error}") from None


def _component(descriptor: ComponentDescriptor) -> object:
    methods = [method for service in descriptor.services for method in service.methods.values()]
    has_routes = any(route_of(method.function) for method in methods)
    channels = (*_DISPATCH, "rest") if has_routes else _DISPATCH

    def get_addresses(_self: Any, port: int) -> list[ChannelAddress]:
        return [ChannelAddress(channel, Server.get_url(port)) for channel in channels]

    bases = (AbstractComponent, descriptor.type)
    return type(f"{descriptor.type.__name__}Impl", bases, {"get_addresses": get_addresses})()
