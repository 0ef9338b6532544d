"""Classes with checks that do not run, since a container creates no object of them."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Collection, Iterator
from typing import TypeGuard

from service_health.decorators import has_health_checks


def unused_classes(used: Collection[type]) -> Iterator[type]:
    """The concrete classes with ``@health_checks()`` in the packages of the used ones that are not among them.

    A class of which a subclass is used does not count. Modules that are not imported are not searched.
    """
    packages = {_package(sys.modules.get(cls.__module__), cls.__module__) for cls in used}
    for name, imported in list(sys.modules.items()):
        members = list(vars(imported).values()) if _package(imported, name) in packages else []
        for member in members:
            if _has_checks(member, name) and not any(issubclass(cls, member) for cls in used):
                yield member


def _has_checks(member: object, module: str) -> TypeGuard[type]:
    return (
        isinstance(member, type)
        and member.__module__ == module
        and has_health_checks(member)
        and not inspect.isabstract(member)
    )


def _package(imported: object, name: str) -> str:
    return getattr(imported, "__package__", None) or name
