"""The ways on which a value of a drawn type is sent, and what becomes of it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from service_core import Catalog, Component, Policy, Service, ServiceManager, component, implementation, service
from service_core.declaring.descriptors import ParameterDescriptor
from service_core.errors import ArgumentException, DeclarationException
from service_core.rest import Location, RestParameter
from service_core.rest.template import PathTemplate
from service_core.testing import InMemoryNetwork, ScriptedRegistry
from service_core.wire import WireType
from service_core.wire.msgpack_io import pack, unpack
from tests.integration.calls.drawn_types import Drawn, alike

__all__ = ["REFUSED", "Ways", "calling", "over_text"]

REFUSED = "refused"
CHANNELS = ("dispatch-json", "dispatch-msgpack")
_TEMPLATE = PathTemplate("/things/{value}", "Thing.find")


class Ways:
    """The encodings of a type as a whole: JSON, msgpack, and the body of a REST request."""

    def __init__(self, drawn: Drawn) -> None:
        """Raises DeclarationException if values of the type cannot be sent."""
        by_name = WireType(drawn.type, "drawn")
        self._ways: list[tuple[Callable[[Any], bytes], Callable[[bytes], Any]]] = [
            (by_name.to_json, by_name.from_json),
            (lambda value: pack(by_name.to_plain(value), "drawn"), lambda data: by_name.from_plain(unpack(data))),
        ]
        try:
            body = WireType(drawn.type, "drawn", by_alias=True)
        except DeclarationException:
            return  # a model whose aliases contradict each other
        self._ways.append((body.to_json, body.from_json))

    def outcomes(self, value: Any) -> Iterator[str]:
        """What becomes of a value on each way: empty, ``refused``, or what is wrong with it."""
        for write, read in self._ways:
            try:
                written = write(value)
            except ArgumentException:
                yield REFUSED
            else:
                yield compared(value, read(written))


def compared(value: Any, arrived: Any) -> str:
    return "" if alike(value, arrived) else f"{value!r} arrives as {arrived!r}"


def over_text(drawn: Drawn, random: Random) -> Callable[[Any], str] | None:
    """What becomes of a value in a path, a query or a header, one of which is drawn; None if the type is refused."""
    place = random.choice([Location.PATH, Location.QUERY, Location.HEADER])
    try:
        parameter = RestParameter(ParameterDescriptor(name="value", annotation=drawn.type), place, None, "Thing.find")
    except DeclarationException:
        return None

    def sent(value: Any) -> str:
        try:
            texts = parameter.write(value)
            read = _carried(place, texts)
        except (ArgumentException, ValueError):  # the latter is what a path says of "." and of empty values
            return REFUSED
        arrived = parameter.read_absent() if not texts else parameter.read(read if parameter.is_list else read[-1])
        return compared(value, arrived)

    return sent


def _carried(place: Location, texts: Sequence[str]) -> list[str]:
    """The texts as the server finds them in the request."""
    if place is Location.PATH:
        found = _TEMPLATE.match(_TEMPLATE.expand({"value": "".join(texts)}))
        return [] if found is None else [found["value"]]
    if place is Location.QUERY:
        query = urlencode([("value", text) for text in texts], quote_via=quote, safe="")
        return [text for _, text in parse_qsl(query, keep_blank_values=True)]
    return [text.encode("latin-1").decode("latin-1") for text in texts]


@contextmanager
def calling(types: Sequence[Drawn]) -> Iterator[Callable[[int, Any], list[str]]]:
    """A service in memory with a method for each type; gives a function that sends a value by the type's index."""
    catalog, arrived = Catalog(), list[Any]()
    methods = {f"m{index}": _method(f"m{index}", drawn.type) for index, drawn in enumerate(types)}
    interface = type("Things", (Service,), {name: abstractmethod(method) for name, method in methods.items()})
    service(name="things", catalog=catalog)(interface)

    class Place(Component): ...

    component(name="place", services=[interface], catalog=catalog)(Place)

    def echo(name: str) -> Callable[..., Any]:
        def run(self: Any, value: Any) -> Any:
            arrived.append(value)
            return value

        run.__name__, run.__annotations__ = name, methods[name].__annotations__
        return run

    made = implementation(catalog=catalog)(type("ThingsImpl", (interface,), {name: echo(name) for name in methods}))
    network = InMemoryNetwork(catalog=catalog)
    url = network.start(made())
    registry = ScriptedRegistry({"place": dict.fromkeys(CHANNELS, url)})
    policy = Policy(timeout=None)  # a busy machine may take its time
    with ServiceManager(registry, network.channel_factory, catalog=catalog, policy=policy) as manager:
        proxies: list[Any] = [manager.get_service(interface, channel) for channel in CHANNELS]

        def call(index: int, value: Any) -> list[str]:
            outcomes = []
            for proxy in proxies:
                arrived.clear()
                try:
                    result = getattr(proxy, f"m{index}")(value)
                except ArgumentException:
                    outcomes.append(REFUSED)
                else:
                    outcomes.append(compared(value, arrived[0]) or compared(value, result))
            return outcomes

        yield call


def _method(name: str, kind: Any) -> Callable[..., Any]:
    def method(self: Any, value: Any) -> Any: ...

    method.__name__, method.__annotations__ = name, {"value": kind, "return": kind}
    return method
