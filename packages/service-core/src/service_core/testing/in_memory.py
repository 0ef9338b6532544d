"""Services without a network: calls are encoded, decoded, executed and answered as over HTTP, but stay in the process.

:func:`in_memory` is enough to test a service. :class:`InMemoryNetwork` has several servers, which can be started and
stopped, for tests of callers.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection
from typing import Any, Final

from service_core.calling.channel_factory import ChannelFactory
from service_core.calling.service_manager import ServiceManager
from service_core.declaring.catalog import Catalog, default_catalog
from service_core.declaring.interfaces import Service
from service_core.hosting.hosted_services import HostedService
from service_core.hosting.token_verifier import TokenVerifier
from service_core.registry.base import LocalComponentRegistry
from service_core.testing.faults import FaultPlan
from service_core.testing.in_memory_channel import (
    InMemoryChannel,
    InMemoryJSONChannel,
    InMemoryMSGPackChannel,
    Links,
)
from service_core.testing.in_memory_server import InMemoryServer
from service_core.testing.scripted_registry import ScriptedRegistry

# A catalog of their own, so that other managers do not find them.
_CHANNELS: Final = Catalog()
_CHANNELS.add_channel("dispatch-json", InMemoryJSONChannel)
_CHANNELS.add_channel("dispatch-msgpack", InMemoryMSGPackChannel)


def in_memory(
    *implementations: object,
    channel: str = "dispatch-json",
    faults: FaultPlan | None = None,
    expose_errors: bool = False,
    verifier: TokenVerifier | None = None,
    forward_token: bool | Collection[type] = False,
    catalog: Catalog = default_catalog,
) -> ServiceManager:
    """A manager whose services are these implementations, called over a channel in memory.

    ``channel`` is ``dispatch-json`` or ``dispatch-msgpack``; ``faults`` are injected into the transport;
    ``expose_errors`` sends the messages of errors that are not declared. ``verifier`` requires tokens; that of the
    calling context, set by ``bearer_token``, is forwarded by ``forward_token`` or the component's declaration. The
    manager's registry is a :class:`ScriptedRegistry`. Raises DeclarationException if an object implements no
    service.
    """
    network = InMemoryNetwork(faults=faults, expose_errors=expose_errors, verifier=verifier, catalog=catalog)
    url = network.start(*implementations)
    registry = ScriptedRegistry({component: {channel: url} for component in network.components(url)})
    return ServiceManager(registry, network.channel_factory, forward_token=forward_token, catalog=catalog)


class InMemoryNetwork:
    """Servers of this process, and the channels by which managers reach them. Safe to use from several threads.

    A manager uses it if it is created with its :attr:`channel_factory` and a registry that has its addresses.
    """

    def __init__(
        self,
        *,
        faults: FaultPlan | None = None,
        expose_errors: bool = False,
        verifier: TokenVerifier | None = None,
        catalog: Catalog = default_catalog,
    ) -> None:
        self.faults = faults or FaultPlan()
        """The faults on the way to all servers."""
        self.channel_factory: ChannelFactory = ChannelFactory(create=self._create, catalog=_CHANNELS)
        """Creates the channels ``dispatch-json`` and ``dispatch-msgpack`` of this network."""
        self._links = Links(faults=self.faults)
        self._expose_errors = expose_errors
        self._verifier = verifier
        self._catalog = catalog
        self._numbers = itertools.count(1)

    def start(self, *implementations: object, url: str = "") -> str:
        """Serve the implementations; returns the address, a new one unless ``url`` is given.

        Raises DeclarationException if an object implements no service of a component.
        """
        address = url or f"memory://{next(self._numbers)}"
        self._links.servers[address] = InMemoryServer(
            _hosted(implementations, self._catalog), expose_errors=self._expose_errors, verifier=self._verifier
        )
        return address

    def stop(self, url: str) -> None:
        """Stop a server as if its process was killed: calls in flight get no answer, later ones no connection."""
        self._links.servers.pop(url, None)

    def components(self, url: str) -> list[str]:
        """The names of the components that the server at an address hosts; none if there is no server."""
        server = self._links.servers.get(url)
        return server.components if server is not None else []

    def _create(self, cls: type[Any]) -> Any:
        return cls(self._links) if issubclass(cls, InMemoryChannel) else cls()


def _hosted(implementations: tuple[object, ...], catalog: Catalog) -> list[HostedService]:
    for implementation in implementations:
        for interface in catalog.interfaces_of(type(implementation)):
            if issubclass(interface, Service):
                catalog.component_of(interface)  # raises if it has none
    with ServiceManager(LocalComponentRegistry(), implementations=implementations, catalog=catalog) as manager:
        return manager.hosted_services()
