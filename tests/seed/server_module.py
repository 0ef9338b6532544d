"""The module of the introduction, with a registry that needs nothing else."""

from service_core import LocalComponentRegistry, ServiceManager, ServiceModule, inject_service
from service_core.di import create, injectable, module
from service_health import HealthModule
from tests.seed import channels, implementation  # noqa: F401 - what is imported is declared
from tests.seed.interface import TestService


@injectable()
class Caller:
    def __init__(self) -> None:
        self.service: TestService | None = None

    @inject_service(preferred_channel="local")
    def set_service(self, service: TestService) -> None:
        self.service = service


@module(imports=[ServiceModule, HealthModule])
class Module:
    def __init__(self) -> None:
        pass

    @create()
    def create_registry(self) -> LocalComponentRegistry:
        return LocalComponentRegistry()


__all__ = ["Caller", "Module", "ServiceManager"]
