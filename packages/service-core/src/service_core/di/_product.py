"""What can be made, and what it needs: read once from constructors, ``@create`` methods and hooks."""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Union

from service_core.aop.stamps import order_of, stamped_methods
from service_core.catalog import Injectable
from service_core.errors import DependencyException

__all__ = [
    "CREATE", "HOOK", "Hook", "HookMethod", "Parameter", "Phase", "Product", "arguments", "class_product",
    "created_products", "hook_methods", "name_of",
]  # fmt: skip

CREATE: Final = "__service_create__"
HOOK: Final = "__service_hook__"

Phase = Literal["inject", "init", "running", "destroy"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """What a decorator says about a method that the container calls."""

    phase: Phase
    """When: after construction, when advice is active, when the environment is up, when it ends."""
    arguments: Callable[[Any, list[Any]], list[Any]] | None = None
    """Gives the arguments for an environment and the types of the parameters; None injects them by type."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Parameter:
    """A parameter for which the container has to find an argument."""

    name: str
    type: Any
    """What is injected: the type hint, without the ``| None`` of a default."""
    required: bool
    """Whether it has no default, which is kept if nobody provides the type."""
    where: str
    """``parameter 'x' of Class.method()``, for messages."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class HookMethod:
    """A method that the container calls in the life of an object."""

    name: str
    hook: Hook
    parameters: tuple[Parameter, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Product:
    """Something that the container can make."""

    type: Any
    """The type under which it is made; usually a class."""
    make: Callable[..., Any]
    """Makes it; called with the injected parameters by name."""
    parameters: tuple[Parameter, ...]
    hooks: tuple[HookMethod, ...]
    """Those of the declared type; the object that ``make`` returns may have others."""
    injectable: Injectable
    order: int
    source: str
    """Where it comes from, for messages."""

    @property
    def needs(self) -> list[Parameter]:
        """All parameters that are injected by type."""
        of_hooks = [p for method in self.hooks if method.hook.arguments is None for p in method.parameters]
        return [*self.parameters, *of_hooks]


def class_product(cls: type, injectable: Injectable) -> Product:
    """How objects of a class are made. Raises DependencyException."""
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(cls.__abstractmethods__))
        raise DependencyException(f"{name_of(cls)} cannot be made, it is abstract: implement {missing}")
    return Product(
        type=cls,
        make=cls,
        parameters=_parameters(cls.__init__, f"{cls.__name__}.__init__"),  # type: ignore[misc]
        hooks=hook_methods(cls),
        injectable=injectable,
        order=order_of(cls),
        source=f"class {cls.__module__}.{cls.__qualname__}",
    )


def created_products(module: type) -> list[Product]:
    """What the ``@create`` methods of a module make. Raises DependencyException."""
    return [
        _created_product(module, function, stamps[-1])
        for function, stamps in stamped_methods(module, CREATE).values()
    ]


def _created_product(module: type, function: types.FunctionType, injectable: Injectable) -> Product:
    where = f"{module.__name__}.{function.__name__}"
    created = _hints(function, where).get("return")
    if created in (None, types.NoneType) or inspect.iscoroutinefunction(function):
        raise DependencyException(
            f"@create() method {where}() must be a 'def' with a return type that says what it creates; "
            f"write 'def {function.__name__}(self) -> <type>'"
        )

    def make(module: Any, **injected: Any) -> Any:
        made = getattr(module, function.__name__)(**injected)
        if made is None:
            raise DependencyException(f"{where}() returned None; let it return a {name_of(created)}")
        return made

    owner = Parameter(name="module", type=module, required=True, where=f"{where}()")
    cls = typing.get_origin(created) or created
    return Product(
        type=created,
        make=make,
        parameters=(owner, *_parameters(function, where)),
        hooks=hook_methods(cls) if isinstance(cls, type) else (),
        injectable=injectable,
        order=order_of(function, default=order_of(cls)),
        source=f"{where}()",
    )


def hook_methods(cls: type) -> tuple[HookMethod, ...]:
    """The hooks of a class in the order in which they are called. Raises DependencyException."""
    found = stamped_methods(cls, HOOK).items()
    return tuple(
        HookMethod(name=name, hook=hook, parameters=_parameters(function, f"{cls.__name__}.{name}"))
        for name, (function, hooks) in sorted(found, key=lambda item: order_of(item[1][0]))
        for hook in hooks
    )


def arguments(parameters: tuple[Parameter, ...], supply: Mapping[Parameter, Any]) -> dict[str, Any]:
    """The arguments by name; what is not supplied keeps its default."""
    return {parameter.name: supply[parameter] for parameter in parameters if parameter in supply}


def name_of(kind: Any) -> str:
    """A type as people write it."""
    return kind.__name__ if isinstance(kind, type) else str(kind)


def _parameters(function: Callable[..., Any], where: str) -> tuple[Parameter, ...]:
    hints = _hints(function, where)
    found: list[Parameter] = []
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        required = parameter.default is parameter.empty
        if parameter.name in hints:
            hint = hints[parameter.name]
            found.append(
                Parameter(
                    name=parameter.name,
                    type=hint if required else _without_none(hint),
                    required=required,
                    where=f"parameter '{parameter.name}' of {where}()",
                )
            )
        elif required:
            raise DependencyException(
                f"parameter '{parameter.name}' of {where}() has no type hint; "
                f"write '{parameter.name}: <type>', since it is injected by its type"
            )
    return tuple(found)


def _hints(function: Callable[..., Any], where: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function)
    except NameError as error:
        raise DependencyException(
            f"{where}(): the type '{error.name}' cannot be found from module '{function.__module__}'; "
            f"import it there, outside of 'if TYPE_CHECKING' and of functions, since it is injected by its type"
        ) from error


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (Union, types.UnionType):
        arms = [arm for arm in typing.get_args(hint) if arm is not types.NoneType]
        return arms[0] if len(arms) == 1 else hint
    return hint
