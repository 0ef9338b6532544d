"""Names of declarations: kebab case, DNS labels, and where a class is declared."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from service_core.errors import DeclarationException

_DNS_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_CHANNEL_NAME: Final = re.compile(r"[\w.-]+")  # as addresses are written


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a decorator declares of a service or component."""

    name: str
    description: str
    services: tuple[type, ...] = ()


def valid_name(cls: type, name: str) -> str:
    """``name``, or by default the class name in kebab case. Raises DeclarationException if it is no DNS label."""
    name = name or _kebab_case(cls.__name__)
    if not _DNS_LABEL.fullmatch(name):
        raise DeclarationException(
            f"{cls.__name__}: the name '{name}' is not a DNS label, which registries such as Consul require; "
            f"use at most 63 of a-z, 0-9 and '-', not at either end, for example '{_suggestion(name)}'"
        )
    return name


def _kebab_case(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name.strip("_"))
    return words.replace("_", "-").lower()


def _suggestion(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", _kebab_case(name)).strip("-")[:63].strip("-") or "my-service"


def location(cls: type) -> str:
    """Module and qualified name of a class, for messages."""
    return f"{cls.__module__}.{cls.__qualname__}"


def shown(value: object) -> str:
    """A value that stands where another one was expected, for messages: its name if it has one."""
    return str(getattr(value, "__name__", repr(value)))


def same_class(one: type, other: type) -> bool:
    """Whether two classes are one declaration: the same class, or the same statement of a module that was reloaded.

    Classes inside of functions are never the same declaration, since each call of the function makes another one.
    """
    return one is other or (location(one) == location(other) and "<locals>" not in one.__qualname__)


def check_channel_name(name: str, cls: type) -> None:
    """Raise DeclarationException if addresses cannot hold the name of a channel."""
    if not _CHANNEL_NAME.fullmatch(name):
        raise DeclarationException(
            f"channel {location(cls)}: the name '{name}' cannot be written into an address; "
            f"use letters, digits, '.', '-' and '_'"
        )


def check_free(name: str, cls: type, declared: Mapping[type, Declaration], what: str) -> None:
    """Raise DeclarationException if another class has the name; ``what`` is "service" or "component"."""
    for other, known in declared.items():
        if known.name != name or same_class(other, cls):
            continue
        if _imported_twice(other, cls):
            raise DeclarationException(
                f"{what} {cls.__qualname__}: its file was imported twice, as {other.__module__} and as "
                f"{cls.__module__}; move the interface into a file of its own, which the started file imports"
            )
        raise DeclarationException(
            f"{what} {location(cls)}: the name '{name}' is taken by {location(other)}; "
            f"give one of them another with @{what}(name=...)"
        )


def _imported_twice(one: type, other: type) -> bool:
    """Whether two classes are the same statement of one file that Python has run under two module names."""
    files = [getattr(sys.modules.get(cls.__module__), "__file__", None) for cls in (one, other)]
    return files[0] is not None and files[0] == files[1] and one.__module__ != other.__module__
