"""What is known about an interface: its methods with their parameters, built once by :mod:`.inspection`.

Descriptors are frozen values. They say nothing about where a service runs; that is the registry's knowledge.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from service_core.arguments import NO_DEFAULT, Arguments, in_order
from service_core.declaring.policy import Policy

if TYPE_CHECKING:
    from service_core.declaring.signatures.streams import StreamDescriptor

IDEMPOTENT: Final = "__service_idempotent__"
ROUTE: Final = "__service_route__"
RAISES: Final = "__service_raises__"
POLICY: Final = "__service_policy__"
FORWARD_TOKEN: Final = "__service_forward_token__"  # noqa: S105 - the name of an attribute
ANONYMOUS: Final = "__service_anonymous__"
CONCURRENCY: Final = "__service_max_concurrency__"


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterDescriptor:
    """One parameter of an interface method, ``self`` not counted."""

    name: str
    annotation: Any
    """The resolved type hint, with what ``Annotated`` adds."""
    default: Any = NO_DEFAULT
    keyword_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MethodDescriptor:
    """One method of an interface."""

    name: str
    function: Callable[..., Any]
    """The function of the interface; its body is never run."""
    parameters: tuple[ParameterDescriptor, ...]
    """In the order of the wire's argument list."""
    result: Any
    """The resolved return type."""
    is_async: bool
    idempotent: bool
    """Whether running it twice does no harm, so that a call may be repeated after it was sent."""
    policy: Policy | None
    """What ``@with_policy`` sets for the method, None if nothing."""
    anonymous: bool
    """Whether callers need no token where a server requires one."""
    raises: tuple[type[Exception], ...]
    """Errors that arrive at the caller as they are, most specific first."""
    where: str
    """``Class.method``, for messages."""
    signature: inspect.Signature = field(repr=False)
    """The signature without ``self``."""

    positional: range = field(repr=False)
    """How many arguments a call without keywords may have."""

    stream: StreamDescriptor | None = None
    """The stream that the method returns, None if its result comes as a whole."""
    input_stream: StreamDescriptor | None = None
    """The stream that one of the parameters is, None if all arguments come as a whole."""

    def bind(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Arguments:
        """The arguments that are given, in the order of the parameters.

        Raises TypeError, as a local call would, if an argument is missing, given twice or unknown.
        """
        if not kwargs and len(args) in self.positional:
            return args
        try:
            bound = self.signature.bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{self.where}(): {error}{self._by_name(len(args))}") from None
        return in_order(list(self.signature.parameters), bound.arguments)

    def _by_name(self, given: int) -> str:
        """What to write for more arguments by place than there are places, where others can be given by name."""
        places = sum(not one.keyword_only for one in self.parameters)
        by_name = [f"{one.name}=..." for one in self.parameters if one.keyword_only]
        return f"; give by name: {', '.join(by_name)}" if given > places and by_name else ""

    @property
    def has_streams(self) -> bool:
        """Whether the result or an argument is a stream."""
        return self.stream is not None or self.input_stream is not None

    @property
    def sent_parameters(self) -> tuple[ParameterDescriptor, ...]:
        """The parameters whose arguments are sent as a whole: all but the one that is a stream."""
        if self.input_stream is None:
            return self.parameters
        return tuple(one for one in self.parameters if one.name != self.input_stream.parameter)

    @property
    def has_optional(self) -> bool:
        """Whether some arguments may be left out."""
        return any(parameter.default is not NO_DEFAULT for parameter in self.parameters)

    @property
    def has_keywords(self) -> bool:
        """Whether some arguments can only be passed by name."""
        return bool(self.parameters) and self.parameters[-1].keyword_only


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ServiceDescriptor:
    """One service interface."""

    name: str
    type: type
    description: str
    methods: Mapping[str, MethodDescriptor]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ComponentDescriptor:
    """One component: the services that are deployed and addressed together."""

    name: str
    type: type
    description: str
    services: tuple[ServiceDescriptor, ...]
    policy: Policy | None = None
    """What ``@with_policy`` sets for the component, None if nothing."""
    forward_token: bool = False
    """Whether calls of the component carry the bearer token of the calling context."""
