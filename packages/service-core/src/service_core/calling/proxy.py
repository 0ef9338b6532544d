"""Proxies: objects of a service interface whose methods hand every call to a handler."""

from __future__ import annotations

import functools
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final, Never, Self, TypeAlias, TypeVar, cast

from typing_extensions import TypeForm

from service_core.call import Call
from service_core.calling.streams.lists import items_of, items_of_async
from service_core.declaring.catalog import Catalog, default_catalog
from service_core.declaring.descriptors import MethodDescriptor, ServiceDescriptor
from service_core.declaring.policy import EffectivePolicy
from service_core.errors import LocalServiceException, ServiceException
from service_core.observing import client_observers, observed

T = TypeVar("T")

OTHER_FORM: Final = "__service_other_form__"
"""On a proxy's method: a function that makes the same call, sync where the method is async and the other way round."""

STREAMS_ASYNC: Final = "__service_streams_async__"
"""On a proxy's method whose result is a stream: whether that is read with ``async for``."""

Invocation: TypeAlias = Call
"""The call that a handler carries out."""


class InvocationHandler(ABC):
    """Carries calls out. Called by many threads and tasks at once."""

    @abstractmethod
    def invoke(self, invocation: Call) -> Any:
        """Carry out the call of a ``def`` method and return its result."""

    @abstractmethod
    async def invoke_async(self, invocation: Call) -> Any:
        """Carry out the call of an ``async def`` method and return its result."""

    def invoke_stream(self, invocation: Call) -> Any:
        """Carry out the call of a method whose result is a stream.

        Returns a generator of lists of items, an async one if the method's is: what has come together stands in one
        list. The call begins with the first step, and closing the generator ends it. By default streams are refused.
        Raises LocalServiceException if the handler carries no streams.
        """
        raise LocalServiceException(
            f"{invocation.descriptor.where}: {self!r} carries no streams; call the service over another channel"
        )

    def policy_of(self, method: MethodDescriptor) -> EffectivePolicy | None:
        """The policy for calls of a method; None, the default, for what the method itself declares."""
        del method
        return None


_Invocation: TypeAlias = Invocation  # inside of the class below the names are its own
_InvocationHandler: TypeAlias = InvocationHandler


class DynamicProxy:
    """Makes proxies."""

    Invocation: TypeAlias = _Invocation
    InvocationHandler: TypeAlias = _InvocationHandler

    @staticmethod
    def create(interface: TypeForm[T], handler: _InvocationHandler, *, catalog: Catalog = default_catalog) -> T:
        """An object of the interface's type whose public methods all call ``handler``.

        No code of the interface is run, neither its constructor nor its ``__init_subclass__``. A copy of a proxy is the
        proxy itself, and it cannot be pickled. Raises DeclarationException if ``interface`` is no declared service.
        """
        descriptor = catalog.service(cast(type, interface))
        namespace: dict[str, Any] = {
            name: _method(descriptor, method, handler) for name, method in descriptor.methods.items()
        }
        namespace["__repr__"] = lambda self: f"<proxy of {descriptor.type.__name__} over {handler!r}>"
        namespace["__module__"] = descriptor.type.__module__
        kind: Any = type(descriptor.type)
        proxy = kind(f"{descriptor.type.__name__}Proxy", (_Proxy, descriptor.type), namespace)
        return cast(T, object.__new__(proxy))


class _Proxy:
    """The first base class of proxies: Python calls its ``__init_subclass__`` instead of the interface's."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        """Do nothing, not even call ``super()``."""

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce_ex__(self, protocol: object) -> Never:
        raise pickle.PicklingError(
            f"a proxy of {type(self).__mro__[2].__name__} cannot be pickled, since it holds connections of this "
            f"process; pass the addresses, and call get_service() in the other process"
        )


def _stream_method(
    service: ServiceDescriptor, method: MethodDescriptor, handler: InvocationHandler
) -> Callable[..., Any]:
    flatten: Callable[..., Any] = items_of_async if method.is_async else items_of

    @functools.wraps(method.function)
    def call_stream(_self: object, /, *args: Any, **kwargs: Any) -> Any:
        call = Call(service, method, args, kwargs, handler.policy_of(method))
        return flatten(handler.invoke_stream(call), call)

    call_stream.__dict__.pop("__isabstractmethod__", None)
    call_stream.__dict__[STREAMS_ASYNC] = method.is_async
    return call_stream


def _method(service: ServiceDescriptor, method: MethodDescriptor, handler: InvocationHandler) -> Callable[..., Any]:
    if method.stream is not None:
        return _stream_method(service, method, handler)

    @functools.wraps(method.function)
    async def call_async(_self: object, /, *args: Any, **kwargs: Any) -> Any:
        call = Call(service, method, args, kwargs, handler.policy_of(method))
        try:
            if client_observers:
                with observed(call):
                    return await handler.invoke_async(call)
            return await handler.invoke_async(call)
        except ServiceException as error:
            error.failed_call = method.where
            raise

    @functools.wraps(method.function)
    def call_sync(_self: object, /, *args: Any, **kwargs: Any) -> Any:
        call = Call(service, method, args, kwargs, handler.policy_of(method))
        try:
            if client_observers:
                with observed(call):
                    return handler.invoke(call)
            return handler.invoke(call)
        except ServiceException as error:
            error.failed_call = method.where
            raise

    own, other = (call_async, call_sync) if method.is_async else (call_sync, call_async)
    # wraps() copied the mark of abstract methods, which would keep the proxy from being made.
    own.__dict__.pop("__isabstractmethod__", None)
    own.__dict__[OTHER_FORM] = functools.partial(other, None)
    return own
