"""Streams and routes: what is refused when it is declared."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from service_core import Component, DeclarationException, Service, component, service
from service_core.declaring.catalog import Catalog
from service_core.rest import RouteTable, get, post


@dataclass
class Row:
    number: int


def routes(interface: type[Service]) -> RouteTable:
    catalog = Catalog()
    service(catalog=catalog)(interface)
    owner = component(services=[interface], catalog=catalog)(type("Owner", (Component,), {}))
    return RouteTable.of_component(catalog.component(owner))


def test_streams_both_ways_have_no_route() -> None:
    class Talk(Service):
        @abstractmethod
        @post("/talk")
        def talk(self, words: AsyncIterator[str]) -> AsyncIterator[str]: ...

    with pytest.raises(DeclarationException, match=r"Talk\.talk: streams both ways at once have no route"):
        routes(Talk)


def test_a_stream_as_argument_needs_a_verb_with_a_body() -> None:
    class Upload(Service):
        @abstractmethod
        @get("/rows")
        async def upload(self, rows: AsyncIterator[int]) -> int: ...

    with pytest.raises(DeclarationException, match=r"parameter 'rows' is a stream.*write '@post\(\"/rows\"\)'"):
        routes(Upload)


def test_a_stream_as_argument_is_the_only_body() -> None:
    class Upload(Service):
        @abstractmethod
        @post("/rows")
        async def upload(self, head: Row, rows: AsyncIterator[int]) -> int: ...

    with pytest.raises(DeclarationException, match="two bodies, parameters 'head' and 'rows'"):
        routes(Upload)


def test_a_stream_needs_a_status_with_a_body() -> None:
    class Watch(Service):
        @abstractmethod
        @get("/rows", status=204)
        def rows(self) -> AsyncIterator[int]: ...

    with pytest.raises(DeclarationException, match="an answer with status 204 has no body"):
        routes(Watch)


def test_a_stream_is_no_parameter_of_the_request() -> None:
    class Upload(Service):
        @abstractmethod
        @post("/rows/{name}")
        async def upload(self, rows: AsyncIterator[Any], name: str) -> int: ...

    (route_codec,) = routes(Upload)
    assert [parameter.name for parameter in route_codec.parameters] == ["name"]
    assert route_codec.write_input([1, "a"]) == b'1\n"a"\n'
