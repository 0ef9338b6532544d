"""The products of classes and ``@create`` methods: their parameters, and their hooks."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import FunctionType, NoneType
from typing import Any, Final, Literal

from service_core.declaring.catalog import Injectable
from service_core.declaring.interfaces import Component
from service_core.di._parameters import InjectedParameter, arguments, name_of, parameters_of, type_hints
from service_core.errors import DependencyException
from service_core.markers import order_of, stamped_methods

CREATE: Final = "__service_create__"
HOOK: Final = "__service_hook__"

Phase = Literal["inject", "init", "running", "destroy"]


FindArguments = Callable[[Any, list[Any]], list[Any]]
"""Returns the arguments of a method for an environment and the types of the parameters."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Hook:
    """A method that the container calls at a stage of an object."""

    name: str
    phase: Phase
    """When: after construction, when advice is active, when the environment is up, when it ends."""
    parameters: tuple[InjectedParameter, ...]
    find_arguments: FindArguments | None = None
    """None injects them by type."""

    @property
    def needs(self) -> tuple[InjectedParameter, ...]:
        """The parameters that are injected by type."""
        return self.parameters if self.find_arguments is None else ()

    def bind(self, made: object, supply: Mapping[InjectedParameter, Any], environment: Any) -> Callable[[], object]:
        """The call of the method of an object; arguments that are not injected by type are found now."""
        given = arguments(self.parameters, supply)
        if self.find_arguments is not None:
            values = self.find_arguments(environment, [parameter.type for parameter in self.parameters])
            given = {parameter.name: value for parameter, value in zip(self.parameters, values, strict=True)}
        return partial(getattr(made, self.name), **given)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Binding:
    """A product: an object that the container can create."""

    type: Any
    """The type under which it is created; usually a class."""
    make: Callable[..., Any]
    """Creates it; called with a function that registers an ending, and the injected parameters by name."""
    parameters: tuple[InjectedParameter, ...]
    hooks: tuple[Hook, ...]
    """Hooks of the declared type; the object that ``make`` returns may have others."""
    injectable: Injectable
    order: int
    source: str
    """Its source, for messages."""

    @property
    def needs(self) -> list[InjectedParameter]:
        """All parameters that are injected by type."""
        return [*self.parameters, *(parameter for hook in self.hooks for parameter in hook.needs)]

    @property
    def is_shared(self) -> bool:
        """Whether there is one object, rather than a new one each time."""
        return self.injectable.scope == "singleton"


def class_binding(cls: type, injectable: Injectable) -> Binding:
    """The product of a class. Raises DependencyException."""
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
        hint = ""
        if issubclass(cls, Component) and "startup" in missing:
            hint = f"; derive from AbstractComponent as well: class {cls.__name__}(AbstractComponent, ...)"
        raise DependencyException(f"{name_of(cls)} cannot be made, it is abstract: implement {missing}{hint}")
    return Binding(
        type=cls,
        make=lambda _at_end, **injected: cls(**injected),
        parameters=parameters_of(cls.__init__, f"{cls.__name__}.__init__"),  # type: ignore[misc]
        hooks=hooks_of(cls),
        injectable=injectable,
        order=order_of(cls),
        source=f"class {cls.__module__}.{cls.__qualname__}",
    )


def created_bindings(module: type) -> list[Binding]:
    """The products of the ``@create`` methods of a module. Raises DependencyException."""
    created = stamped_methods(module, CREATE).items()
    return [_created_binding(module, name, method, stamps[-1]) for name, (method, stamps) in created]


def _created_binding(module: type, name: str, method: FunctionType, injectable: Injectable) -> Binding:
    where = f"{module.__name__}.{name}"
    created = type_hints(method, where).get("return", NoneType)
    if inspect.isgeneratorfunction(method):
        created = next(iter(typing.get_args(created)), NoneType)
    if created is NoneType or inspect.iscoroutinefunction(method):
        raise DependencyException(
            f"@create() method {where}() must be a 'def' with a return type that says what it creates; "
            f"write 'def {name}(self) -> <type>', or '-> Iterator[<type>]' for a generator"
        )

    def make(at_end: Callable[[Callable[[], object]], None], module: Any, **injected: Any) -> Any:
        made = getattr(module, name)(**injected)
        if inspect.isgenerator(made):
            generator, made = made, next(made, None)
            at_end(partial(next, generator, None))
        if made is None:
            raise DependencyException(f"{where}() returned None; let it return a {name_of(created)}")
        return made

    cls = typing.get_origin(created) or created
    owner = InjectedParameter(name="module", type=module, required=True, where=f"{where}()")
    return Binding(
        type=created,
        make=make,
        parameters=(owner, *parameters_of(method, where)),
        hooks=hooks_of(cls) if isinstance(cls, type) else (),
        injectable=injectable,
        order=order_of(method, default=order_of(cls)),
        source=f"{where}()",
    )


def hooks_of(cls: type) -> tuple[Hook, ...]:
    """The hooks of a class in the order in which they are called. Raises DependencyException."""
    found = stamped_methods(cls, HOOK).items()
    return tuple(
        Hook(name=name, phase=phase, parameters=parameters_of(method, f"{cls.__name__}.{name}"), find_arguments=find)
        for name, (method, stamps) in sorted(found, key=lambda item: order_of(item[1][0]))
        for phase, find in stamps
    )
