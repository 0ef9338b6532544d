"""The environment: creates objects, returns them, and ends them."""

from __future__ import annotations

import threading
import typing
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast
from weakref import WeakValueDictionary

from typing_extensions import TypeForm

from service_core.aop._weaver import Weaver
from service_core.declaring.catalog import Catalog, Injectable, default_catalog
from service_core.di._binding import Binding, Phase, class_binding, hooks_of
from service_core.di._bindings import Bindings
from service_core.di._container import Finalizer, RequestEnding, container_of, end
from service_core.di._parameters import InjectedParameter, arguments, name_of
from service_core.di._path import CreationPath
from service_core.di._request_scope import current_scope, request_scope
from service_core.errors import DependencyException

if TYPE_CHECKING:
    from dishka import Container
    from dishka.provider import BaseProvider

T = TypeVar("T")


class Environment:
    """The objects of one or several modules. Safe to use from several threads.

    It holds what the modules and their imports create, and the decorated classes in the Python packages of
    these modules. Before the first object is created all dependencies are checked: a missing, ambiguous or circular one
    raises DependencyException. If an object cannot be created at the start, those before it are ended again. Advice
    and hooks apply to objects that the environment creates, not to ready ``instances``.
    """

    def __init__(
        self,
        *modules: type,
        catalog: Catalog | None = None,
        instances: Iterable[object] = (),
        providers: Sequence[BaseProvider] = (),
    ) -> None:
        """``instances`` are ready objects that can be injected; ``catalog`` holds the decorated classes.

        ``providers`` are dishka providers; their objects are injected like all others, without advice and hooks.
        """
        self.catalog = default_catalog if catalog is None else catalog
        """The catalog in which the classes of this environment were declared."""
        self._lock = threading.RLock()
        self._path = CreationPath()
        self._finished: dict[int, object] = {}  # objects with hooks that the environment keeps anyway, by identity
        self._finished_others: WeakValueDictionary[int, object] = WeakValueDictionary()
        self._observers: list[Callable[[object], object]] = []
        self._to_run: deque[Callable[[], object]] = deque()
        self._is_up = self._is_ending = self._is_closed = False
        self._bindings = Bindings(modules, (self, *instances), self.catalog, providers)
        self._shared: dict[Any, Any] = dict(self._bindings.instances)
        self._weaver = Weaver(self._bindings.advices, self.get)
        self._container = container_of(self._bindings, self._make, self._lock)
        self._finished = {id(made): made for made in self._shared.values()}
        try:
            self._start()
        except BaseException as failure:
            try:
                self.destroy()
            except Exception as another:  # noqa: BLE001 - the first error is the one to raise
                failure.add_note(f"then objects that were made already failed to end: {another!r}")
            raise

    def get(self, kind: TypeForm[T]) -> T:
        """The object of a class, or of its only subclass. Raises DependencyException.

        It is created on first use; with scope "request" once for each served call, and only inside
        of one.
        """
        found = self._bindings.find(kind)
        if found is None:
            raise self._bindings.unmet(kind)
        shared = self._shared.get(found)
        if shared is not None:
            return cast(T, shared)
        if self._bindings.is_shared(found):
            with self._lock, self._path.step(found):
                self._check_open(kind)
                thing = self._shared[found] = self._container.get(found)
        else:
            with self._path.step(found):
                self._check_open(kind)
                thing = current_scope(self, kind).container.get(found)
        self._run_waiting()
        return cast(T, thing)

    def request(self) -> AbstractContextManager[None]:
        """The scope of one served call: inside the block there is one object of each class with scope "request".

        They are ended with the block, the latest first. Inside of another such block it is that one that counts.
        """
        return request_scope(self, lambda: self._container(lock_factory=threading.RLock))

    @property
    def has_request_scope(self) -> bool:
        """Whether there is any class or ``@create`` method of scope "request"."""
        return self._bindings.has_request_scope

    def is_per_call(self, kind: TypeForm[Any]) -> bool:
        """Whether there is one object of a class for each call, rather than one for the environment."""
        found = self._bindings.find(kind)
        return found is not None and not self._bindings.is_shared(found)

    def type_of(self, kind: TypeForm[Any]) -> type:
        """The class of the object of a type: the actual one if the object was created, else the declared one."""
        found = self._bindings.find(kind)
        if found is None:
            raise self._bindings.unmet(kind)
        made = self._shared.get(found) if self._bindings.is_shared(found) else None
        return type(made) if made is not None else cast(type, typing.get_origin(found) or found)

    def when_made(self, observer: Callable[[object], object]) -> None:
        """Call ``observer`` with each object that the environment keeps: the existing and all later ones."""
        with self._lock:
            self._observers.append(observer)
            made = list(self._finished.values())
        for each in made:
            observer(each)

    def provides(self, kind: TypeForm[Any]) -> bool:
        """Whether there is an object of a class; also if there are several, for which ``get`` raises."""
        return self._bindings.provides(kind)

    def types(self) -> list[Any]:
        """The type of each object that exists or can be created; :meth:`get` accepts each of them."""
        return [*self._bindings.instances, *self._bindings.by_type]

    def advice_without_match(self, *bases: type) -> list[Callable[..., Any]]:
        """The methods of advice classes that apply to no class of this environment, nor to one below ``bases``."""
        known = (typing.get_origin(kind) or kind for kind in self.types())
        made = (type(thing) for thing in self._shared.values())
        classes = [kind for kind in (*known, *made) if isinstance(kind, type)]
        return list(self._weaver.without_match(classes, bases))

    def create(self, cls: type[T]) -> T:
        """A new object of any class, decorated or not, injected and advised. Raises DependencyException."""
        self._check_open(cls)
        binding = class_binding(cls, Injectable(scope="request"))
        with self._path.step(f"a new {name_of(cls)}"):
            made = self._finish(binding, self._supply(binding.needs), self._at_end)
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
                self._shared, self._finished = {}, {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.destroy()

    def _start(self) -> None:
        for binding in sorted(self._bindings.by_type.values(), key=lambda binding: binding.order):
            if binding.injectable.eager and binding.is_shared:
                self.get(binding.type)
        self._is_up = True
        self._run_waiting()

    def _make(self, binding: Binding, supply: Mapping[InjectedParameter, Any], container: Container) -> object:
        ending = Finalizer if binding.is_shared else RequestEnding

        def at_end(call: Callable[[], object]) -> None:
            container.get(ending).call = call

        if self._path.ends_with(binding.type):
            made = self._finish(binding, supply, at_end)
        else:
            with self._path.step(binding.type):
                made = self._finish(binding, supply, at_end)
        if binding.is_shared and id(made) not in self._finished:
            self._finished[id(made)] = made
            for observer in list(self._observers):
                observer(made)
        return made

    def _finish(
        self, binding: Binding, supply: Mapping[InjectedParameter, Any], at_end: Callable[[Callable[[], object]], None]
    ) -> object:
        made = binding.make(at_end, **arguments(binding.parameters, supply))
        if self._finished.get(id(made)) is made or self._finished_others.get(id(made)) is made:
            return made  # a @create method has returned one of its arguments
        hooks = binding.hooks
        if type(made) is not binding.type:
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
            at_end(destroy)
        self._to_run.extend(calls("running"))
        with suppress(TypeError):  # not every class with slots allows weak references
            self._finished_others[id(made)] = made
        return made

    def _at_end(self, call: Callable[[], object]) -> None:
        with self._lock:
            self._container.get(Finalizer).call = call

    def _supply(self, parameters: Iterable[InjectedParameter]) -> dict[InjectedParameter, Any]:
        wanted = self._bindings.wanted(parameters)
        for parameter in wanted:
            if self._bindings.find(parameter.type) is None:
                raise self._bindings.unmet(parameter.type, parameter.where)
        return {parameter: self.get(parameter.type) for parameter in wanted}

    def _run_waiting(self) -> None:
        # Not while an object is being created, since an @on_running method may request it.
        while self._to_run and self._is_up and self._path.is_empty:
            with self._lock:
                run = self._to_run.popleft() if self._to_run else None
            if run is not None:
                run()

    def _check_open(self, kind: Any) -> None:
        if self._is_closed:
            raise DependencyException(f"{name_of(kind)} was requested after its environment was destroyed")
