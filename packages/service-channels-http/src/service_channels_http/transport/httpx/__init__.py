"""The transport over httpx clients: for customised clients, mocks and recorders, proxies, and unusual addresses."""

from service_channels_http.transport.httpx.transport import (
    AsyncHTTPXTransport,
    HTTPXTransport,
    checked,
    checked_async,
)

__all__ = ["AsyncHTTPXTransport", "HTTPXTransport", "checked", "checked_async"]
