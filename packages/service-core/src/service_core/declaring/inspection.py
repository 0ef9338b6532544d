"""Inspects an interface: refuses what cannot be a service, and builds the descriptors of the rest."""

from __future__ import annotations

import inspect
import typing
from types import FunctionType, MappingProxyType
from typing import Any, Final

from service_core.arguments import by_position
from service_core.declaring.descriptors import (
    ANONYMOUS,
    CONCURRENCY,
    IDEMPOTENT,
    POLICY,
    RAISES,
    MethodDescriptor,
    ParameterDescriptor,
    ServiceDescriptor,
)
from service_core.declaring.policy import UNSET, Policy
from service_core.errors import DeclarationException

_RESOLVED_BY_FASTAPI: Final = frozenset({"Depends", "Security"})


def public_functions(interface: type) -> dict[str, FunctionType]:
    """The methods that an interface and the interfaces that it inherits from declare, in order of declaration."""
    functions: dict[str, FunctionType] = {}
    for base in reversed(interface.__mro__):
        if base is object or base.__module__ == "service_core.declaring.interfaces":
            continue
        for name, value in vars(base).items():
            if name.startswith("_"):
                continue
            if isinstance(value, FunctionType):
                functions[name] = value
            elif hasattr(type(value), "__get__"):
                # Properties, static and cached methods: a proxy would inherit them and run them here.
                raise DeclarationException(
                    f"{interface.__name__}.{name} is a {type(value).__name__}; the members of a service are "
                    f"methods: write 'def {name}(self) -> ...'"
                )
    return functions


def check_shape(interface: type) -> None:
    """Refuse what can be seen to be wrong without resolving a type hint. Raises DeclarationException."""
    _refuse_private_abstract(interface)
    for name, function in public_functions(interface).items():
        where = f"{interface.__name__}.{name}"
        parameters = _parameters(function, where)
        for parameter in parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                raise DeclarationException(
                    f"{where}: parameter '{parameter}' takes any number of arguments; "
                    f"write one parameter of a list or dict type instead"
                )
            if parameter.annotation is parameter.empty:
                raise DeclarationException(
                    f"{where}: parameter '{parameter.name}' has no type hint; "
                    f"write '{parameter.name}: <type>', since values are validated by it"
                )
            _refuse_foreign_marker(parameter, parameter.annotation, where)
        if hasattr(function, CONCURRENCY):
            raise DeclarationException(
                f"{where}: @max_concurrency limits one server, so it belongs to the method of an implementation"
            )
        if "return" not in function.__annotations__:
            raise DeclarationException(f"{where}: the return type is missing; write '-> None' if there is no result")


def _refuse_foreign_marker(parameter: inspect.Parameter, hint: Any, where: str) -> None:
    """Raise DeclarationException if FastAPI, not the caller, would give the argument, or its place in the request.

    ``hint`` is the type hint of the parameter. FastAPI is not imported for this.
    """
    for marker in (parameter.default, *getattr(hint, "__metadata__", ())):
        kind = type(marker)
        if kind.__module__ != "fastapi.params":
            continue
        remedy = (
            "callers give all arguments, so remove the parameter and let the implementation take the object in its "
            "constructor"
            if kind.__name__ in _RESOLVED_BY_FASTAPI
            else "use QueryParam(), PathParam(), Header() or Body() of service_core.rest, and pydantic.Field(...) for "
            "limits"
        )
        raise DeclarationException(
            f"{where}: parameter '{parameter.name}': {kind.__name__}(...) of FastAPI has no effect in an interface; "
            f"{remedy}"
        )


def _refuse_private_abstract(interface: type) -> None:
    for name in sorted(getattr(interface, "__abstractmethods__", ())):
        if name.startswith("_"):
            raise DeclarationException(
                f"{interface.__name__}.{name} is abstract, but a name that begins with an underscore is no method of a "
                f"service; write a method with a public name, or remove @abstractmethod"
            )


def describe_service(interface: type, name: str, description: str) -> ServiceDescriptor:
    """Build the descriptor of an interface. Raises DeclarationException."""
    methods = {
        method: _describe_method(interface, method, function)
        for method, function in public_functions(interface).items()
    }
    return ServiceDescriptor(name=name, type=interface, description=description, methods=MappingProxyType(methods))


def _describe_method(interface: type, name: str, function: FunctionType) -> MethodDescriptor:
    from service_core.declaring.signatures.streams import method_streams  # when a descriptor is built, not before

    where = f"{interface.__name__}.{name}"
    hints = _type_hints(interface, name, function)
    result = hints["return"]
    parameters = _parameters(function, where)
    for parameter in parameters:
        _refuse_foreign_marker(parameter, hints[parameter.name], where)
    signature = inspect.Signature(parameters)
    stream, given_stream = method_streams(hints, signature, where, is_coroutine=inspect.iscoroutinefunction(function))
    return MethodDescriptor(
        name=name,
        function=function,
        parameters=tuple(
            ParameterDescriptor(
                name=parameter.name,
                annotation=hints[parameter.name],
                default=parameter.default,
                keyword_only=parameter.kind is parameter.KEYWORD_ONLY,
            )
            for parameter in parameters
        ),
        result=result,
        is_async=inspect.iscoroutinefunction(function) if stream is None else stream.is_async,
        idempotent=getattr(function, IDEMPOTENT, False),
        policy=_policy(function, where, is_whole=stream is None and given_stream is None),
        anonymous=getattr(function, ANONYMOUS, False),
        raises=_declared_errors(interface, function),
        where=where,
        signature=signature,
        positional=by_position(signature),
        stream=stream,
        input_stream=given_stream,
    )


def _policy(function: FunctionType, where: str, *, is_whole: bool) -> Policy | None:
    policy: Policy | None = getattr(function, POLICY, None)
    if policy is None or policy.hedge_after is UNSET or policy.hedge_after is None:
        return policy
    if not getattr(function, IDEMPOTENT, False):
        raise DeclarationException(
            f"{where}: Policy(hedge_after=...) sends a call a second time while the first may run; declare the method "
            f"with @idempotent if that does no harm, else leave hedge_after out"
        )
    if not is_whole:
        raise DeclarationException(f"{where}: a stream is sent once, so leave hedge_after out of its policy")
    return policy


def _parameters(function: FunctionType, where: str) -> list[inspect.Parameter]:
    parameters = list(inspect.signature(function).parameters.values())
    if not parameters or parameters[0].kind not in (
        inspect.Parameter.POSITIONAL_ONLY,
        inspect.Parameter.POSITIONAL_OR_KEYWORD,
    ):
        raise DeclarationException(f"{where}: the first parameter must be 'self'")
    if parameters[0].annotation is not inspect.Parameter.empty and parameters[0].name != "self":
        raise DeclarationException(f"{where}: the first parameter must be 'self', not '{parameters[0]}'")
    return parameters[1:]


def _type_hints(interface: type, name: str, function: FunctionType) -> dict[str, Any]:
    where = f"{interface.__name__}.{name}"
    owner = next(base for base in interface.__mro__ if name in vars(base))
    # Here, since a module that only declares interfaces does not need it.
    from service_core.declaring.signatures.generics import bindings_of, resolved, type_parameters

    try:
        hints = typing.get_type_hints(function, localns=type_parameters(owner) or None, include_extras=True)
    except NameError as error:
        raise DeclarationException(
            f"{where}: the type '{error.name}' cannot be found from module '{function.__module__}'; "
            f"import it there, outside of 'if TYPE_CHECKING' and of functions, since values are validated by it"
        ) from error
    except (AttributeError, SyntaxError, TypeError) as error:
        raise DeclarationException(f"{where}: a type hint is not a type: {error}") from error
    bindings = bindings_of(interface, owner)
    return {
        parameter: resolved(hint, bindings, f"{where}: {'result' if parameter == 'return' else repr(parameter)}")
        for parameter, hint in hints.items()
    }


def _declared_errors(interface: type, function: FunctionType) -> tuple[type[Exception], ...]:
    declared: list[type[Exception]] = [*getattr(function, RAISES, ())]
    for base in interface.__mro__:
        declared += vars(base).get(RAISES, ())
    unique = dict.fromkeys(declared)
    return tuple(sorted(unique, key=lambda error: len(error.__mro__), reverse=True))
