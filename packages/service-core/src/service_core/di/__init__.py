"""Dependency injection: an environment creates the declared objects, and checks all dependencies before.

::

    @module(imports=[ServiceModule])
    class Module:
        @create()
        def create_registry(self) -> ConsulComponentRegistry:
            return ConsulComponentRegistry(Server.port, "http://localhost:8500")

    with Environment(Module) as environment:
        service_manager = environment.get(ServiceManager)

It is built on dishka; this package translates declarations to dishka's, and its errors to readable ones.
"""

from service_core.di._declare import (
    create,
    inject,
    inject_environment,
    injectable,
    injection,
    module,
    on_destroy,
    on_init,
    on_running,
)
from service_core.di._environment import Environment
from service_core.markers import order

__all__ = [
    "Environment",
    "create",
    "inject",
    "inject_environment",
    "injectable",
    "injection",
    "module",
    "on_destroy",
    "on_init",
    "on_running",
    "order",
]
