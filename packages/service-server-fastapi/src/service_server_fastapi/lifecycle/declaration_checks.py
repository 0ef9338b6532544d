"""Checks for declarations that are not hosted as their author expects.

None of them is an error: a server may host less than its process imports. But each finding is a usual mistake that
shows only as calls that find no instance, so it is logged as a warning at the start, with class, file and remedy.
"""

from __future__ import annotations

import builtins
import difflib
import inspect
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Final

from service_core import Channel, ChannelAddress, ComponentDescriptor, MethodDescriptor, Service
from service_core.di import Environment
from service_core.hosting import HostedService
from service_core.rest import route_of


def hosting_findings(environment: Environment, hosted: Sequence[HostedService]) -> Iterator[str]:
    """The findings; one sentence each."""
    catalog = environment.catalog
    served = {each.service.type for each in hosted}
    if not hosted:
        yield (
            "this server hosts no service; decorate implementations with @implementation() and import them in the "
            "package of the module that is booted"
        )
    for cls in catalog.injectables():
        interfaces = catalog.interfaces_of(cls)
        if interfaces and not any(map(environment.provides, interfaces)):
            yield _outside(cls, interfaces)
        for interface in interfaces:
            if issubclass(interface, Service) and environment.provides(interface) and interface not in served:
                yield _without_declaration(cls, interface)
    for component in dict.fromkeys(each.component for each in hosted):
        implemented = [each.type.__name__ for each in component.services if each.type in served]
        if implemented and not environment.provides(component.type):
            yield _without_implementation(component, ", ".join(implemented))
    for each in hosted:
        for method in each.service.methods.values():
            yield from _defaults(each.implementation_type, method)
            yield from _hints(each.implementation_type, method)
            yield from _not_implemented(each.implementation_type, method)
    yield from _advice(environment)


def address_findings(
    component: ComponentDescriptor, addresses: Sequence[ChannelAddress], known: Collection[str]
) -> Iterator[str]:
    """The faults of the channels of a component's addresses; ``known`` are the channels of this process."""
    where = f"component '{component.name}': get_addresses()"
    if not addresses:
        yield (
            f"{where} returns no address, so it is not registered; return "
            f"[ChannelAddress('dispatch-msgpack', Server.get_url(port))]"
        )
    routed = any(route_of(method.function) for service in component.services for method in service.methods.values())
    for channel in dict.fromkeys(address.channel for address in addresses):
        if channel not in known:
            close = difflib.get_close_matches(channel, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"channels known here: {', '.join(sorted(known))}"
            yield f"{where} names channel '{channel}', which this process does not know; {hint}"
        elif channel == "rest" and not routed:
            yield (
                f"{where} offers channel 'rest', but no method of its services has a route; decorate methods with "
                f"@get(...) and the like from service_core.rest, or remove the address"
            )


def _outside(cls: type, interfaces: Sequence[type]) -> str:
    return (
        f"{_place(cls)} implements {', '.join(each.__name__ for each in interfaces)} and is not hosted: it lies "
        f"outside of the packages of the booted modules; add a @module() class beside it and name that in "
        f"@module(imports=[...])"
    )


def _without_declaration(cls: type, service: type) -> str:
    return (
        f"{_place(cls)} implements {service.__name__}, which belongs to no component, so it is not served; declare "
        f"@component(services=[{service.__name__}]) and implement it, or use serve(...)"
    )


def _without_implementation(component: ComponentDescriptor, services: str) -> str:
    name = component.type.__name__
    return (
        f"component {name} is not implemented here, so its services {services} are not registered and clients do not "
        f"find them; add '@implementation() class {name}Impl(AbstractComponent, {name})' with get_addresses()"
    )


def _not_implemented(implementation: type, method: MethodDescriptor) -> Iterator[str]:
    if getattr(implementation, method.name) is method.function and _is_empty(method.function):
        yield (
            f"{_place(implementation)} does not implement {method.where}; write the method, and decorate that of the "
            f"interface with @abstractmethod, so that Python refuses objects without it"
        )


def _is_empty(function: Callable[..., object]) -> bool:
    """Whether a function has no body but ``...``, ``pass`` or a docstring."""
    code = getattr(function, "__code__", None)
    return code is not None and code.co_code in _EMPTY


def _declared() -> None: ...
def _documented() -> None:
    """Nothing."""


async def _declared_async() -> None: ...
async def _documented_async() -> None:
    """Nothing."""


_EMPTY: Final = frozenset(
    each.__code__.co_code for each in (_declared, _documented, _declared_async, _documented_async)
)


def _defaults(implementation: type, method: MethodDescriptor) -> Iterator[str]:
    own = inspect.signature(getattr(implementation, method.name)).parameters
    for parameter in method.parameters:
        default = own[parameter.name].default if parameter.name in own else parameter.default
        if not _is_same(default, parameter.default):
            yield (
                f"{implementation.__name__}.{method.name}: parameter '{parameter.name}' has another default than "
                f"{method.where}; callers that do not give it get the default of the implementation"
            )


def _hints(implementation: type, method: MethodDescriptor) -> Iterator[str]:
    """Types that an implementation writes otherwise than its interface, where both are classes without a relation."""
    own = inspect.get_annotations(getattr(implementation, method.name))
    declared = {each.name: each.annotation for each in method.parameters} | {"return": method.result}
    for name, theirs in declared.items():
        ours = own.get(name)
        if isinstance(ours, str):
            ours = vars(builtins).get(ours)
        if isinstance(ours, type) and isinstance(theirs, type) and not _are_related(ours, theirs):
            what = "its result" if name == "return" else f"parameter '{name}'"
            yield (
                f"{implementation.__name__}.{method.name}: {what} is of type {ours.__name__} here, but of type "
                f"{theirs.__name__} in {method.where}, which values are validated by; write that type here too"
            )


def _are_related(one: type, other: type) -> bool:
    numbers = (bool, int, float, complex)  # each can stand for the next one
    return issubclass(one, other) or issubclass(other, one) or (one in numbers and other in numbers)


def _advice(environment: Environment) -> Iterator[str]:
    for advice in environment.advice_without_match(Channel):
        yield (
            f"advice {advice.__qualname__} ({advice.__module__}) applies to nothing: no class of this environment and "
            f"no channel has a method that its pointcut selects; check the names and types in its decorator"
        )


def _place(cls: type) -> str:
    path: str | None = getattr(sys.modules.get(cls.__module__), "__file__", None)
    return f"{cls.__name__} ({cls.__module__}, {path or 'no file'})"


def _is_same(one: object, other: object) -> bool:
    return one is other or (type(one) is type(other) and one == other)


def known_channels(declared: Mapping[str, type]) -> set[str]:
    """The channels that this server answers, and those that are declared in code."""
    return {"local", "dispatch-json", "dispatch-msgpack", "rest", *declared}
