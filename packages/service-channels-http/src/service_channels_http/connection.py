"""``connect``: one service at known addresses, without a container and without a registry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar, overload

from typing_extensions import TypeForm

from service_channels_http.channel import HTTPXChannel
from service_channels_http.transport.credentials import TokenProvider, fault_of_token
from service_core import (
    ChannelFactory,
    ComponentRegistry,
    DeclarationException,
    LocalServiceException,
    Policy,
    ServiceManager,
    StaticComponentRegistry,
    default_catalog,
)
from service_core.addresses import unix_path

T = TypeVar("T")

_DEFAULT_CHANNEL: Final = "dispatch-msgpack"


class Connection(Generic[T]):
    """A service with the resources of its calls; created by :func:`connect`.

    A ``with`` or ``async with`` block yields the service and closes the connection at its end. Safe to use from several
    threads and event loops.
    """

    def __init__(self, manager: ServiceManager, service: T) -> None:
        self.service: T = service
        """The proxy to call."""
        self._manager = manager

    def close(self) -> None:
        """Release the resources of sync calls; later calls fail. Safe to call twice."""
        self._manager.close()

    async def aclose(self) -> None:
        """Release the resources of calls on the running event loop, and those that :meth:`close` releases."""
        await self._manager.aclose()

    def __enter__(self) -> T:
        return self.service

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> T:
        return self.service

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise AttributeError(
                f"a connection has no attribute {name!r}; call the service: 'with connect(...) as service:', or "
                f"connection.service.{name}"
            )

    def __repr__(self) -> str:
        return f"<connection to {self.service!r}>"


@overload
def connect(
    interface: TypeForm[T],
    registry: ComponentRegistry,
    /,
    *,
    channel: str = "",
    token: str | TokenProvider | None = None,
    policy: Policy | None = None,
) -> Connection[T]: ...


@overload
def connect(
    interface: TypeForm[T],
    /,
    *targets: str,
    channel: str = "",
    token: str | TokenProvider | None = None,
    policy: Policy | None = None,
) -> Connection[T]: ...


def connect(
    interface: TypeForm[T],
    /,
    *targets: Any,
    channel: str = "",
    token: str | TokenProvider | None = None,
    policy: Policy | None = None,
) -> Connection[T]:
    """A service at these addresses, several of which are its instances, or at those that a registry returns::

        with connect(Greeter, "http://127.0.0.1:8000") as greeter:
            greeter.greet("world")

    The address of a Unix domain socket is ``unix_url("/run/greeter.sock")``.

    ``channel`` is ``dispatch-msgpack`` by default; with a registry, the first one that is registered. ``token``
    is sent with every call; a function is called for each. ``policy`` sets deadline and retries. Nothing is contacted
    before the first call. A registry is closed with the connection. Raises DeclarationException if ``interface`` is
    not a service, LocalServiceException if a target is not a URL, ``token`` neither a function nor a string that can
    be sent, or ``policy`` not a Policy.
    """
    registry = _registry_of(interface, targets, channel)
    factory = ChannelFactory(create=_maker(token))
    manager = ServiceManager(registry, factory, policy=policy)
    return Connection(manager, manager.get_service(interface, channel))


def _registry_of(interface: Any, targets: Sequence[Any], channel: str) -> ComponentRegistry:
    if not isinstance(interface, type):
        raise DeclarationException(
            f"connect() got {interface!r} first; write the interface first: connect(Greeter, 'http://127.0.0.1:8000')"
        )
    if len(targets) == 1 and isinstance(targets[0], ComponentRegistry):
        return targets[0]
    component = default_catalog.component_of(interface)
    if not targets:
        raise LocalServiceException(
            f"connect() got no address of component '{component.name}'; write "
            f"connect({component.services[0].type.__name__}, 'http://127.0.0.1:8000'), or pass a registry"
        )
    for target in targets:
        _check_url(target)
    return StaticComponentRegistry({component.name: {channel or _DEFAULT_CHANNEL: list(targets)}})


def _check_url(target: Any) -> None:
    if not isinstance(target, str):
        raise LocalServiceException(
            f"connect() got {target!r} as an address; pass URLs, 'http://127.0.0.1:8000', or a single registry"
        )
    if "://" not in target:
        remedy = f"unix_url({target!r})" if target.startswith(("/", "./")) else f"'http://{target}'"
        raise LocalServiceException(f"connect() got the address {target!r} without a scheme; write {remedy}")
    if target.rstrip("/").endswith("/invoke"):
        raise LocalServiceException(f"connect() got {target!r}; write the address without '/invoke', which is added")
    try:
        unix_path(target)
    except ValueError as error:
        raise LocalServiceException(f"connect(): {error}") from None


def _maker(token: str | TokenProvider | None) -> Callable[[type[Any]], Any]:
    provider = _constant(token) if isinstance(token, str) else token
    if provider is not None and not callable(provider):
        raise LocalServiceException(f"connect(token=...) takes a string or a function, not {type(token).__name__}")
    if isinstance(token, str):
        if fault := fault_of_token(token):
            raise LocalServiceException(f"connect(token=...): the token {fault}")
        if token[:7].lower() == "bearer ":
            raise LocalServiceException("connect(token=...) takes the token without 'Bearer ', which is added")

    def create(cls: type[Any]) -> Any:
        made = cls()
        if isinstance(made, HTTPXChannel):
            made.token_provider = provider
        return made

    return create


def _constant(token: str) -> TokenProvider:
    return lambda: token
