"""HTTP channels for service-core: dispatch-json and dispatch-msgpack.

Installing the package is enough: service managers find the channels by their entry points. Import it to customise
the HTTP clients, or to build a channel of one's own on :class:`HTTPXChannel`.
"""

from service_channels_http._exchange import Exchange, Outcome
from service_channels_http._messages import HTTPReply, HTTPRequest
from service_channels_http.dispatch import DispatchJSONChannel, DispatchMSGPackChannel
from service_channels_http.httpx_channel import HTTPXChannel

__all__ = [
    "DispatchJSONChannel",
    "DispatchMSGPackChannel",
    "Exchange",
    "HTTPReply",
    "HTTPRequest",
    "HTTPXChannel",
    "Outcome",
]
