"""The environment: makes objects, hands them out, and ends them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, Self, TypeVar, cast
from weakref import WeakValueDictionary

from dishka.exceptions import ExitError
from typing_extensions import TypeForm

from service_core.aop.weaver import Weaver
from service_core.catalog import Catalog, Injectable, default_catalog
from service_core.di._graph import Ending, Graph, cycle_error
from service_core.di._product import (
    HookMethod,
    Parameter,
    Phase,
    Product,
    arguments,
    class_product,
    hook_methods,
    name_of,
)
from service_core.errors import DependencyException

__all__ = ["Environment"]

T = TypeVar("T")


class _Path(threading.local):
    """What this thread is making: each needs the next."""

    def __init__(self) -> None:
        self.steps: list[Any] = []


class Environment:
    """The objects of one or several modules. Safe to use from several threads.

    It holds what the modules and their imports create, and the decorated classes in the Python packages of these
    modules. All of it is checked before the first object is made: a missing, ambiguous or circular dependency
    raises DependencyException. If an object cannot be made at the start, those before it are ended again.
    Advice and hooks apply to what the environment makes, not to the ready ``instances``.
    """

    def __init__(
        self, *modules: type, catalog: Catalog | None = None, instances: Iterable[object] = ()
    ) -> None:
        """``instances`` are ready objects that can be injected; ``catalog`` holds the decorated classes."""
        self.catalog = default_catalog if catalog is None else catalog
        """Where the classes of this environment were declared."""
        self._lock = threading.RLock()
        self._path = _Path()
        self._shared: dict[Any, Any] = {}
        self._to_run: deque[Callable[[], object]] = deque()
        self._is_up = self._is_ending = self._is_closed = False
        ready = (self, *instances)
        self._finished: WeakValueDictionary[int, object] = WeakValueDictionary()
        for instance in ready:
            self._mark_finished(instance)
        self._graph = Graph(modules, ready, self.catalog)
        self._weaver = Weaver(self._graph.advices, self.get)
        self._container = self._graph.container(self._make)
        try:
            for made in self._graph.eager():
                self.get(made)
            self._is_up = True
            self._run_waiting()
        except BaseException as failure:
            try:
                self.destroy()
            except Exception as another:  # noqa: BLE001 - the first error is the one to raise
                failure.add_note(f"then objects that were made already failed to end: {another!r}")
            raise

    def get(self, kind: TypeForm[T]) -> T:
        """The object of a class, or of the one subclass that the environment holds. Raises DependencyException.

        It is made if it has not been yet, and each time if its scope is "request".
        """
        shared = self._shared.get(kind)
        if shared is not None:
            return cast(T, shared)
        found = self._graph.find(kind)
        with self._lock, self._step(found):
            self._check_open(kind)
            thing = self._container.get(found)
            if self._graph.is_shared(found):
                self._shared[kind] = thing
        self._run_waiting()
        return cast(T, thing)

    def provides(self, kind: TypeForm[Any]) -> bool:
        """Whether the environment holds an object of a class; also if there are several, so that ``get`` raises."""
        return self._graph.provides(kind)

    def types(self) -> list[Any]:
        """The type of each object that the environment holds or can make: what to :meth:`get` to see them all."""
        return self._graph.types()

    def create(self, cls: type[T]) -> T:
        """A new, injected and advised object of any class; the class needs no decorator. Raises DependencyException."""
        self._check_open(cls)
        product = class_product(cls, Injectable(scope="request"))
        with self._step(f"a new {name_of(cls)}"):
            made = self._finish(product, self._supply(product.needs))
        self._run_waiting()
        return cast(T, made)

    def destroy(self) -> None:
        """Call the ``@on_destroy`` methods, those of the latest object first. The second time nothing happens.

        All of them are called. If one raises, its error is raised at the end; if several do, as ExceptionGroup.
        """
        with self._lock:
            if self._is_ending:
                return
            self._is_ending = True
        try:
            self._container.close()
        except ExitError as group:
            if len(group.exceptions) == 1:
                raise group.exceptions[0] from None
            raise ExceptionGroup("several objects failed to end", group.exceptions) from None
        finally:
            self._is_closed = True
            self._shared = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.destroy()

    def _make(self, product: Product, supply: Mapping[Parameter, Any]) -> object:
        steps = self._path.steps
        if steps and steps[-1] is product.type:  # it was asked for itself
            return self._finish(product, supply)
        with self._step(product.type):
            return self._finish(product, supply)

    def _finish(self, product: Product, supply: Mapping[Parameter, Any]) -> object:
        made = product.make(**arguments(product.parameters, supply))
        if self._finished.get(id(made)) is made:
            return made  # a @create method has handed on what it was given
        hooks = product.hooks
        if type(made) is not product.type:
            hooks = hook_methods(type(made))
            supply = self._supply(
                [p for method in hooks if method.hook.arguments is None for p in method.parameters]
            )
        for call in self._calls(made, "inject", hooks, supply):
            call()
        self._weaver.weave(made)
        for call in self._calls(made, "init", hooks, supply):
            call()
        for call in reversed(self._calls(made, "destroy", hooks, supply)):
            with self._lock:
                self._container.get(Ending).call = call
        self._to_run.extend(self._calls(made, "running", hooks, supply))
        self._mark_finished(made)
        return made

    def _mark_finished(self, made: object) -> None:
        with suppress(TypeError):  # not every class with slots allows weak references
            self._finished[id(made)] = made

    def _calls(
        self, made: object, phase: Phase, hooks: Sequence[HookMethod], supply: Mapping[Parameter, Any]
    ) -> list[Callable[[], object]]:
        return [
            partial(getattr(made, method.name), **self._hook_arguments(method, supply))
            for method in hooks
            if method.hook.phase == phase
        ]

    def _hook_arguments(self, method: HookMethod, supply: Mapping[Parameter, Any]) -> dict[str, Any]:
        if method.hook.arguments is None:
            return arguments(method.parameters, supply)
        values = method.hook.arguments(self, [parameter.type for parameter in method.parameters])
        return dict(zip([parameter.name for parameter in method.parameters], values, strict=True))

    def _supply(self, parameters: Iterable[Parameter]) -> dict[Parameter, Any]:
        wanted = self._graph.wanted(parameters)
        for parameter in wanted:
            if not self._graph.provides(parameter.type):
                raise self._graph.unmet(parameter)
        return {parameter: self.get(parameter.type) for parameter in wanted}

    def _run_waiting(self) -> None:
        """Call the ``@on_running`` methods that wait, unless something is being made that they could ask for."""
        while self._to_run and self._is_up and not self._path.steps:
            with self._lock:
                run = self._to_run.popleft() if self._to_run else None
            if run is not None:
                run()

    def _check_open(self, kind: Any) -> None:
        if self._is_closed:
            raise DependencyException(f"{name_of(kind)} was asked for after its environment was destroyed")

    @contextmanager
    def _step(self, step: Any) -> Iterator[None]:
        steps = self._path.steps
        if step in steps:
            raise cycle_error([*steps[steps.index(step) :], step])
        steps.append(step)
        try:
            yield
        finally:
            steps.pop()
