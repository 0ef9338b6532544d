"""The implementations, with a health endpoint."""

from service_core import AbstractComponent, ChannelAddress, Health, Server, health, implementation
from service_core.di import injectable
from service_health import HealthCheckManager, HealthStatus, health_check, health_checks
from tests.seed.interface import Data, OtherService, TestComponent, TestService


@health_checks()
@injectable()
class Checks:
    def __init__(self) -> None:
        pass

    @health_check(fail_if_slower_than=1)
    def check_performance(self, result: HealthCheckManager.Result) -> None:
        pass

    @health_check(name="check", cache=10)
    def check(self, result: HealthCheckManager.Result) -> None:
        result.set_status(HealthStatus.OK, "all well")


@health("/test-health")
@implementation()
class TestComponentImpl(AbstractComponent, TestComponent):
    # constructor

    def __init__(self, health_check_manager: HealthCheckManager) -> None:
        super().__init__()

        self.health_check_manager = health_check_manager

    # implement Component

    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return [
            ChannelAddress("dispatch-json", f"http://{Server.get_local_ip()}:{port}"),
            ChannelAddress("dispatch-msgpack", f"http://{Server.get_local_ip()}:{port}"),
            ChannelAddress("fancy", f"fancy://{Server.get_local_ip()}:{port}"),
        ]

    async def get_health(self) -> Health:
        return await self.health_check_manager.check()


@implementation()
class TestServiceImpl(TestService):
    def __init__(self) -> None:
        pass

    def hello(self, message: str) -> str:
        return f"hello {message}"


@implementation()
class OtherServiceImpl(OtherService):
    def __init__(self) -> None:
        pass

    def set_data(self, data: Data) -> Data:
        return data

    async def hello_async(self, message: str) -> str:
        return f"hello {message}"
