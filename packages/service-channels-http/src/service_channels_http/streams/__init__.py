"""Calls with streams over dispatch."""

from service_channels_http.streams.calls import lists, lists_async, send_input, send_input_async

__all__ = ["lists", "lists_async", "send_input", "send_input_async"]
