"""Proxies: objects that look like a service and hand every call to a handler."""

from __future__ import annotations

import functools
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, Never, TypeAlias, TypeVar, cast

from typing_extensions import TypeForm

from service_core.declaring.catalog import Catalog, default_catalog
from service_core.declaring.descriptors import MethodDescriptor, ServiceDescriptor

__all__ = ["DynamicProxy", "Invocation", "InvocationHandler"]

T = TypeVar("T")


class Invocation:
    """One call of a service method, not yet bound to an address."""

    __slots__ = ("args", "descriptor", "kwargs", "service")

    def __init__(
        self,
        service: ServiceDescriptor,
        descriptor: MethodDescriptor,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        self.service = service
        """The service that is called."""
        self.descriptor = descriptor
        """The method that is called."""
        self.args = args
        self.kwargs: Mapping[str, Any] = {} if kwargs is None else kwargs

    @property
    def type(self) -> type:
        """The service interface."""
        return self.service.type

    @property
    def method(self) -> Callable[..., Any]:
        """The function of the interface; its ``__name__`` is the method's name."""
        return self.descriptor.function

    def arguments(self) -> tuple[Any, ...]:
        """All arguments in the order of the parameters, defaults filled in. Raises TypeError as a local call would."""
        return self.descriptor.bind(self.args, self.kwargs)

    def __repr__(self) -> str:
        return f"Invocation({self.descriptor.where})"  # arguments may be secret


class InvocationHandler(ABC):
    """Carries calls out. Called by many threads and tasks at once."""

    @abstractmethod
    def invoke(self, invocation: Invocation) -> Any:
        """Carry out the call of a ``def`` method and return its result."""

    @abstractmethod
    async def invoke_async(self, invocation: Invocation) -> Any:
        """Carry out the call of an ``async def`` method and return its result."""


_Invocation: TypeAlias = Invocation  # inside of the class below the names are its own
_InvocationHandler: TypeAlias = InvocationHandler


class DynamicProxy:
    """Makes proxies."""

    Invocation: TypeAlias = _Invocation
    InvocationHandler: TypeAlias = _InvocationHandler

    @staticmethod
    def create(interface: TypeForm[T], handler: _InvocationHandler, *, catalog: Catalog = default_catalog) -> T:
        """An object of the interface's type whose public methods all call ``handler``.

        Nothing of the interface runs, not even its constructor. A copy of a proxy is the proxy itself, and it cannot
        be pickled. Raises DeclarationException if ``interface`` is no declared service.
        """
        descriptor = catalog.service(cast(type, interface))
        namespace: dict[str, Any] = {
            name: _method(descriptor, method, handler) for name, method in descriptor.methods.items()
        }
        namespace |= {
            "__module__": descriptor.type.__module__,
            "__repr__": lambda self: f"<proxy of {descriptor.type.__name__} over {handler!r}>",
            "__copy__": lambda self: self,
            "__deepcopy__": lambda self, _memo: self,
            "__reduce_ex__": _refuse_to_pickle,
        }
        proxy = type(f"{descriptor.type.__name__}Proxy", (descriptor.type,), namespace)
        return cast(T, object.__new__(proxy))


def _refuse_to_pickle(proxy: object, _protocol: object) -> Never:
    raise pickle.PicklingError(
        f"a proxy of {type(proxy).__mro__[1].__name__} cannot be pickled, since it holds connections of this process; "
        f"pass the addresses, and call get_service() in the other process"
    )


def _method(service: ServiceDescriptor, method: MethodDescriptor, handler: InvocationHandler) -> Callable[..., Any]:
    if method.is_async:

        @functools.wraps(method.function)
        async def call_async(_self: object, /, *args: Any, **kwargs: Any) -> Any:
            return await handler.invoke_async(Invocation(service, method, args, kwargs))

        call: Callable[..., Any] = call_async
    else:

        @functools.wraps(method.function)
        def call_sync(_self: object, /, *args: Any, **kwargs: Any) -> Any:
            return handler.invoke(Invocation(service, method, args, kwargs))

        call = call_sync
    # wraps() copied the mark of abstract methods, which would keep the proxy from being made.
    call.__dict__.pop("__isabstractmethod__", None)
    return call
