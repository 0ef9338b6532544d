"""Methods that can be called: a method of an implementation, with its codec and where it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Self

from service_core.declaring.descriptors import MethodDescriptor
from service_core.declaring.implementing import check_result, concurrency_of
from service_core.dispatch.method_call import taking_arguments
from service_core.dispatch.overload.adaptive_limit import AdaptiveLimit
from service_core.dispatch.overload.fixed_limit import FixedLimit, MethodLimit
from service_core.dispatch.overload.service_time import ServiceTime
from service_core.hosting.hosted_services import HostedService
from service_core.wire import MethodCodec


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A method that can be called."""

    hosted: HostedService
    """What it is a method of."""
    method_codec: MethodCodec
    method: Callable[..., Any]
    """The method of the implementation, as a function of the arguments that are given, in the order of the interface's
    parameters."""
    inline: bool
    """Whether it runs on the event loop."""
    waits: bool
    """Whether its result has to be awaited, as that of a coroutine or a worker thread."""
    has_streams: bool = False
    """Whether its result or an argument is a stream."""
    has_input: bool = False
    """Whether an argument is one."""
    service_time: ServiceTime = field(default_factory=ServiceTime)
    """How long its runs in worker threads take."""
    limit: MethodLimit | None = None
    """How many of its calls may run at once; None for no limit but that of the worker threads."""

    def view(self) -> dict[str, object]:
        """Its load, as JSON-like data: the mean time of a run in a thread in seconds, and the state of its limit."""
        own: dict[str, object] = {}
        if not self.inline:
            own = {"seconds": self.service_time.mean, "too_late": self.service_time.refusals}
        return own if self.limit is None else {**own, **self.limit.view()}

    @classmethod
    def of(cls, hosted: HostedService, descriptor: MethodDescriptor) -> Self:
        """The method of a hosted service. Raises DeclarationException if a type of it cannot be validated."""
        check_result(hosted.implementation_type, descriptor)
        method = getattr(hosted.implementation, descriptor.name)
        implemented = getattr(hosted.implementation_type, descriptor.name)
        method = taking_arguments(method, descriptor, implemented)
        return cls(
            hosted=hosted,
            method_codec=MethodCodec(hosted.component, hosted.service, descriptor),
            method=method,
            inline=descriptor.is_async or hosted.inline,
            waits=descriptor.is_async or not hosted.inline,
            has_streams=descriptor.has_streams,
            has_input=descriptor.input_stream is not None,
            limit=_limit(concurrency_of(implemented), descriptor),
        )


def _limit(most: int | None, descriptor: MethodDescriptor) -> MethodLimit | None:
    if most is not None:
        return FixedLimit(most)
    return AdaptiveLimit() if descriptor.is_async and not descriptor.has_streams else None


def targets_of(services: Iterable[HostedService]) -> list[Target]:
    """The methods of hosted services. Raises DeclarationException if a type of one cannot be validated."""
    return [Target.of(hosted, method) for hosted in services for method in hosted.service.methods.values()]
