"""Everything that an environment can make or holds, under which types, checked by dishka.

Declarations become dishka providers here, and dishka's errors become messages that name the user's code.
"""

from __future__ import annotations

import inspect
import sys
import typing
from abc import ABC
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, Protocol

from dishka import Container, Provider, Scope, make_container
from dishka.exceptions import CycleDependenciesError, GraphMissingFactoryError

from service_core.catalog import Catalog, Injectable
from service_core.di._product import Parameter, Product, class_product, created_products, name_of
from service_core.errors import DependencyException

__all__ = ["MODULE", "Ending", "Graph", "cycle_error"]

MODULE: Final = "__service_imports__"

Maker = Callable[[Product, Mapping[Parameter, Any]], object]


@dataclass(slots=True)
class Ending:
    """Something that dishka calls when its container is closed, the latest one first."""

    call: Callable[[], object]


class Graph:
    """What the modules, packages and ready objects of one environment offer. Raises DependencyException."""

    def __init__(self, modules: Iterable[type], instances: Iterable[object], catalog: Catalog) -> None:
        self._modules = _with_imports(modules)
        self._instances: dict[type, object] = {type(instance): instance for instance in instances}
        self._packages = {name for module in self._modules for name in (module.__module__, _package(module))}
        self._declared = dict.fromkeys(catalog.advices(), Injectable(eager=False)) | catalog.injectables()
        self.advices = [cls for cls in catalog.advices() if self._holds(cls)]
        """The advice classes, in the order of their declaration."""
        self._products = self._collect()
        offers: dict[Any, list[Any]] = {}
        for made in [*self._instances, *self._products]:
            for kind in _kinds(made):
                offers.setdefault(kind, []).append(made)
        self._offers = {kind: [kind] if kind in found else found for kind, found in offers.items()}

    def provides(self, kind: Any) -> bool:
        """Whether anything is a ``kind``, be it one object or several."""
        return kind in self._offers

    def types(self) -> list[Any]:
        """The type of each thing that there is, as it is made or was given."""
        return [*self._instances, *self._products]

    def find(self, kind: Any) -> Any:
        """The type under which the one object that is a ``kind`` is made."""
        found = self._offers.get(kind, ())
        if len(found) != 1:
            raise self._not_one(kind, name_of(kind))
        return found[0]

    def is_shared(self, made: Any) -> bool:
        """Whether there is one object of this type, rather than a new one each time."""
        return made in self._instances or self._products[made].injectable.scope == "singleton"

    def eager(self) -> list[Any]:
        """The types whose objects are made when the environment starts, in that order."""
        products = sorted(self._products.values(), key=lambda product: product.order)
        return [p.type for p in products if p.injectable.eager and p.injectable.scope == "singleton"]

    def wanted(self, parameters: Iterable[Parameter]) -> list[Parameter]:
        """Those parameters for which an argument has to be found; the others keep their default."""
        return [p for p in parameters if p.required or self.provides(p.type)]

    def unmet(self, parameter: Parameter) -> DependencyException:
        """Why a parameter cannot be injected."""
        return self._not_one(parameter.type, f"{parameter.where} needs {name_of(parameter.type)}, which")

    def container(self, make: Maker) -> Container:
        """The dishka container; ``make`` makes the objects. Its user guards it with a lock."""
        provider = Provider(scope=Scope.APP)
        provider.provide(_endings, cache=False)
        for kind in self._instances:
            provider.from_context(kind)
        for product in self._products.values():
            cache = product.injectable.scope == "singleton"
            provider.provide(self._factory(product, make), provides=product.type, cache=cache)
        try:
            return make_container(provider, context=dict(self._instances), lock_factory=None)
        except GraphMissingFactoryError as error:
            needs = self._products[error.path[-1].provides.type_hint].needs
            raise self.unmet(next(p for p in needs if p.type == error.requested.type_hint)) from error
        except CycleDependenciesError as error:
            path = [factory.provides.type_hint for factory in error.path]
            raise cycle_error([*path, path[0]]) from error

    def _factory(self, product: Product, make: Maker) -> Callable[..., object]:
        wanted = self.wanted(product.needs)

        def factory(*values: Any) -> object:
            return make(product, dict(zip(wanted, values, strict=True)))

        # dishka reads the dependencies of a factory from its signature.
        kinds = {
            f"p{i}": found[0] if len(found := self._offers.get(p.type, ())) == 1 else p.type
            for i, p in enumerate(wanted)
        }
        signature = [
            inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=kind)
            for name, kind in kinds.items()
        ]
        vars(factory)["__signature__"] = inspect.Signature(signature)
        factory.__annotations__ = kinds
        return factory

    def _collect(self) -> dict[Any, Product]:
        products: dict[Any, Product] = {}
        created = [product for module in self._modules for product in created_products(module)]
        for product in [class_product(module, Injectable()) for module in self._modules] + created:
            other = products.setdefault(product.type, product)
            if other is not product or product.type in self._instances:
                there = other.source if other is not product else "instances=[...]"
                raise DependencyException(
                    f"{name_of(product.type)} is created twice, by {there} and by {product.source}; remove one, "
                    f"or let one return a subclass"
                )
        for cls, injectable in self._declared.items():
            if self._holds(cls) and cls not in products and cls not in self._instances:
                products[cls] = class_product(cls, injectable)
        return products

    def _holds(self, cls: type) -> bool:
        return any(f"{cls.__module__}.".startswith(f"{package}.") for package in self._packages)

    def _not_one(self, kind: Any, subject: str) -> DependencyException:
        found = self._offers.get(kind)
        if found:
            sources = [self._products[t].source if t in self._products else name_of(t) for t in found]
            return DependencyException(
                f"{subject} is offered by several: {', '.join(sources)}; ask for one of these classes instead"
            )
        outside = [cls for cls in self._declared if not self._holds(cls) and kind in _kinds(cls)]
        if outside:
            where = ", ".join(f"{cls.__module__}.{cls.__qualname__}" for cls in outside)
            return DependencyException(
                f"{subject} nobody provides: {where} lies outside of the packages of the modules "
                f"({self._places()}); import a module of that package with @module(imports=[...])"
            )
        module = self._modules[-1].__name__ if self._modules else "a module"
        return DependencyException(
            f"{subject} nobody provides; add a @create() method that returns {name_of(kind)} to {module}, or "
            f"decorate a class with @injectable() in package {self._places()}"
        )

    def _places(self) -> str:
        return " or ".join(dict.fromkeys(_package(module) for module in self._modules)) or "of a module"


def cycle_error(path: Iterable[Any]) -> DependencyException:
    """What is said about objects that need each other."""
    return DependencyException(
        f"objects need each other: {' -> '.join(map(name_of, path))}; let one of them inject the Environment and "
        f"ask it for the other when it is used"
    )


def _with_imports(modules: Iterable[type]) -> list[type]:
    """All modules, those that are imported first."""
    found: dict[type, None] = {}
    entered: set[type] = set()

    def enter(module: type) -> None:
        if module in entered:
            return
        entered.add(module)
        if MODULE not in vars(module):
            raise DependencyException(f"{name_of(module)} is not a module; decorate it with @module()")
        for imported in vars(module)[MODULE]:
            enter(imported)
        found[module] = None

    for module in modules:
        enter(module)
    return list(found)


def _package(module: type) -> str:
    """The package that holds the file of a class; of a file outside of packages, the file itself."""
    return getattr(sys.modules.get(module.__module__), "__package__", None) or module.__module__


def _kinds(made: Any) -> list[Any]:
    """The types under which an object can be asked for: its own and its bases, ``Base[int]`` as well as ``Base``."""
    cls = typing.get_origin(made) or made
    if not isinstance(cls, type):
        return [made]
    bases: list[Any] = [base for base in cls.__mro__ if base not in (object, ABC, Generic, Protocol)]
    bound = [
        base
        for cls in cls.__mro__
        for base in vars(cls).get("__orig_bases__", ())
        if typing.get_origin(base) is not None and not base.__parameters__
    ]
    return list(dict.fromkeys([made, *bases, *bound]))


def _endings() -> Iterator[Ending]:
    ending = Ending(lambda: None)
    yield ending
    ending.call()
