"""Where channels come from: code, installed packages, or nowhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import Distribution
from pathlib import Path
from typing import Any

import pytest

from service_core.addresses import ChannelInstances
from service_core.calling import channel_factory
from service_core.calling.channel import Channel
from service_core.calling.channel_factory import ChannelFactory
from service_core.declaring.catalog import Catalog
from service_core.declaring.decorators import channel
from service_core.declaring.descriptors import ComponentDescriptor
from service_core.errors import ChannelNotInstalledException, LocalServiceException

COMPONENT = ComponentDescriptor(name="shop", type=object, description="", services=())


class Plain(Channel):
    """A channel that tells the order of its life."""

    def __init__(self) -> None:
        super().__init__()
        self.life = ["made"]

    def setup(self, component_descriptor: ComponentDescriptor, address: ChannelInstances | None) -> None:
        super().setup(component_descriptor, address)
        self.life.append(f"set up as {self.name}")

    def customize(self) -> None:
        self.life.append("customized")

    def invoke(self, invocation: Any) -> Any: ...

    async def invoke_async(self, invocation: Any) -> Any: ...


PACKAGE = """
from service_core.calling.channel import Channel

class Fancy(Channel):
    def invoke(self, invocation): ...
    async def invoke_async(self, invocation): ...
"""


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Nothing is installed but a package 'fancy-channels' that offers this as channel 'fancy'."""

    def install(value: str) -> None:
        info = tmp_path / "fancy_channels-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fancy-channels\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[service_core.channels]\nfancy = {value}\n")
        (tmp_path / "fancy_channels.py").write_text(PACKAGE)
        monkeypatch.setattr("importlib.metadata.entry_points", Distribution.at(info).entry_points.select)

    monkeypatch.setattr("importlib.metadata.entry_points", lambda *, group: ())
    monkeypatch.setattr(channel_factory, "_MODULE", "absent_channels")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "fancy_channels", raising=False)
    return install


@pytest.mark.parametrize(
    ("name", "cls"),
    [("dispatch-json", "DispatchJSONChannel"), ("dispatch-msgpack", "DispatchMSGPackChannel"), ("rest", "RestChannel")],
)
def test_a_known_package_without_metadata_is_found(
    name: str,
    cls: str,
    catalog: Catalog,
    installed: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    (tmp_path / "bundled_channels.py").write_text(PACKAGE.replace("Fancy", cls))
    monkeypatch.setattr(channel_factory, "_MODULE", "bundled_channels")
    monkeypatch.delitem(sys.modules, "bundled_channels", raising=False)
    assert ChannelFactory(catalog=catalog).channel_class(name).__module__ == "bundled_channels"


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(LocalServiceException) as caught:
        call()
    return str(caught.value)


def test_a_channel_is_made_set_up_and_customized_once(catalog: Catalog, installed: Callable[[str], None]) -> None:
    channel("plain", catalog=catalog)(Plain)
    address = ChannelInstances("shop", "plain", ("http://h",))
    made = ChannelFactory(catalog=catalog).make("plain", COMPONENT, address)
    assert isinstance(made, Plain)
    assert made.life == ["made", "set up as plain", "customized"]
    assert (made.component_descriptor, made.address, made.get_url()) == (COMPONENT, address, "http://h")


def test_a_container_can_make_the_channel(catalog: Catalog, installed: Callable[[str], None]) -> None:
    channel("plain", catalog=catalog)(Plain)
    made: list[type] = []

    def create(cls: type[Any]) -> Any:
        made.append(cls)
        return cls()

    ChannelFactory(create=create, catalog=catalog).make("plain", COMPONENT, None)
    assert made == [Plain]


def test_an_installed_package_offers_channels(catalog: Catalog, installed: Callable[[str], None]) -> None:
    installed("fancy_channels:Fancy")
    factory = ChannelFactory(catalog=catalog)
    assert (factory.names(), factory.is_installed("fancy")) == (["fancy"], True)
    assert factory.make("fancy", COMPONENT, None).name == "fancy"  # though its class says nothing


def test_a_channel_of_this_program_goes_before_an_installed_one(
    catalog: Catalog, installed: Callable[[str], None]
) -> None:
    installed("fancy_channels:Fancy")
    channel("fancy", catalog=catalog)(Plain)
    assert ChannelFactory(catalog=catalog).channel_class("fancy") is Plain


def test_a_class_can_be_a_channel_under_two_names(catalog: Catalog, installed: Callable[[str], None]) -> None:
    channel("one", catalog=catalog)(Plain)
    channel("other", catalog=catalog)(Plain)
    factory = ChannelFactory(catalog=catalog)
    assert [factory.make(name, COMPONENT, None).name for name in ("one", "other")] == ["one", "other"]


@pytest.mark.parametrize("name", ["dispatch-json", "dispatch-msgpack", "rest"])
def test_a_known_channel_that_is_missing_names_its_package(
    catalog: Catalog, installed: Callable[[str], None], name: str
) -> None:
    with pytest.raises(ChannelNotInstalledException) as caught:
        ChannelFactory(catalog=catalog).channel_class(name)
    assert str(caught.value) == (
        f"channel '{name}' is not installed (there are: none); run 'pip install service-channels-http'"
    )


def test_a_misspelled_channel_gets_a_suggestion(catalog: Catalog, installed: Callable[[str], None]) -> None:
    channel("plain", catalog=catalog)(Plain)
    factory = ChannelFactory(catalog=catalog)
    assert refusal(lambda: factory.make("plian", COMPONENT, None)) == (
        "channel 'plian' is not installed (there are: plain); did you mean 'plain'? Decorate a channel class with "
        "@channel('plian') and import it, or install a package that has it in its entry points 'service_core.channels'"
    )
    assert "did you mean 'dispatch-json'?" in refusal(lambda: factory.channel_class("dispatch_json"))


def test_a_strange_channel_gets_no_suggestion(catalog: Catalog, installed: Callable[[str], None]) -> None:
    factory = ChannelFactory(catalog=catalog)
    assert "did you mean" not in refusal(lambda: factory.channel_class("quantum"))
    assert not factory.is_installed("quantum")


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("no_such_module:Fancy", "No module named 'no_such_module'"),
        ("fancy_channels:Fancier", "module 'fancy_channels' has no attribute 'Fancier'"),
    ],
)
def test_a_plugin_that_cannot_be_loaded_says_what_is_missing(
    catalog: Catalog, installed: Callable[[str], None], value: str, why: str
) -> None:
    installed(value)
    assert refusal(lambda: ChannelFactory(catalog=catalog).channel_class("fancy")) == (
        f"channel 'fancy': {value} of fancy-channels cannot be loaded: {why}; "
        f"install fancy-channels again with what it depends on"
    )


def test_what_is_no_channel_is_refused(catalog: Catalog, installed: Callable[[str], None]) -> None:
    class Service: ...

    channel("plain", catalog=catalog)(Service)
    assert refusal(lambda: ChannelFactory(catalog=catalog).channel_class("plain")) == (
        f"channel 'plain': {Service!r} does not derive from Channel"
    )


def test_channels_of_packages_are_imported_before_the_first_call(
    catalog: Catalog, installed: Callable[[str], None]
) -> None:
    installed("fancy_channels:Fancy")
    ChannelFactory(catalog=catalog).load()
    assert "fancy_channels" in sys.modules


def test_a_package_that_cannot_be_imported_is_refused_when_its_channel_is_chosen(
    catalog: Catalog, installed: Callable[[str], None]
) -> None:
    installed("fancy_channels:Missing")
    factory = ChannelFactory(catalog=catalog)
    factory.load()
    with pytest.raises(LocalServiceException, match="cannot be loaded"):
        factory.channel_class("fancy")
