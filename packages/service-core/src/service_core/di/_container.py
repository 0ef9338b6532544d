"""Holdings as a dishka container: declarations become its providers, its errors become readable ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from service_core.di._bindings import Holdings
from service_core.di._parameters import Parameter, name_of
from service_core.di._providers import Product
from service_core.errors import DependencyException

if TYPE_CHECKING:
    from dishka import Container

__all__ = ["Ending", "container_of", "cycle_error", "end"]

Maker = Callable[[Product, Mapping[Parameter, Any]], object]
"""Makes a product from the objects for its parameters."""


@dataclass(slots=True)
class Ending:
    """Something that is called when the container is closed, the latest first; new each time it is asked for."""

    call: Callable[[], object]


def container_of(holdings: Holdings, make: Maker) -> Container:
    """A container whose graph has been checked. It is not locked. Raises DependencyException."""
    # Not imported with the module: it takes longer than all the rest, and who only calls or declares does not need it.
    from dishka import Provider, Scope, make_container
    from dishka.exceptions import CycleDependenciesError, GraphMissingFactoryError

    provider = Provider(scope=Scope.APP)
    provider.provide(_endings, cache=False)
    for kind in holdings.instances:
        provider.from_context(kind)
    for product in holdings.products.values():
        provider.provide(_factory(product, holdings, make), provides=product.type, cache=product.is_shared)
    try:
        return make_container(provider, context=dict(holdings.instances), lock_factory=None)
    except GraphMissingFactoryError as error:
        wanting, missing = holdings.products[error.path[-1].provides.type_hint], error.requested.type_hint
        parameter = next(p for p in wanting.needs if p.type == missing)
        raise holdings.unmet(missing, parameter.where) from error
    except CycleDependenciesError as error:
        path = [factory.provides.type_hint for factory in error.path]
        raise cycle_error([*path, path[0]]) from error


def end(container: Container) -> None:
    """Call all endings. Raises their error after that; an ExceptionGroup of several."""
    from dishka.exceptions import ExitError

    try:
        container.close()
    except ExitError as group:
        errors = group.exceptions
        raise (errors[0] if len(errors) == 1 else ExceptionGroup("several objects failed to end", errors)) from None


def cycle_error(path: Iterable[Any]) -> DependencyException:
    """What is said about objects that need each other."""
    return DependencyException(
        f"objects need each other: {' -> '.join(map(name_of, path))}; let one of them inject the Environment "
        f"and ask it for the other when it is used"
    )


def _factory(product: Product, holdings: Holdings, make: Maker) -> Callable[..., object]:
    wanted = holdings.wanted(product.needs)

    def factory(*values: Any) -> object:
        return make(product, dict(zip(wanted, values, strict=True)))

    # dishka reads the dependencies of a factory from its signature.
    factory.__annotations__ = {f"p{i}": holdings.find(p.type) or p.type for i, p in enumerate(wanted)}
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    parameters = [inspect.Parameter(n, kind, annotation=t) for n, t in factory.__annotations__.items()]
    vars(factory)["__signature__"] = inspect.Signature(parameters)
    return factory


def _endings() -> Iterator[Ending]:
    ending = Ending(lambda: None)
    yield ending
    ending.call()
