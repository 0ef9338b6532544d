"""Makes channels by name: those declared in code, and those of installed packages."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from service_core.addresses import ChannelInstances
from service_core.calling.channel import Channel
from service_core.declaring.catalog import Catalog, default_catalog
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.errors import ChannelNotInstalledException, LocalServiceException
from service_core.resilience.events import CallObserver
from service_core.resilience.policies import Policies

if TYPE_CHECKING:  # imported when a channel is looked for, since it takes longer than most of this package
    from importlib.metadata import EntryPoint

T = TypeVar("T")

ENTRY_POINT_GROUP: Final = "service_core.channels"
"""Packages name their channels in this group: ``dispatch-json = "package:ChannelClass"``."""


_CLASSES: Final[Mapping[str, str]] = MappingProxyType(
    {"dispatch-json": "DispatchJSONChannel", "dispatch-msgpack": "DispatchMSGPackChannel", "rest": "RestChannel"}
)
_MODULE: Final = "service_channels_http"


def _without_metadata() -> dict[str, EntryPoint]:
    """The entry points of service-channels-http where its module is there without package metadata.

    PyInstaller, zipapp and vendored copies carry none unless they are configured to.
    """
    from importlib.metadata import EntryPoint
    from importlib.util import find_spec

    if find_spec(_MODULE) is None:
        return {}
    return {
        name: EntryPoint(name=name, value=f"{_MODULE}:{cls}", group=ENTRY_POINT_GROUP) for name, cls in _CLASSES.items()
    }


def _construct(cls: type[T]) -> T:
    return cls()


def _load(plugin: EntryPoint) -> type[Channel]:
    try:
        return cast(type[Channel], plugin.load())
    except (ImportError, AttributeError) as error:
        package = plugin.dist.name if plugin.dist is not None else "its package"
        raise LocalServiceException(
            f"channel '{plugin.name}': {plugin.value} of {package} cannot be loaded: {error}; "
            f"install {package} again with what it depends on"
        ) from error


class ChannelFactory:
    """Finds channel classes and makes channels. Safe to use from several threads."""

    def __init__(self, *, create: Callable[[type[Any]], Any] = _construct, catalog: Catalog = default_catalog) -> None:
        """``create`` makes the object of a channel class; a container's way injects and advises it."""
        self._create = create
        self._catalog = catalog
        self._plugins: Mapping[str, EntryPoint] | None = None
        self._classes: dict[str, type[Channel]] = {}

    def names(self) -> list[str]:
        """The channels that there are, except ``local``."""
        return sorted({*self._catalog.channels(), *self._installed()})

    def is_installed(self, name: str) -> bool:
        """Whether there is a channel of that name."""
        return self._catalog.channels().get(name) is not None or name in self._installed()

    def channel_class(self, name: str) -> type[Channel]:
        """The class of a channel. Raises ChannelNotInstalledException, LocalServiceException."""
        cls = self._catalog.channels().get(name) or self._classes.get(name)
        if cls is None:
            plugin = self._installed().get(name)
            if plugin is None:
                raise ChannelNotInstalledException(self._not_installed(name))
            cls = self._classes[name] = _load(plugin)
        if not (isinstance(cls, type) and issubclass(cls, Channel)):
            raise LocalServiceException(f"channel '{name}': {cls!r} does not derive from Channel")
        return cls

    def load(self) -> None:
        """Import the channels of installed packages, so that no call has to wait for it.

        One that cannot be imported is left out here; it raises when it is chosen.
        """
        for name in self._installed():
            with suppress(LocalServiceException):
                self.channel_class(name)

    def make(
        self,
        name: str,
        descriptor: ComponentDescriptor,
        address: ChannelInstances | None,
        *,
        policies: Policies | None = None,
        observers: Sequence[CallObserver] = (),
    ) -> Channel:
        """A new channel, set up and customized. Raises ChannelNotInstalledException, LocalServiceException."""
        channel: Channel = self._create(self.channel_class(name))
        channel.name = name  # a class can be known under several
        channel.balancer.observers = observers
        if policies is not None:
            channel.policies = policies
        channel.setup(descriptor, address)
        channel.customize()
        return channel

    def _installed(self) -> Mapping[str, EntryPoint]:
        if self._plugins is None:
            from importlib.metadata import entry_points

            found = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
            self._plugins = {**_without_metadata(), **found}
        return self._plugins

    def _not_installed(self, name: str) -> str:
        names = self.names()
        if name in _CLASSES:
            remedy = "run 'pip install service-channels-http'"
        else:
            close = difflib.get_close_matches(name, [*names, *_CLASSES], n=1)
            hint = f"did you mean '{close[0]}'? " if close else ""
            remedy = (
                f"{hint}Decorate a channel class with @channel('{name}') and import it, or install a package that "
                f"has it in its entry points '{ENTRY_POINT_GROUP}'"
            )
        return f"channel '{name}' is not installed (there are: {', '.join(names) or 'none'}); {remedy}"
