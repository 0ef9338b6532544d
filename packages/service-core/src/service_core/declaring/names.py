"""Names of declarations: kebab case, DNS labels, and where a class is declared."""

from __future__ import annotations

import re
import sys
from typing import Final

from service_core.errors import DeclarationException

__all__ = ["imported_twice", "place", "same_place", "valid_name"]

_DNS_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


def valid_name(cls: type, name: str) -> str:
    """``name``, or by default the class name in kebab case. Raises DeclarationException if it is no DNS label."""
    name = name or _kebab_case(cls.__name__)
    if not _DNS_LABEL.fullmatch(name):
        raise DeclarationException(
            f"{cls.__name__}: the name '{name}' is not a DNS label, which registries such as Consul ask for; "
            f"use at most 63 of a-z, 0-9 and '-', not at either end, for example '{_suggestion(name)}'"
        )
    return name


def _kebab_case(name: str) -> str:
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name.strip("_"))
    return words.replace("_", "-").lower()


def _suggestion(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", _kebab_case(name)).strip("-")[:63].strip("-") or "my-service"


def place(cls: type) -> str:
    """Module and qualified name of a class, for messages."""
    return f"{cls.__module__}.{cls.__qualname__}"


def same_place(one: type, other: type) -> bool:
    """Whether two classes are one declaration: the same class, or the same statement of a module that was reloaded.

    Classes inside of functions are never the same declaration, since each call of the function makes another one.
    """
    return one is other or (place(one) == place(other) and "<locals>" not in one.__qualname__)


def imported_twice(one: type, other: type) -> bool:
    """Whether two classes are the same statement of one file that Python has run under two module names."""
    files = [getattr(sys.modules.get(cls.__module__), "__file__", None) for cls in (one, other)]
    return files[0] is not None and files[0] == files[1] and one.__module__ != other.__module__
