"""The HTTP channels keep the contract about streams, with the engine and with httpx."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest

from service_core.testing import StreamContract, StreamContractServiceImpl
from service_server_fastapi import FastAPIServer, serve


class OverHTTP(StreamContract):
    """All tests of a channel share a server."""

    shared: ClassVar[FastAPIServer]

    @classmethod
    def setup_class(cls) -> None:
        cls.shared = serve(StreamContractServiceImpl(), port=0).__enter__()

    @classmethod
    def teardown_class(cls) -> None:
        cls.shared.stop()

    @contextmanager
    def server(self) -> Iterator[str]:
        yield self.shared.url


class TestDispatchJSON(OverHTTP):
    channel = "dispatch-json"


class TestDispatchMSGPack(OverHTTP):
    channel = "dispatch-msgpack"


class TestRest(OverHTTP):
    channel = "rest"
    conversations = False


class TestHTTPX(OverHTTP):
    channel = "dispatch-json"
    conversations = False

    @pytest.fixture(autouse=True)
    def _sent_with_httpx(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SERVICE_HTTP_TRANSPORT", "httpx")
