"""What our code costs without any transport: proxy, selector, deadline and codec; and services of this process."""

from __future__ import annotations

from typing import Any, ClassVar

from benchmarks.programs.orders import one_at_a_time, take_orders
from benchmarks.programs.ours_sync import CATALOG, Benchmark, BlockingBenchmark
from benchmarks.programs.ours_values import Person
from benchmarks.programs.person import PERSON
from service_channels_http import DispatchJSONChannel, DispatchMSGPackChannel, HTTPReply, HTTPRequest
from service_core import (
    ChannelFactory,
    ServiceManager,
    StaticComponentRegistry,
    channel,
    implementation,
)
from service_core.wire import JSON, MSGPACK, Codec, MethodCodec


class _Canned:
    """Answers each request with the reply to the first one of its kind."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        component = CATALOG.component_of(Benchmark)
        service = CATALOG.service(Benchmark)
        answers = {"hello": "hello world", "model": Person(**PERSON)}
        self._replies = {
            name: self._reply(MethodCodec(component, service, method), answers[name])
            for name, method in service.methods.items()
            if name in answers
        }

    def _reply(self, plan: MethodCodec, result: Any) -> HTTPReply:
        return HTTPReply(
            status=200,
            headers={"content-type": self._codec.content_type},
            content=self._codec.write_result(plan, result),
        )

    def reply(self, request: HTTPRequest) -> HTTPReply:
        return self._replies["hello" if b"hello" in request.content[:80] else "model"]


@channel("memory-json", catalog=CATALOG)
class MemoryJSONChannel(DispatchJSONChannel):
    """JSON without a network."""

    canned: ClassVar = _Canned(JSON)

    def send(self, request: HTTPRequest) -> HTTPReply:
        return self.canned.reply(request)


@channel("memory-msgpack", catalog=CATALOG)
class MemoryMSGPackChannel(DispatchMSGPackChannel):
    """msgpack without a network."""

    canned: ClassVar = _Canned(MSGPACK)

    def send(self, request: HTTPRequest) -> HTTPReply:
        return self.canned.reply(request)


@implementation(catalog=CATALOG)
class LocalBenchmark(BlockingBenchmark):
    """Implemented here."""

    def hello(self, message: str) -> str:
        return f"hello {message}"


def main() -> None:
    """Take orders."""
    implemented = LocalBenchmark()
    urls = ["http://one.example:1", "http://two.example:1"]
    registry = StaticComponentRegistry({"benchmark-component": {"memory-msgpack": urls, "memory-json": urls}})
    manager = ServiceManager(registry, ChannelFactory(catalog=CATALOG), implementations=[implemented], catalog=CATALOG)
    person = Person(**PERSON)
    packed = manager.get_service(Benchmark, "memory-msgpack")
    text = manager.get_service(Benchmark, "memory-json")
    local = manager.get_service(BlockingBenchmark)
    calls = {
        "hello/msgpack": lambda: packed.hello("world"),
        "hello/json": lambda: text.hello("world"),
        "model/msgpack": lambda: packed.model(person),
        "model/json": lambda: text.model(person),
        "get_service": lambda: manager.get_service(Benchmark, "memory-msgpack"),
        "local": lambda: local.hello("world"),
        "fast_path": lambda: implemented.hello("world"),
    }

    def carry_out(order: dict[str, Any]) -> dict[str, float]:
        return one_at_a_time(calls[order["case"]], order["seconds"])

    with manager:
        take_orders(carry_out)


if __name__ == "__main__":
    main()
