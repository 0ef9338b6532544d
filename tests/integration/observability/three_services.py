"""One trace through three services, each called over another channel, with instances that are down; run as a program.

It writes the spans of the trace as JSON to standard output, and with an argument the picture of them to that file.
"""

from __future__ import annotations

import json
import socket
import sys
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext
from rich.console import Console
from rich.tree import Tree

from service_core import (
    AbstractComponent,
    ChannelAddress,
    Component,
    ComponentRegistry,
    Policy,
    Server,
    Service,
    ServiceManager,
    StaticComponentRegistry,
    component,
    idempotent,
    implementation,
    inject_service,
    service,
)
from service_core.di import create, module
from service_core.rest import get
from service_otel import instrument
from service_server_fastapi import FastAPIServer

CHANNELS = {"orders-component": "dispatch-json", "stock-component": "dispatch-msgpack", "prices-component": "rest"}
addresses: dict[str, dict[str, list[str]]] = {}


@service(name="prices")
class Prices(Service):
    @abstractmethod
    @get("/prices/{article}")
    async def price(self, article: str) -> int: ...


@service(name="stock")
class Stock(Service):
    @abstractmethod
    @idempotent
    async def reserve(self, article: str) -> int: ...


@service(name="orders")
class Orders(Service):
    @abstractmethod
    @idempotent
    def place(self, article: str) -> int: ...


@component(services=[Prices])
class PricesComponent(Component): ...


@component(services=[Stock])
class StockComponent(Component): ...


@component(services=[Orders])
class OrdersComponent(Component): ...


@implementation()
class PricesImpl(Prices):
    async def price(self, article: str) -> int:
        return 7


@implementation()
class StockImpl(Stock):
    @inject_service(preferred_channel="rest")
    def set_prices(self, prices: Prices) -> None:
        self.prices = prices

    async def reserve(self, article: str) -> int:
        return await self.prices.price(article)


@implementation()
class OrdersImpl(Orders):
    @inject_service(preferred_channel="dispatch-msgpack")
    def set_stock(self, stock: Stock) -> None:
        self.stock = stock

    def place(self, article: str) -> int:
        import asyncio

        return asyncio.run(self.stock.reserve(article))


def addresses_of(name: str, port: int) -> list[ChannelAddress]:
    return [ChannelAddress(CHANNELS[name], Server.get_url(port))]


@implementation()
class PricesComponentImpl(AbstractComponent, PricesComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return addresses_of("prices-component", port)


@implementation()
class StockComponentImpl(AbstractComponent, StockComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return addresses_of("stock-component", port)


@implementation()
class OrdersComponentImpl(AbstractComponent, OrdersComponent):
    def get_addresses(self, port: int) -> list[ChannelAddress]:
        return addresses_of("orders-component", port)


@module()
class ThreeServices:
    @create()
    def create_registry(self) -> ComponentRegistry:
        return StaticComponentRegistry(addresses)


@contextmanager
def silent_address() -> Iterator[str]:
    """The URL of a port at which connections are refused."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def spans_of_a_call() -> list[ReadableSpan]:
    """Place an order, and give all spans of it."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with ExitStack() as stack:
        stack.callback(instrument(tracer_provider=provider, meter_provider=MeterProvider()))
        down = [stack.enter_context(silent_address()) for _ in CHANNELS]
        port = free_port()
        up = f"http://127.0.0.1:{port}"
        for (name, channel), url in zip(CHANNELS.items(), down, strict=True):
            addresses[name] = {channel: [url, up]}
        server = stack.enter_context(FastAPIServer("127.0.0.1", port))
        server.boot(ThreeServices)
        registry = StaticComponentRegistry({"orders-component": addresses["orders-component"]})
        with ServiceManager(registry, policy=Policy(backoff=0.001)) as manager:
            orders = manager.get_service(Orders, "dispatch-json")
            for _ in range(100):  # the load balancer begins at one of two; until each call has met one that is down
                exporter.clear()
                orders.place("book")
                spans = list(exporter.get_finished_spans())
                if any(span.events for span in spans):
                    return spans
    raise SystemExit("no call met an instance that is down")


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port: int = bound.getsockname()[1]
        return port


def _identity(span: ReadableSpan) -> SpanContext:
    context = span.get_span_context()
    assert context is not None
    return context


def as_data(span: ReadableSpan) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": span.kind.name,
        "trace": _identity(span).trace_id,
        "id": _identity(span).span_id,
        "parent": span.parent.span_id if span.parent is not None else None,
        "channel": (span.attributes or {}).get("service.channel"),
        "events": [event.name for event in span.events],
    }


def draw(spans: list[ReadableSpan], file: Path) -> None:
    """The spans as a tree, as an SVG."""
    begin = min(span.start_time or 0 for span in spans)
    children: dict[int | None, list[ReadableSpan]] = {}
    for span in sorted(spans, key=lambda span: span.start_time or 0):
        children.setdefault(span.parent.span_id if span.parent is not None else None, []).append(span)
    tree = Tree("one trace")

    def add(branch: Tree, parent: int | None) -> None:
        for span in children.get(parent, ()):
            start, end = (((time or 0) - begin) / 1e6 for time in (span.start_time, span.end_time))
            over = (span.attributes or {}).get("service.channel")
            colour = "cyan" if span.kind.name == "CLIENT" else "green"
            line = f"[{colour}]{span.kind.name.lower():6}[/] [bold]{span.name}[/] {f'over {over} ' if over else ''}"
            node = branch.add(f"{line}[dim]{start:.1f} to {end:.1f} ms[/]")
            for event in span.events:
                node.add(f"[yellow]{event.name}[/] [dim]{((event.timestamp or 0) - begin) / 1e6:.1f} ms[/]")
            add(node, _identity(span).span_id)

    add(tree, None)
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=90, file=nowhere)
        console.print(tree)
    console.save_svg(str(file), title="orders -> stock -> prices", unique_id="trace")


if __name__ == "__main__":
    found = spans_of_a_call()
    sys.stdout.write(json.dumps([as_data(span) for span in found]))
    if len(sys.argv) > 1:
        draw(found, Path(sys.argv[1]))
