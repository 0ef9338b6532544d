"""Whom to trust, for clients and engines that nobody has customised."""

from __future__ import annotations

import functools
import ssl

import httpx

__all__ = ["default_tls"]


@functools.cache
def default_tls() -> ssl.SSLContext:
    """httpx's authorities, for HTTP/1.1; read once, since that takes tens of milliseconds."""
    context = httpx.create_ssl_context()
    context.set_alpn_protocols(["http/1.1"])
    return context
