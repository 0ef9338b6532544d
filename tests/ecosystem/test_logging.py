"""Logging libraries and Sentry, configured as the documentation says: one id in all that belongs to a call."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import loguru
import pytest
import sentry_sdk
import structlog
from sentry_sdk.integrations.logging import LoggingIntegration

from service_channels_http import connect
from service_core import RemoteServiceException, current_context
from tests.ecosystem.shop import Stock, stock_server


@pytest.fixture(scope="module")
def stock() -> Iterator[Stock]:
    with stock_server() as server, connect(Stock, server.url) as stock:
        yield stock


@pytest.fixture
def root_handler() -> Iterator[list[logging.Handler]]:
    """Handlers to add to the root logger for the time of a test."""
    added: list[logging.Handler] = []
    yield added
    for handler in added:
        logging.getLogger().removeHandler(handler)


def failed_call(stock: Stock) -> RemoteServiceException:
    with pytest.raises(RemoteServiceException) as failed:
        stock.fail()
    assert failed.value.correlation_id
    return failed.value


def test_the_failure_line_has_the_id_of_the_callers_error_as_a_field(
    stock: Stock, caplog: pytest.LogCaptureFixture
) -> None:
    error = failed_call(stock)

    lines = [record for record in caplog.records if record.exc_info and "shelf" in str(record.exc_info[1])]
    assert [vars(line)["correlation_id"] for line in lines] == [error.correlation_id]


def test_structlog_adds_the_id_to_lines_of_the_standard_library(
    stock: Stock, root_handler: list[logging.Handler]
) -> None:
    def add_id(logger: Any, name: str, event: dict[str, Any]) -> dict[str, Any]:
        return {"correlation_id": current_context().correlation_id, **event}

    lines: list[str] = []
    handler = _Collecting(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[add_id],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root_handler.append(handler)
    logging.getLogger().addHandler(handler)

    error = failed_call(stock)

    failures = [line for line in map(json.loads, lines) if "the shelf is empty" in line.get("exception", "")]
    assert [line["correlation_id"] for line in failures] == [error.correlation_id]


def test_loguru_adds_the_id_to_lines_that_a_method_writes(stock: Stock, root_handler: list[logging.Handler]) -> None:
    seen: list[Any] = []
    logger = loguru.logger.patch(lambda record: record["extra"].update(id=current_context().correlation_id))
    sink = loguru.logger.add(lambda message: seen.append(message.record))

    class ToLoguru(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            logger.opt(exception=record.exc_info).log(record.levelname, record.getMessage())

    handler = ToLoguru()
    root_handler.append(handler)
    logging.getLogger().addHandler(handler)
    try:
        error = failed_call(stock)
    finally:
        loguru.logger.remove(sink)

    assert [record["extra"]["id"] for record in seen if record["exception"]] == [error.correlation_id]


def test_an_event_of_sentry_has_the_id_of_the_callers_error(stock: Stock) -> None:
    events: list[Any] = []

    def before_send(event: Any, hint: Any) -> None:
        event.setdefault("tags", {})["correlation_id"] = current_context().correlation_id
        events.append(event)

    with sentry_sdk.isolation_scope():
        client = sentry_sdk.Client(
            "http://key@127.0.0.1:9/1",
            before_send=before_send,
            default_integrations=False,
            integrations=[LoggingIntegration()],
        )
        sentry_sdk.get_global_scope().set_client(client)
        try:
            error = failed_call(stock)
        finally:
            sentry_sdk.get_global_scope().set_client(None)
            client.close()

    assert [event["tags"]["correlation_id"] for event in events] == [error.correlation_id]


class _Collecting(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))
