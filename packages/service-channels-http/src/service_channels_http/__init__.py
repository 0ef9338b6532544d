"""HTTP channels for service-core: dispatch-json, dispatch-msgpack and rest.

Installing the package is enough: service managers find the channels by their entry points. Import it to customise
the HTTP clients, or to write a channel of your own on :class:`HTTPXChannel`.
"""

from service_channels_http.channel import HTTPXChannel
from service_channels_http.connection import Connection, connect
from service_channels_http.dispatch import DispatchJSONChannel, DispatchMSGPackChannel
from service_channels_http.rest_channel import RestChannel
from service_channels_http.settings import HTTPSettings
from service_channels_http.transport.credentials import TokenProvider
from service_channels_http.transport.exchange import Exchange
from service_channels_http.transport.messages import HTTPReply, HTTPRequest
from service_channels_http.transport.tls.context import ClientTLS
from service_core.rest import Body, Header, PathParam, QueryParam, delete, get, patch, post, put, rest

__all__ = [
    # one service at known addresses
    "Connection",
    "TokenProvider",
    "connect",
    # channels
    "DispatchJSONChannel",
    "DispatchMSGPackChannel",
    "RestChannel",
    # their settings
    "ClientTLS",
    "HTTPSettings",
    # for channels of your own
    "Exchange",
    "HTTPReply",
    "HTTPRequest",
    "HTTPXChannel",
    # the types with which service_core.rest describes requests
    "rest",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "Body",
    "QueryParam",
    "PathParam",
    "Header",
]
