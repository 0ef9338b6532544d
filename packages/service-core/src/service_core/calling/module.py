"""The module that brings the framework's own objects into a container."""

from __future__ import annotations

from typing import Final

from service_core.calling.channel_factory import ChannelFactory
from service_core.calling.service_manager import ServiceManager
from service_core.declaring.policy import Policy
from service_core.di import Environment, create, module, on_destroy
from service_core.registry.base import ComponentRegistry
from service_core.resilience.events import CallObservers

_DEFAULT: Final = Policy()
_NO_OBSERVERS: Final = CallObservers()


@module()
class ServiceModule:
    """Import it to get a ServiceManager; some module must create a ComponentRegistry."""

    def __init__(self) -> None:
        self._manager: ServiceManager | None = None

    @create()
    def create_channel_factory(self, environment: Environment) -> ChannelFactory:
        """Channels are made by the container, so they are injected and advised."""
        return ChannelFactory(create=environment.create, catalog=environment.catalog)

    @create()
    def create_service_manager(
        self,
        environment: Environment,
        registry: ComponentRegistry,
        factory: ChannelFactory,
        policy: Policy = _DEFAULT,
        observers: CallObservers = _NO_OBSERVERS,
    ) -> ServiceManager:
        """One manager for the whole environment; modules may create the policy and the observers of its calls."""
        self._manager = ServiceManager(
            registry,
            factory,
            implementations=environment,
            policy=policy,
            observers=observers,
            catalog=environment.catalog,
        )
        return self._manager

    @on_destroy()
    def close(self) -> None:
        """Release what the manager holds."""
        if self._manager is not None:
            self._manager.close()
