"""HTTP/1.1 for channels whose clients are not customised, with the features that calls need only.

A request is written in one piece, the answer is parsed by httptools, and connections are kept for the next call.
Special cases (a proxy, user information in an address, a limit on connections) use httpx.

::

    origin            which addresses it takes, and how to reach them
    head_cache        heads of responses that begin as the one before: no I/O
    reader            bytes of a request, state of a response: no I/O
    polling           waits for a socket
    idle              connections that wait for their next call
    connection_sync   blocking: a socket and its waits
    connection_async  the same as an asyncio protocol
    pool              engines: they choose a connection for each request
    transport         one engine per process for sync calls, one per event loop for async ones
"""

from service_channels_http.transport.engine.pool import AsyncEngine, Engine
from service_channels_http.transport.engine.transport import AsyncEngineTransport, EngineTransport

__all__ = ["AsyncEngine", "AsyncEngineTransport", "Engine", "EngineTransport"]
