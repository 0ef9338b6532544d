"""The module that brings the manager into a container."""

from __future__ import annotations

from service_core.di import Environment, create, module, on_running
from service_health.decorators import has_health_checks
from service_health.manager import HealthCheckManager

__all__ = ["HealthModule"]


@module()
class HealthModule:
    """Import it to get a HealthCheckManager that runs the checks of all objects that the environment makes.

    They are collected when the environment is up, so a class with checks may itself need the manager, and a
    name that is taken twice ends the boot with DeclarationException. An object made by a ``@create`` method is
    found if the method's return type is decorated with ``@health_checks()``.
    """

    def __init__(self) -> None:
        self._manager = HealthCheckManager()

    @create()
    def create_health_check_manager(self) -> HealthCheckManager:
        """One manager for the whole environment."""
        return self._manager

    @on_running()
    def collect(self, environment: Environment) -> None:
        """Hand the checks to the manager."""
        for kind in environment.types():
            if isinstance(kind, type) and has_health_checks(kind):
                self._manager.add(environment.get(kind))
