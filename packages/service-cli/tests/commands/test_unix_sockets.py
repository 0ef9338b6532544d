"""The commands with a server on a Unix domain socket."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from order_shop import ShopModule

from service_core import Server, unix_url
from service_server_fastapi import FastAPIServer

if TYPE_CHECKING:
    from pathlib import Path

    from conftest import Command


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    last = Server.current_address()
    with FastAPIServer(uds=tmp_path_factory.mktemp("uds") / "shop.sock") as server:
        server.boot(ShopModule)
        yield server.url
    Server._last = last


def test_it_is_listed_described_and_called(service: Command, url: str) -> None:
    (found,) = service("list", url, "--json").json
    assert (found["url"], found["health"]) == (url, "ok")
    assert "class" in service("describe", url).output
    assert service("call", url, "find", "number=7", "--json").json["number"] == 7


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_socket_without_a_server_is_unreachable(service: Command, tmp_path: Path) -> None:
    assert service("describe", unix_url(tmp_path / "gone.sock")).code == 3
    gc.collect()  # httpcore leaves a socket open that could not be connected


def test_a_path_that_is_not_encoded_is_wrong_usage(service: Command) -> None:
    outcome = service("describe", "http+unix:///run/a.sock")
    assert outcome.code == 2
    assert "percent-encoded" in outcome.error
