"""What users get wrong; each line marked with ``# wrong`` must be an error for mypy and for pyright."""

from abc import abstractmethod

from service_core import (
    ChannelAddress,
    Service,
    ServiceManager,
    StaticComponentRegistry,
    component,
    idempotent,
    implementation,
    raises,
    service,
)
from service_core.di import Environment


@service()
class Typed(Service):
    @abstractmethod
    @idempotent
    def hello(self, message: str) -> str: ...

    @abstractmethod
    async def later(self, message: str) -> str: ...


@implementation()
class TypedImpl(Typed):
    def hello(self, message: int) -> str:  # wrong
        return ""

    async def later(self, message: str) -> str:
        return ""


async def use(manager: ServiceManager, environment: Environment) -> None:
    typed = manager.get_service(Typed)
    typed.hello(1)  # wrong
    typed.helo("a")  # wrong
    text: int = typed.hello("a")  # wrong
    later: str = typed.later("a")  # wrong
    manager.get_service("typed")  # wrong
    environment.get(3)  # wrong
    ServiceManager({"typed": "http://127.0.0.1"})  # wrong
    StaticComponentRegistry(["http://127.0.0.1"])  # wrong
    ChannelAddress("dispatch-json", 8000)  # wrong
    raises("NotFound")  # wrong
    component(services=[Typed()])  # wrong
    del text, later
