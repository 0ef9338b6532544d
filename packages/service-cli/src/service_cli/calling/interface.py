"""From a description back to an interface that the framework's own channels can call."""

from __future__ import annotations

import inspect
import types
from abc import abstractmethod
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Final

from service_cli.schema import resolved
from service_cli.targets.callees import Callee
from service_core import Catalog, Component, Service, component, idempotent, service
from service_core.describing import MethodDescription, ParameterDescription, RouteDescription
from service_core.rest import Body, Header, PathParam, QueryParam, delete, get, patch, post, put

_VERBS: Final[dict[str, Callable[..., Any]]] = {
    "GET": get,
    "POST": post,
    "PUT": put,
    "PATCH": patch,
    "DELETE": delete,
}
_MARKERS: Final[dict[str, Callable[..., Any]]] = {
    "path": PathParam,
    "query": QueryParam,
    "header": Header,
    "body": Body,
}
_SCALARS: Final[dict[Any, Any]] = {"string": str, "integer": int, "number": float, "boolean": bool}


def make_interface(callee: Callee, *, is_async: bool = False) -> tuple[type[Service], Catalog]:
    """A service interface with the one method, in a catalog of its own.

    Its values are JSON: what types and limits the description has, the arguments are checked by before the call.
    """
    catalog = Catalog()
    method = _function(callee.method, is_async=is_async)
    name = callee.service.interface
    interface = types.new_class(name, (Service,), exec_body=lambda body: body.update({method.__name__: method}))
    interface.__module__ = __name__
    service(name=callee.service.name, catalog=catalog)(interface)
    holder = types.new_class(f"{name}Component", (Component,))
    holder.__module__ = __name__
    component(name=callee.component.name, services=[interface], catalog=catalog)(holder)
    return interface, catalog


def _function(method: MethodDescription, *, is_async: bool) -> Callable[..., Any]:
    async def call_async(self: Any, *args: Any, **kwargs: Any) -> Any: ...

    def call(self: Any, *args: Any, **kwargs: Any) -> Any: ...

    result: Any = Iterator[Any] if method.result.stream else Any
    function: Any = call_async if is_async else call
    function.__name__ = function.__qualname__ = method.name
    function.__module__ = __name__
    own = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    parameters = [_parameter(parameter, method.route) for parameter in method.parameters]
    function.__signature__ = inspect.Signature([own, *parameters])
    function.__annotations__ = {one.name: one.annotation for one in parameters} | {"return": result}
    if method.route is not None:
        route = method.route
        function = _VERBS[route.verb](route.path, status=route.status)(function)
    if method.idempotent:
        function = idempotent(function)
    marked: Callable[..., Any] = abstractmethod(function)
    return marked


def _parameter(parameter: ParameterDescription, route: RouteDescription | None) -> inspect.Parameter:
    hint: Any = Iterator[Any] if parameter.value.stream else _hint(parameter)
    if route is not None and not parameter.value.stream:
        place = route.places.get(parameter.name, "query")
        name = {"name": route.names[parameter.name]} if parameter.name in route.names else {}
        hint = Annotated[hint, _MARKERS[place](**name)]
    return inspect.Parameter(
        parameter.name,
        inspect.Parameter.KEYWORD_ONLY if parameter.keyword_only else inspect.Parameter.POSITIONAL_OR_KEYWORD,
        annotation=hint,
        default=inspect.Parameter.empty if parameter.required else parameter.default,
    )


def _hint(parameter: ParameterDescription) -> Any:
    """The Python type for the JSON of a parameter; it matters where text is made of it, in paths and queries."""
    schema = parameter.value.schema
    return _type_of(resolved(schema, schema), schema)


def _type_of(schema: Any, root: Any) -> Any:
    options = [resolved(option, root) for option in schema.get("anyOf", ())]
    plain = [option for option in options if option.get("type") != "null"]
    if options and len(plain) == 1:
        inner = _type_of(plain[0], root)
        return inner if len(options) == 1 or inner is Any else inner | None
    kind = schema.get("type")
    if kind == "array" and isinstance(schema.get("items"), dict):
        item = _type_of(resolved(schema["items"], root), root)
        return list[item] if item is not Any else Any  # type: ignore[valid-type]
    return _SCALARS.get(kind, Any) if isinstance(kind, str) else Any
