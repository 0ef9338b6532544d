"""Declared errors: how one class of ``@raises`` travels, by its name and with the fields that it is made of.

The fields are those of a dataclass, or the parameters of ``__init__``, each of which the object keeps in an attribute
of the same name. A class without an ``__init__`` of its own travels with its arguments, and those of the standard
library that keep more in attributes with these too.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, is_dataclass
from decimal import DecimalException
from itertools import takewhile
from typing import Any, Final, NotRequired, get_type_hints

from pydantic_core import from_json, to_json
from typing_extensions import TypedDict

from service_core.errors import ArgumentException, DeclarationException, ErrorCode
from service_core.wire.values import WireType

_ARGUMENTS: Final = "args"

_KEPT_IN_ATTRIBUTES: Final[Mapping[type[Exception], Mapping[str, Any]]] = {
    OSError: {"filename": str | int | None, "filename2": str | int | None},
    ImportError: {"name": str | None, "path": str | None},
    NameError: {"name": str | None},
    AttributeError: {"name": str | None},
}
"""What errors of the standard library hold besides their arguments."""

_CONSTRUCTORS: Final[Mapping[type[Exception], Mapping[str, Any]]] = {
    UnicodeDecodeError: {"encoding": str, "object": bytes, "start": int, "end": int, "reason": str},
    UnicodeEncodeError: {"encoding": str, "object": str, "start": int, "end": int, "reason": str},
    UnicodeTranslateError: {"object": str, "start": int, "end": int, "reason": str},
}
"""The parameters of errors of the standard library whose constructors have no signature."""

_REFUSED: Final[Mapping[type[BaseException], str]] = {
    BaseExceptionGroup: "it holds errors of any class; declare an error with the fields that callers need",
    DecimalException: "its arguments are classes; raise an error of your own instead",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenError:
    """The fields of an error as JSON-like data."""

    fields: dict[str, Any]
    """Those that can travel."""
    missing: tuple[str, ...] = ()
    """The names of those that cannot."""


class DeclaredError:
    """How one class of ``@raises`` travels. Immutable, shared by threads."""

    __slots__ = ("_hints", "_positional", "_where", "cls", "fields")

    def __init__(self, cls: type[Exception], where: str) -> None:
        """Find the fields. Raises DeclarationException if one has no type, or the class cannot be made from them."""
        self.cls = cls
        """The class."""
        self._where = f"{where}: error {cls.__name__}"
        _check_constructor(cls, self._where)
        self._hints = _fields(cls, self._where)
        self._positional = _positional(cls, self._hints)
        fields_type: Any = TypedDict(f"{cls.__name__}Fields", self._hints)  # type: ignore[misc]
        self.fields = WireType(fields_type, self._where)

    @property
    def code(self) -> ErrorCode:
        """The kind of failure that it is: the attribute ``code`` of the class, else ``failed_precondition``."""
        return code_of(self.cls)

    def describes(self, cls: type) -> bool:
        """Whether this is the declaration of exactly that class."""
        return cls is self.cls

    def write(self, error: Exception) -> WrittenError:
        """The fields of an error. What is not there, or does not fit its type, is left out and named."""
        missing = object()
        values = {name: getattr(error, name, missing) for name in self._hints}
        if _ARGUMENTS in self._hints:
            values[_ARGUMENTS] = list(error.args)
        if missing not in values.values():
            try:
                return WrittenError(fields=from_json(self.fields.to_json(values)))
            except ArgumentException:
                pass  # each field alone shows which one it is
        return self._write_each({name: value for name, value in values.items() if value is not missing})

    def _write_each(self, values: Mapping[str, Any]) -> WrittenError:
        written: dict[str, Any] = {}
        missing = [name for name in self._hints if name not in values]
        for name, value in values.items():
            try:
                wire = WireType(_required(self._hints[name]), self._where)
                written[name] = from_json(wire.to_json(value))
            except ArgumentException:
                missing.append(name)
                if name == _ARGUMENTS:
                    written[name] = self._arguments_that_travel(value)
        return WrittenError(fields=written, missing=tuple(missing))

    def _arguments_that_travel(self, arguments: list[Any]) -> list[Any]:
        wire, kept = WireType(Any, self._where), []
        for argument in arguments:
            try:
                kept.append(from_json(wire.to_json(argument)))
            except ArgumentException:
                continue  # named as missing by the caller
        return kept

    def read(self, data: Any) -> Exception:
        """The error again. Raises ArgumentException, TypeError if the data do not fit the class."""
        values: dict[str, Any] = self.fields.from_json(to_json(data))
        if _ARGUMENTS in self._hints and _ARGUMENTS not in _parameters_of(self.cls):
            return self._from_arguments(values.pop(_ARGUMENTS), values)
        # By position where that is possible, since that is what str() shows of a dataclass.
        positional = [values.pop(name) for name in takewhile(values.__contains__, self._positional)]
        return self.cls(*positional, **values)

    def _from_arguments(self, arguments: list[Any], attributes: Mapping[str, Any]) -> Exception:
        if not issubclass(self.cls, OSError):
            return self.cls(*arguments, **attributes)
        if attributes["filename"] is None:
            return self.cls(*arguments)
        return self.cls(*arguments[:2], attributes["filename"], None, attributes["filename2"])


def code_of(error: Exception | type[Exception]) -> ErrorCode:
    """The kind of failure that a declared error, or its class, says that it is."""
    code = getattr(error, "code", None)
    return code if isinstance(code, ErrorCode) else ErrorCode.FAILED_PRECONDITION


def _check_constructor(cls: type[Exception], where: str) -> None:
    for base, reason in _REFUSED.items():
        if issubclass(cls, base):
            raise DeclarationException(f"{where} cannot be sent: {reason}")
    owner = next(base for base in cls.__mro__ if "__new__" in vars(base))
    if owner.__module__ != "builtins" and not inspect.isfunction(owner.__new__):
        raise DeclarationException(
            f"{where} cannot be sent: it cannot be made from its arguments; raise an error of your own instead"
        )


def _fields(cls: type[Exception], where: str) -> Mapping[str, Any]:
    """Names and types of the fields."""
    if is_dataclass(cls) or inspect.isfunction(cls.__init__):
        return _constructor_fields(cls, where)
    for base in cls.__mro__:
        if base in _CONSTRUCTORS:
            return _CONSTRUCTORS[base]
        if base in _KEPT_IN_ATTRIBUTES:
            return {_ARGUMENTS: list[Any], **_KEPT_IN_ATTRIBUTES[base]}
    return {_ARGUMENTS: list[Any]}


def _constructor_fields(cls: type[Exception], where: str) -> dict[str, Any]:
    hints = _hints(cls, where)
    found: dict[str, Any] = {}
    for name, parameter in _parameters_of(cls).items():
        named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
        if not named or name not in hints:
            raise DeclarationException(
                f"{where} cannot be sent, its parameter '{parameter}' is not one that has a type and can be given by "
                f"name; write '{name}: <type>' and keep it in an attribute of that name"
            )
        # The other side may have a version of the class that has no such field yet.
        found[name] = hints[name] if parameter.default is parameter.empty else NotRequired[hints[name]]
    return found


def _parameters_of(cls: type[Exception]) -> dict[str, inspect.Parameter]:
    if not inspect.isfunction(cls.__init__):
        return {}
    return dict(list(inspect.signature(cls.__init__).parameters.items())[1:])


def _positional(cls: type[Exception], hints: Mapping[str, Any]) -> list[str]:
    """The fields that are given by position."""
    if any(hints is constructor for constructor in _CONSTRUCTORS.values()):
        return list(hints)
    return [name for name, p in _parameters_of(cls).items() if p.kind is p.POSITIONAL_OR_KEYWORD]


def _required(hint: Any) -> Any:
    return hint.__args__[0] if getattr(hint, "__origin__", None) is NotRequired else hint


def _hints(cls: type[Exception], where: str) -> dict[str, Any]:
    try:
        return get_type_hints(cls if is_dataclass(cls) else cls.__init__, include_extras=True)
    except (AttributeError, NameError, SyntaxError, TypeError) as error:
        raise DeclarationException(
            f"{where} cannot be sent, a type hint of its fields is not a type that can be found from module "
            f"'{cls.__module__}': {error}"
        ) from error
