"""The products of an environment, and the types under which they can be requested."""

from __future__ import annotations

import sys
import typing
from abc import ABC
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, Protocol

from service_core.declaring.catalog import Catalog, Injectable
from service_core.declaring.interfaces import Service
from service_core.declaring.names import location
from service_core.di._binding import Binding, class_binding, created_bindings
from service_core.di._parameters import InjectedParameter, name_of
from service_core.errors import DependencyException

if TYPE_CHECKING:
    from dishka.provider import BaseProvider

MODULE: Final = "__service_imports__"


class Bindings:
    """The products of the modules, packages and ready objects of one environment. Raises DependencyException."""

    def __init__(
        self,
        modules: Iterable[type],
        instances: Iterable[object],
        catalog: Catalog,
        providers: Sequence[BaseProvider] = (),
    ) -> None:
        self.providers = providers
        """The user's own dishka providers."""
        modules = tuple(modules)
        self._of_user = _with_imports(modules[:1])
        """The first module after its imports; further modules are those of the framework."""
        self._modules = _with_imports(modules)
        self._packages = {package for cls in self._modules for package in (cls.__module__, _package(cls))}
        self._declared = dict.fromkeys(catalog.advices(), Injectable(eager=False)) | catalog.injectables()
        self.instances: dict[type, object] = {}
        for instance in instances:
            if self.instances.setdefault(type(instance), instance) is not instance:
                raise DependencyException(f"instances=[...] has two objects of class {name_of(type(instance))}")
        self.by_type = self._find_bindings()
        """The products by the type under which they are created."""
        self.advices = [cls for cls in catalog.advices() if cls in self.by_type]
        self._offers: dict[Any, list[Any]] = {}
        for made in [*self.instances, *self.by_type]:
            for kind in _kinds(made):
                self._offers.setdefault(kind, []).append(made)
        self._provided = _provided(providers)
        for kind in self._provided:
            self._offers.setdefault(kind, []).append(kind)

    def provides(self, kind: Any) -> bool:
        """Whether there is a ``kind``, be it one object or several."""
        return kind in self._offers

    def find(self, kind: Any) -> Any | None:
        """The type under which the only object that is a ``kind`` is created; None if there is none, or several."""
        found = self._offers.get(kind, [])
        return kind if kind in found else found[0] if len(found) == 1 else None

    def is_shared(self, found: Any) -> bool:
        """Whether there is one object of a type from :meth:`find`, rather than one per call."""
        binding = self.by_type.get(found)
        return binding.is_shared if binding is not None else self._provided.get(found, True)

    @property
    def has_request_scope(self) -> bool:
        """Whether there is any object of scope "request"."""
        return not all(self._provided.values()) or not all(binding.is_shared for binding in self.by_type.values())

    def check_scopes(self, binding: Binding, wanted: Iterable[InjectedParameter]) -> None:
        """Raise DependencyException if an object with scope "singleton" needs one with scope "request"."""
        for parameter in wanted if binding.is_shared else ():
            found = self.find(parameter.type)
            if found is not None and not self.is_shared(found):
                name = name_of(parameter.type)
                raise DependencyException(
                    f"{parameter.where} needs {name}, which has scope 'request': there is one per call, but "
                    f"{name_of(binding.type)} is made once and would keep the first. Make the implementation per call "
                    f"with @implementation(scope='request'), or inject the Environment and call "
                    f"environment.get({name}) inside the method"
                )

    def wanted(self, parameters: Iterable[InjectedParameter]) -> list[InjectedParameter]:
        """The parameters for which an argument has to be found; the others keep their default."""
        return [p for p in parameters if p.required or self.provides(p.type)]

    def unmet(self, kind: Any, wanted_by: str = "") -> DependencyException:
        """The error for a ``kind`` that is missing or ambiguous."""
        name = name_of(kind)
        need = f"{wanted_by} needs {name}, which" if wanted_by else name
        missing, several = f"{need} is not provided", f"{need} is provided by several"
        found = self._offers.get(kind)
        if found:
            sources = [self.by_type[t].source if t in self.by_type else name_of(t) for t in found]
            return DependencyException(f"{several}: {', '.join(sources)}; keep one, or request one of these")
        packages = " or ".join(dict.fromkeys(map(_package, self._of_user))) or "of a module"
        outside = [cls for cls in self._declared if cls not in self.by_type and kind in _kinds(cls)]
        if outside:
            return DependencyException(
                f"{missing}: {', '.join(map(location, outside))} is not in package {packages}; "
                f"import a module of its package with @module(imports=[...])"
            )
        module = name_of(self._of_user[-1]) if self._of_user else "a module"
        service = ""
        if isinstance(kind, type) and issubclass(kind, Service):
            service = (
                f"take a service that another process may offer by '@inject_service() def set_it(self, it: {name})', "
            )
        return DependencyException(
            f"{missing}; {service}add a @create() method that returns {name} to {module}, or "
            f"decorate a class with @injectable() in package {packages}"
        )

    def _find_bindings(self) -> dict[Any, Binding]:
        found: dict[Any, Binding] = {}
        created = [binding for module in self._modules for binding in created_bindings(module)]
        for binding in [class_binding(module, Injectable()) for module in self._modules] + created:
            other = found.setdefault(binding.type, binding)
            if other is not binding or binding.type in self.instances:
                there = other.source if other is not binding else "instances=[...]"
                raise DependencyException(
                    f"{name_of(binding.type)} is created twice, by {there} and by {binding.source}; "
                    f"remove one, or let one return a subclass"
                )
        for cls, injectable in self._declared.items():
            if cls not in found and cls not in self.instances and self._is_inside(cls):
                found[cls] = class_binding(cls, injectable)
        return found

    def _is_inside(self, cls: type) -> bool:
        return any(f"{cls.__module__}.".startswith(f"{package}.") for package in self._packages)


def _provided(providers: Sequence[BaseProvider]) -> dict[Any, bool]:
    """The types that dishka providers provide, and whether there is one object of each."""
    scopes: dict[Any, bool] = {}
    for provider in providers:
        for factory in provider.factories:
            scopes[factory.provides.type_hint] = factory.scope is None or factory.scope.name in ("RUNTIME", "APP")
        for alias in provider.aliases:
            scopes[alias.provides.type_hint] = scopes.get(alias.source.type_hint, True)
    return scopes


def _with_imports(modules: Iterable[type]) -> list[type]:
    """All modules, imported ones first."""
    found: dict[type, None] = {}
    entered: set[type] = set()

    def enter(module: type) -> None:
        if module not in entered:
            entered.add(module)
            if not isinstance(module, type) or MODULE not in vars(module):
                raise DependencyException(_no_module(module))
            for imported in vars(module)[MODULE]:
                enter(imported)
            found[module] = None

    for module in modules:
        enter(module)
    return list(found)


def _no_module(given: Any) -> str:
    cls = type(given)
    if not isinstance(given, type) and MODULE in vars(cls):
        return f"an object of {name_of(cls)} is not a module; pass the class: {cls.__name__}"
    return f"{name_of(given)} is not a module; decorate the class with @module()"


def _package(module: type) -> str:
    """The package that contains the file of a class; for a file outside of packages, the file itself."""
    return getattr(sys.modules.get(module.__module__), "__package__", None) or module.__module__


def _kinds(made: Any) -> list[Any]:
    """The types by which an object can be requested: its own and its bases, ``Base`` and also ``Base[int]``."""
    cls = typing.get_origin(made) or made
    if not isinstance(cls, type):
        return [made]
    bases: list[Any] = [base for base in cls.__mro__ if base not in (object, ABC, Generic, Protocol)]
    for base in cls.__mro__:
        bases += [b for b in vars(base).get("__orig_bases__", ()) if typing.get_origin(b) and not b.__parameters__]
    return list(dict.fromkeys([made, *bases]))
