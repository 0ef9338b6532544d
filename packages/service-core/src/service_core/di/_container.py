"""The bindings as a dishka container: declarations become its providers, its errors become readable ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NewType

from service_core.di._binding import Binding
from service_core.di._bindings import Bindings
from service_core.di._parameters import InjectedParameter, name_of
from service_core.errors import DependencyException

if TYPE_CHECKING:
    from dishka import Container

Maker = Callable[[Binding, Mapping[InjectedParameter, Any], "Container"], object]
"""Creates a product from the objects for its parameters, for the container of its scope."""


@dataclass(slots=True)
class Finalizer:
    """Something that is called when the container is closed, the latest first; a new one with each ``get``."""

    call: Callable[[], object]


RequestEnding = NewType("RequestEnding", Finalizer)
"""An ending of the request scope."""


def container_of(bindings: Bindings, make: Maker, lock: AbstractContextManager[Any]) -> Container:
    """A container whose graph has been checked, guarded by ``lock``. Raises DependencyException."""
    # Not imported with the module: its import takes longer than all others, and a pure client does not need it.
    from dishka import Provider, Scope, make_container
    from dishka.exceptions import CycleDependenciesError, GraphMissingFactoryError

    provider = Provider(scope=Scope.APP)
    provider.provide(_endings, cache=False)
    provider.provide(_request_endings, scope=Scope.REQUEST, cache=False)
    for kind in bindings.instances:
        provider.from_context(kind)
    for binding in bindings.by_type.values():
        scope = Scope.APP if binding.is_shared else Scope.REQUEST
        provider.provide(_factory(binding, bindings, make), provides=binding.type, scope=scope)
    try:
        return make_container(
            provider, *bindings.providers, context=dict(bindings.instances), lock_factory=lambda: lock
        )
    except GraphMissingFactoryError as error:
        wanting = bindings.by_type.get(error.path[-1].provides.type_hint) if error.path else None
        missing = error.requested.type_hint
        parameter = next((p for p in wanting.needs if p.type == missing), None) if wanting is not None else None
        if parameter is None:  # of a provider of the user
            raise DependencyException(f"the given dishka providers do not fit together: {error}") from error
        raise bindings.unmet(missing, parameter.where) from error
    except CycleDependenciesError as error:
        path = [factory.provides.type_hint for factory in error.path]
        raise cycle_error([*path, path[0]]) from error


def end(container: Container) -> None:
    """Call all endings. Raises their error afterwards; an ExceptionGroup of several."""
    from dishka.exceptions import ExitError

    try:
        container.close()
    except ExitError as group:
        errors = group.exceptions
        raise (errors[0] if len(errors) == 1 else ExceptionGroup("several objects failed to end", errors)) from None


def cycle_error(path: Iterable[Any]) -> DependencyException:
    """The message for objects that need each other."""
    return DependencyException(
        f"objects need each other: {' -> '.join(map(name_of, path))}; let one of them inject the Environment "
        f"and request the other from it on use"
    )


def _factory(binding: Binding, bindings: Bindings, make: Maker) -> Callable[..., object]:
    from dishka import Container

    wanted = bindings.wanted(binding.needs)
    bindings.check_scopes(binding, wanted)

    def factory(container: Container, *values: Any) -> object:
        return make(binding, dict(zip(wanted, values, strict=True)), container)

    # dishka reads the dependencies of a factory from its signature.
    kinds = {"container": Container} | {f"p{i}": bindings.find(p.type) or p.type for i, p in enumerate(wanted)}
    factory.__annotations__ = kinds
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    vars(factory)["__signature__"] = inspect.Signature(
        [inspect.Parameter(n, kind, annotation=t) for n, t in kinds.items()]
    )
    return factory


def _endings() -> Iterator[Finalizer]:
    ending = Finalizer(lambda: None)
    yield ending
    ending.call()


def _request_endings() -> Iterator[RequestEnding]:
    ending = RequestEnding(Finalizer(lambda: None))
    yield ending
    ending.call()
