"""What users of REST get wrong; each line marked with ``# wrong`` must be an error for mypy and for pyright."""

from abc import abstractmethod
from typing import Annotated

from service_channels_http import HTTPXChannel
from service_core import Service, ServiceManager, service
from service_core.rest import Body, Header, get, post, rest


@service()
@rest("/notes")
class Notes(Service):
    @abstractmethod
    @get("/{key}")
    def read(self, key: str) -> str: ...

    @abstractmethod
    @post("", status="201")  # wrong
    def add(self, note: Annotated[str, Body()]) -> int: ...


def use(manager: ServiceManager, channel: HTTPXChannel) -> None:
    notes = manager.get_service(Notes)
    notes.read(7)  # wrong
    number: str = notes.add("a")  # wrong
    get("/a", colour="red")  # wrong
    get(7)  # wrong
    Header(title="x")  # wrong
    channel.token_provider = lambda: 7  # wrong
    channel.headers = ["x-a: b"]  # wrong
    del number
