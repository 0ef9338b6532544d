"""A real browser reads a stream over REST with EventSource."""

from __future__ import annotations

import queue
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from service_server_fastapi import serve
from tests.integration.streams.rooms import RoomsImpl
from tests.support.chromium import open_page

PAGE = Path(__file__).with_name("stream_page.html").read_text()


@pytest.mark.parametrize(
    ("room", "end"), [("tea", ["end", ""]), ("missing", ["problem", "NoSuchRoom"])], ids=["end", "problem"]
)
def test_a_browser_reads_events_and_how_they_end(room: str, end: list[str]) -> None:
    app, reports = FastAPI(), queue.Queue[list[Any]]()

    @app.get("/page")
    def page() -> HTMLResponse:
        return HTMLResponse(PAGE)

    @app.post("/seen")
    def seen(report: list[Any]) -> None:
        reports.put(report)

    with (
        serve(RoomsImpl(), port=0, app=app) as server,
        open_page(f"http://127.0.0.1:{server.port}/page?room={room}", hosts={}),
    ):
        assert reports.get(timeout=60) == [0, 1, end]
