"""What users of REST write; mypy --strict and pyright must find nothing here."""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, assert_type

from service_channels_http import HTTPXChannel, RestChannel
from service_core import Service, ServiceManager, bearer_token, raises, service
from service_core.rest import Body, Header, PathParam, QueryParam, delete, get, patch, post, put, rest


@dataclass
class Note:
    text: str


@service()
@rest("/notes", tags=["notes"])
class Notes(Service):
    @abstractmethod
    @get("/{key}", summary="Read", examples=[{"text": "a"}])
    @raises(KeyError)
    def read(self, key: Annotated[str, PathParam(description="Which one.")]) -> Note: ...

    @abstractmethod
    @get("")
    async def find(self, *, words: Annotated[list[str], QueryParam(name="q", example=["a"])]) -> list[Note]: ...

    @abstractmethod
    @post("", status=201, tags=["new"])
    def add(self, note: Annotated[Note, Body()], key: Annotated[str, Header(name="idempotency-key")] = "") -> int: ...

    @abstractmethod
    @put("/{key}", deprecated=True)
    def store(self, key: str, note: Note) -> None: ...

    @abstractmethod
    @patch("/{key}", description="Text alone.")
    async def edit(self, key: str, text: Annotated[str, Body()]) -> Note: ...

    @abstractmethod
    @delete("/{key}")
    def remove(self, key: str) -> None: ...


async def use(manager: ServiceManager) -> None:
    notes = manager.get_service(Notes, preferred_channel="rest")
    assert_type(notes, Notes)
    with bearer_token("t"):
        assert_type(notes.read("a"), Note)
    assert_type(await notes.find(words=["a"]), list[Note])
    assert_type(notes.add(Note("a")), int)


class OwnChannel(RestChannel):
    def customize(self) -> None:
        self.headers["x-api-version"] = "1"
        self.token_provider = own_token
        self.forward_token = True


async def own_token() -> str:
    return "t"


def sync_token(channel: HTTPXChannel) -> None:
    channel.token_provider = lambda: "t"
