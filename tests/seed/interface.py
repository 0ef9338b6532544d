"""The interface layer, as the original's introduction has it."""

from abc import abstractmethod
from dataclasses import dataclass

from service_core import Component, Service, component, service


@service(name="test-service", description="test service")
class TestService(Service):
    @abstractmethod
    def hello(self, message: str) -> str:
        pass


@dataclass
class Data:
    value: str


@service()
class OtherService(Service):
    @abstractmethod
    def set_data(self, data: Data) -> Data:
        pass

    @abstractmethod
    async def hello_async(self, message: str) -> str:
        pass


@component(name="test-component", services=[TestService, OtherService])
class TestComponent(Component):
    pass
