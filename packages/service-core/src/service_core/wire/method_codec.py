"""The plan of a method: everything about its calls that does not depend on the arguments, built once."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass
from itertools import takewhile
from typing import Annotated, Any, NotRequired, get_type_hints

from pydantic import Field
from pydantic_core import from_json
from typing_extensions import TypedDict

from service_core.declaring.descriptors import (
    NO_DEFAULT,
    ComponentDescriptor,
    MethodDescriptor,
    ParameterDescriptor,
    ServiceDescriptor,
)
from service_core.errors import ArgumentException, DeclarationException, ErrorCode
from service_core.wire.values import WireType

__all__ = ["DeclaredError", "MethodCodec", "code_of"]


class MethodCodec:
    """How one method of a component's service is written and read. Immutable, shared by threads."""

    __slots__ = ("arguments", "errors", "method", "name", "result")

    def __init__(self, component: ComponentDescriptor, service: ServiceDescriptor, method: MethodDescriptor) -> None:
        """Build the plan. Raises DeclarationException if a type cannot be validated."""
        self.name = f"{component.name}:{service.name}:{method.name}"
        """The name of the method on the wire."""
        self.method = method
        self.arguments = _arguments(method)
        """All arguments as one tuple; trailing ones that have a default may be missing."""
        self.result = WireType(method.result, f"{method.where}: result")
        self.errors = _declared_errors(method)


def _arguments(method: MethodDescriptor) -> WireType:
    items: list[Any] = []
    for parameter in method.parameters:
        if parameter.default is NO_DEFAULT:
            items.append(parameter.annotation)
        else:
            default = _valid_default(parameter, method.where)
            items.append(Annotated[parameter.annotation, Field(default=default)])
    names = [parameter.name for parameter in method.parameters]
    try:
        return WireType(tuple.__class_getitem__(tuple(items)), method.where, names)
    except DeclarationException:
        for parameter in method.parameters:  # one of these says which it is
            WireType(parameter.annotation, f"{method.where}: parameter '{parameter.name}'")
        raise


def _valid_default(parameter: ParameterDescriptor, where: str) -> Any:
    where = f"{where}: parameter '{parameter.name}'"
    try:
        return WireType(parameter.annotation, where).from_plain(parameter.default)
    except ArgumentException as error:
        raise DeclarationException(
            f"{error.message}: so its default {parameter.default!r} can never be sent; give it another, or another type"
        ) from None


class DeclaredError:
    """How one class of ``@raises`` travels: by name, with the fields from which it can be made again.

    The fields are those of a dataclass, or the parameters of ``__init__``, each of which the object must keep in
    an attribute of the same name. A class without an ``__init__`` of its own keeps its arguments.
    """

    __slots__ = ("_keyword", "_names", "_positional", "cls", "fields")

    def __init__(self, cls: type[Exception], where: str) -> None:
        """Find the fields. Raises DeclarationException if one has no type."""
        self.cls = cls
        """The class."""
        hints = _error_fields(cls, where)
        self._keyword = hints is not None
        self._names = tuple(hints or ("args",))
        self._positional = [p.name for p in _parameters(cls) if p.kind is p.POSITIONAL_OR_KEYWORD] if hints else []
        fields_type: Any = TypedDict(  # type: ignore[misc]
            f"{cls.__name__}Fields", hints if hints is not None else {"args": list[Any]}
        )
        self.fields = WireType(fields_type, f"{where}: error {cls.__name__}")

    @property
    def code(self) -> ErrorCode:
        """The kind of failure that it is: the attribute ``code`` of the class, else ``failed_precondition``."""
        return code_of(self.cls)

    def describes(self, cls: type) -> bool:
        """Whether this is the declaration of exactly that class."""
        return cls is self.cls

    def write(self, error: Exception) -> Any:
        """The fields of an error as JSON-like data. Raises ArgumentException, AttributeError."""
        values = {name: getattr(error, name) for name in self._names}
        if not self._keyword:
            values = {"args": list(error.args)}
        return from_json(self.fields.to_json(values))

    def read(self, data: Any) -> Exception:
        """The error again. Raises ArgumentException, TypeError if the data do not fit the class."""
        values = self.fields.from_plain(data)
        if not self._keyword:
            return self.cls(*values["args"])
        # By position where that is possible, since that is what str() shows of a dataclass.
        positional = [values.pop(name) for name in takewhile(values.__contains__, self._positional)]
        return self.cls(*positional, **values)


def code_of(error: Exception | type[Exception]) -> ErrorCode:
    """The kind of failure that a declared error, or its class, says that it is."""
    code = getattr(error, "code", None)
    return code if isinstance(code, ErrorCode) else ErrorCode.FAILED_PRECONDITION


def _error_fields(cls: type[Exception], where: str) -> dict[str, Any] | None:
    """Names and types of the fields, None for a class that only keeps its arguments."""
    if not is_dataclass(cls) and not inspect.isfunction(cls.__init__):
        return None
    hints = _hints(cls, where)
    found: dict[str, Any] = {}
    for parameter in _parameters(cls):
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if not named or parameter.name not in hints:
            raise DeclarationException(
                f"{where}: error {cls.__name__} cannot be sent, its parameter '{parameter}' is not one that has a type "
                f"and can be given by name; write '{parameter.name}: <type>' and keep it in an attribute of that name"
            )
        hint = hints[parameter.name]
        # The other side may have a version of the class that has no such field yet.
        found[parameter.name] = hint if parameter.default is parameter.empty else NotRequired[hint]
    return found


def _parameters(cls: type[Exception]) -> list[inspect.Parameter]:
    return list(inspect.signature(cls.__init__).parameters.values())[1:]


def _hints(cls: type[Exception], where: str) -> dict[str, Any]:
    try:
        return get_type_hints(cls if is_dataclass(cls) else cls.__init__, include_extras=True)
    except (AttributeError, NameError, SyntaxError, TypeError) as error:
        raise DeclarationException(
            f"{where}: error {cls.__name__} cannot be sent, a type hint of its fields is not a type that can be found "
            f"from module '{cls.__module__}': {error}"
        ) from error


def _declared_errors(method: MethodDescriptor) -> dict[str, DeclaredError]:
    errors: dict[str, DeclaredError] = {}
    for cls in method.raises:
        if cls.__name__ in errors:
            raise DeclarationException(
                f"{method.where}: two errors of @raises are named {cls.__name__}; rename one, they travel by name"
            )
        errors[cls.__name__] = DeclaredError(cls, method.where)
    return errors
