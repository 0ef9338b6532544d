"""From descriptors to the document."""

from __future__ import annotations

import hashlib
import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields
from itertools import groupby
from types import MappingProxyType
from typing import Any, Final

from pydantic_core import from_json, to_json

from service_core.addresses import ChannelAddress
from service_core.arguments import NO_DEFAULT
from service_core.declaring.descriptors import (
    ComponentDescriptor,
    MethodDescriptor,
    ParameterDescriptor,
    ServiceDescriptor,
)
from service_core.declaring.policy import Policy
from service_core.declaring.signatures.streams import StreamDescriptor
from service_core.describing.document import (
    ComponentDescription,
    Description,
    ErrorDescription,
    MethodDescription,
    OfferedChannel,
    ParameterDescription,
    RouteDescription,
    ServiceDescription,
    ValueDescription,
)
from service_core.describing.json_schema import is_secret, schema_of
from service_core.describing.type_names import type_name
from service_core.errors import ArgumentException
from service_core.rest import RouteCodec
from service_core.rest.verbs import route_of
from service_core.wire import MethodCodec, WireType
from service_core.wire.failures.declared_errors import DeclaredError

_TEXTS: Final = frozenset({"title", "description", "examples"})
"""Keywords of JSON Schema that say nothing about values."""
_VALUES: Final = frozenset({"places", "names", "default", "const", "enum"})
"""Members that hold values or names, not schemas."""
_NO_ADDRESSES: Final[Mapping[str, Sequence[ChannelAddress]]] = MappingProxyType({})


def describe(
    services: Iterable[tuple[ComponentDescriptor, ServiceDescriptor]],
    addresses: Mapping[str, Sequence[ChannelAddress]] = _NO_ADDRESSES,
) -> Description:
    """The document of services, each with its component; ``addresses`` are where components are offered, by name.

    Raises DeclarationException if a type cannot be described.
    """
    by_component = groupby(sorted(services, key=lambda pair: pair[0].name), key=lambda pair: pair[0])
    return Description(
        components=tuple(
            _component(component, [service for _, service in pairs], addresses.get(component.name, ()))
            for component, pairs in by_component
        )
    )


def _component(
    component: ComponentDescriptor, services: Sequence[ServiceDescriptor], addresses: Sequence[ChannelAddress]
) -> ComponentDescription:
    described = tuple(_service(component, service) for service in services)
    digests = [f"{service.name}.{method.name}:{method.digest}" for service in described for method in service.methods]
    return ComponentDescription(
        name=component.name,
        description=component.description,
        services=described,
        policy=_policy(component.policy),
        channels=tuple(OfferedChannel(name=address.channel, url=address.uri) for address in addresses),
        digest=_digest(sorted(digests)),
    )


def _service(component: ComponentDescriptor, service: ServiceDescriptor) -> ServiceDescription:
    return ServiceDescription(
        name=service.name,
        interface=service.type.__name__,
        description=service.description,
        doc=_own_doc(service.type),
        methods=tuple(_method(component, service, method) for method in service.methods.values()),
    )


def _method(component: ComponentDescriptor, service: ServiceDescriptor, method: MethodDescriptor) -> MethodDescription:
    codec = MethodCodec(component, service, method)
    contract: dict[str, Any] = {
        "name": method.name,
        "parameters": tuple(_parameter(parameter, method) for parameter in method.parameters),
        "result": _value(method.result, f"{method.where}: result", method.stream),
        "errors": tuple(_error(error) for error in codec.errors.values()),
        "idempotent": method.idempotent,
        "route": _route(component, service, method),
    }
    described = MethodDescription(
        **contract,
        doc=inspect.cleandoc(method.function.__doc__ or ""),
        is_async=method.is_async and method.stream is None,
        anonymous=method.anonymous,
        policy=_policy(method.policy),
        digest="",
    )
    return _with_digest(described, contract)


def _with_digest(method: MethodDescription, contract: Mapping[str, Any]) -> MethodDescription:
    parts = {
        name: [asdict(one) for one in part] if isinstance(part, tuple) else part for name, part in contract.items()
    }
    values = {field.name: getattr(method, field.name) for field in fields(method)}
    return MethodDescription(**{**values, "digest": _digest(parts)})


def _parameter(parameter: ParameterDescriptor, method: MethodDescriptor) -> ParameterDescription:
    place, stream = f"{method.where}: parameter '{parameter.name}'", method.input_stream
    is_stream = stream is not None and stream.parameter == parameter.name
    value = _value(parameter.annotation, place, stream if is_stream else None)
    required = parameter.default is NO_DEFAULT
    return ParameterDescription(
        name=parameter.name,
        value=value,
        required=required,
        default=None if required or is_secret(value.schema) else _default(parameter, place),
        keyword_only=parameter.keyword_only,
    )


def _default(parameter: ParameterDescriptor, where: str) -> Any:
    try:
        return from_json(WireType(parameter.annotation, where).to_json(parameter.default))
    except ArgumentException:
        return None  # refused elsewhere, where the method is made callable


def _value(annotation: Any, where: str, stream: StreamDescriptor | None) -> ValueDescription:
    carried = annotation if stream is None else stream.item
    return ValueDescription(
        type=type_name(annotation), schema=schema_of(WireType(carried, where)), stream=stream is not None
    )


def _error(error: DeclaredError) -> ErrorDescription:
    return ErrorDescription(
        name=error.cls.__name__, code=error.code.value, doc=_own_doc(error.cls), schema=schema_of(error.fields)
    )


def _route(
    component: ComponentDescriptor, service: ServiceDescriptor, method: MethodDescriptor
) -> RouteDescription | None:
    route = route_of(method.function)
    if route is None:
        return None
    route_codec = RouteCodec(component, service, method, route)
    return RouteDescription(
        verb=route_codec.verb,
        path=route_codec.template.text,
        status=route_codec.status,
        places={parameter.python_name: parameter.location.value for parameter in route_codec.parameters},
        names={one.python_name: one.name for one in route_codec.parameters if one.name != one.python_name},
    )


def _policy(policy: Policy | None) -> dict[str, Any]:
    """The fields that a policy sets, by name; an infinite number is left out, since JSON has none."""
    settings = {} if policy is None else policy.settings()
    return {name: value for name, value in settings.items() if value is None or math.isfinite(value)}


def _own_doc(cls: type) -> str:
    """The docstring of a class, not the one that ``dataclass`` writes or a base class has."""
    doc = vars(cls).get("__doc__") or ""
    return "" if doc.startswith(f"{cls.__name__}(") else inspect.cleandoc(doc)


def _digest(contract: Any) -> str:
    """Sixteen hexadecimal digits of SHA-256 over the JSON with sorted keys, texts for people left out."""
    data = to_json(_canonical(from_json(to_json(contract))))
    return hashlib.sha256(data).hexdigest()[:16]


def _canonical(data: Any, *, is_schema: bool = True) -> Any:
    """The data with sorted keys; in schemas without texts for people."""
    if isinstance(data, list):
        return [_canonical(part, is_schema=is_schema) for part in data]
    if not isinstance(data, dict):
        return data
    # The schema of a field with such a name is a dict.
    kept = [key for key in sorted(data) if not (is_schema and key in _TEXTS and not isinstance(data[key], dict))]
    return {key: _canonical(data[key], is_schema=is_schema and key not in _VALUES) for key in kept}
