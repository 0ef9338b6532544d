"""Recorders of httpx and limiters of FastAPI, beside a real server."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
import vcr
from fastapi import FastAPI
from slowapi import Limiter
from slowapi.errors import RateLimitExceeded
from slowapi.extension import _rate_limit_exceeded_handler
from slowapi.middleware import SlowAPIMiddleware
from slowapi.util import get_remote_address

from service_channels_http import connect
from service_core import ServiceCommunicationException
from tests.ecosystem.shop import Stock, stock_server


def test_vcrpy_records_calls_and_answers_them_without_a_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SERVICE_HTTP_TRANSPORT", "httpx")
    cassette = str(tmp_path / "cassette.yaml")
    match_on = ["method", "path", "body"]
    with stock_server() as server, vcr.use_cassette(cassette, match_on=match_on), connect(Stock, server.url) as stock:
        assert stock.count("apples") == 6
        url = server.url

    with vcr.use_cassette(cassette, match_on=match_on, record_mode="none"), connect(Stock, url) as stock:
        assert stock.count("apples") == 6
    with pytest.raises(ServiceCommunicationException), connect(Stock, url) as stock:
        stock.count("apples")


def test_slowapi_limits_the_routes_of_services() -> None:
    app = FastAPI()
    app.state.limiter = Limiter(key_func=get_remote_address, default_limits=["2/minute"])
    app.add_exception_handler(RateLimitExceeded, _rate_limit_exceeded_handler)
    app.add_middleware(SlowAPIMiddleware)

    with stock_server(app) as server:
        statuses = [httpx.get(f"{server.url}/stock/apples").status_code for _ in range(3)]

    assert statuses == [200, 200, 429]
