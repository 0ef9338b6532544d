"""The environment: makes objects, hands them out, and ends them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Self, TypeVar, cast
from weakref import WeakValueDictionary

from typing_extensions import TypeForm

from service_core.aop.weaver import Weaver
from service_core.declaring.catalog import Catalog, Injectable, default_catalog
from service_core.di._bindings import Holdings
from service_core.di._container import Ending, container_of, cycle_error, end
from service_core.di._parameters import Parameter, arguments, name_of
from service_core.di._providers import Phase, Product, class_product, hooks_of
from service_core.errors import DependencyException

__all__ = ["Environment"]

T = TypeVar("T")


class _Path(threading.local):
    """What this thread is making: each needs the next."""

    def __init__(self) -> None:
        self.steps: list[Any] = []


class Environment:
    """The objects of one or several modules. Safe to use from several threads.

    It holds what the modules and their imports create, and the decorated classes in the Python packages of
    these modules. Before the first object is made all is checked: a missing, ambiguous or circular dependency
    raises DependencyException. If an object cannot be made at the start, those before it are ended again. Advice
    and hooks apply to what the environment makes, not to ready ``instances``.
    """

    def __init__(self, *modules: type, catalog: Catalog | None = None, instances: Iterable[object] = ()) -> None:
        """``instances`` are ready objects that can be injected; ``catalog`` holds the decorated classes."""
        self.catalog = default_catalog if catalog is None else catalog
        """Where the classes of this environment were declared."""
        self._lock = threading.RLock()
        self._path = _Path()
        self._finished: WeakValueDictionary[int, object] = WeakValueDictionary()
        self._to_run: deque[Callable[[], object]] = deque()
        self._is_up = self._is_ending = self._is_closed = False
        self._holdings = Holdings(modules, (self, *instances), self.catalog)
        self._shared: dict[Any, Any] = dict(self._holdings.instances)
        self._weaver = Weaver(self._holdings.advices, self.get)
        self._container = container_of(self._holdings, self._make)
        self._mark_finished(*self._shared.values())
        try:
            self._start()
        except BaseException as failure:
            try:
                self.destroy()
            except Exception as another:  # noqa: BLE001 - the first error is the one to raise
                failure.add_note(f"then objects that were made already failed to end: {another!r}")
            raise

    def get(self, kind: TypeForm[T]) -> T:
        """The object of a class, or of the one subclass that there is. Raises DependencyException.

        It is made when it is first asked for; with scope "request", each time.
        """
        found = self._holdings.find(kind)
        if found is None:
            raise self._holdings.unmet(kind)
        shared = self._shared.get(found)
        if shared is not None:
            return cast(T, shared)
        with self._lock, self._step(found):
            self._check_open(kind)
            thing = self._container.get(found)
            if self._holdings.products[found].is_shared:
                self._shared[found] = thing
        self._run_waiting()
        return cast(T, thing)

    def provides(self, kind: TypeForm[Any]) -> bool:
        """Whether there is an object of a class; also if there are several, for which ``get`` raises."""
        return self._holdings.provides(kind)

    def types(self) -> list[Any]:
        """The type of each object that there is or can be made; :meth:`get` takes each of them."""
        return [*self._holdings.instances, *self._holdings.products]

    def create(self, cls: type[T]) -> T:
        """A new object of any class, decorated or not, injected and advised. Raises DependencyException."""
        self._check_open(cls)
        product = class_product(cls, Injectable(scope="request"))
        with self._step(f"a new {name_of(cls)}"):
            made = self._finish(product, self._supply(product.needs))
        self._run_waiting()
        return cast(T, made)

    def destroy(self) -> None:
        """Call the ``@on_destroy`` methods, the latest object's first; the second time nothing happens.

        All of them are called. An error is raised at the end; several are raised as one ExceptionGroup.
        """
        with self._lock:
            if self._is_ending:
                return
            self._is_ending = True
        try:
            end(self._container)
        finally:
            with self._lock:
                self._is_closed = True
                self._shared = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.destroy()

    def _start(self) -> None:
        for product in sorted(self._holdings.products.values(), key=lambda product: product.order):
            if product.injectable.eager and product.is_shared:
                self.get(product.type)
        self._is_up = True
        self._run_waiting()

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
            hooks = hooks_of(type(made))
            supply = self._supply([parameter for hook in hooks for parameter in hook.needs])

        def calls(phase: Phase) -> list[Callable[[], object]]:
            return [hook.bind(made, supply, self) for hook in hooks if hook.phase == phase]

        for inject in calls("inject"):
            inject()
        self._weaver.weave(made)
        for init in calls("init"):
            init()
        for destroy in reversed(calls("destroy")):
            with self._lock:
                self._container.get(Ending).call = destroy
        self._to_run.extend(calls("running"))
        self._mark_finished(made)
        return made

    def _supply(self, parameters: Iterable[Parameter]) -> dict[Parameter, Any]:
        wanted = self._holdings.wanted(parameters)
        for parameter in wanted:
            if self._holdings.find(parameter.type) is None:
                raise self._holdings.unmet(parameter.type, parameter.where)
        return {parameter: self.get(parameter.type) for parameter in wanted}

    def _run_waiting(self) -> None:
        # Not while something is being made, since an @on_running method may ask for it.
        while self._to_run and self._is_up and not self._path.steps:
            with self._lock:
                run = self._to_run.popleft() if self._to_run else None
            if run is not None:
                run()

    def _mark_finished(self, *objects: object) -> None:
        for made in objects:
            with suppress(TypeError):  # not every class with slots allows weak references
                self._finished[id(made)] = made

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
