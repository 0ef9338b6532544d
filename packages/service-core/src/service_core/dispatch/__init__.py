"""Execution of calls: look a method up, read its arguments, run it, write its outcome.

Independent of the server and the network: of HTTP it knows statuses and headers only.

    responses      what is sent back
    timeouts       waits with a limit
    thread_pool    threads for methods that block
    overload       which call is next, and which are refused, where there are more than can be done in time
    target         a method that can be called
    failures       what a caller receives for a call that has failed
    authentication the principal of a caller's token
    executor       a method runs within its deadline
    dispatcher     from a content type and bytes to an answer
"""

from service_core.dispatch.dispatcher import Dispatcher
from service_core.dispatch.executor import Executor
from service_core.dispatch.failures import Failure
from service_core.dispatch.overload.shares import caller_of
from service_core.dispatch.request_refusals import stream_codec
from service_core.dispatch.responses import (
    FailedFirst,
    Headers,
    Response,
    StreamBody,
    StreamSink,
    correlation,
    envelope,
    mismatch,
    problem,
    refusal,
)
from service_core.dispatch.streams.incoming import input_lines, with_input
from service_core.dispatch.streams.outgoing import open_stream
from service_core.dispatch.streams.source import StreamSource, items_ahead
from service_core.dispatch.target import Target, targets_of
from service_core.dispatch.thread_pool import ThreadPool
from service_core.dispatch.timeouts import Continuation, TimedOut, within

__all__ = [
    "Continuation",
    "Dispatcher",
    "Executor",
    "FailedFirst",
    "Failure",
    "Headers",
    "Response",
    "StreamBody",
    "StreamSink",
    "StreamSource",
    "Target",
    "ThreadPool",
    "TimedOut",
    "caller_of",
    "correlation",
    "envelope",
    "input_lines",
    "items_ahead",
    "mismatch",
    "open_stream",
    "problem",
    "refusal",
    "stream_codec",
    "targets_of",
    "with_input",
    "within",
]
