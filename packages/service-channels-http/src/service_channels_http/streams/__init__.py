"""Calls with streams over dispatch."""

from service_channels_http.streams.calls import AsyncLists, lists, send_input, send_input_async

__all__ = ["AsyncLists", "lists", "send_input", "send_input_async"]
