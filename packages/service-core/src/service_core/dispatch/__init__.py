"""Carrying calls out, whatever brings them: look a method up, read its arguments, run it, write its outcome.

A server is this with a network around it; it knows of no sockets and no HTTP but statuses and headers.

    answers      what is sent back
    alarms       one timer for all that hardly ever happens
    waiting      waits with a limit
    workers      threads for methods that block
    concurrency  methods of which only so many run at once
    calls        who calls; run a method in time; tell its failure
    dispatcher   from a content type and bytes to an answer
"""

from service_core.dispatch.dispatcher import Dispatcher
from service_core.dispatch.executor import Executor, Failure
from service_core.dispatch.responses import Answer, Headers, correlation, envelope, mismatch, problem, refusal
from service_core.dispatch.target import Target, targets_of
from service_core.dispatch.thread_pool import ThreadPool
from service_core.dispatch.timeouts import TimedOut, within

__all__ = [
    "Answer",
    "Executor",
    "Dispatcher",
    "Failure",
    "Headers",
    "Target",
    "TimedOut",
    "ThreadPool",
    "correlation",
    "envelope",
    "mismatch",
    "problem",
    "refusal",
    "targets_of",
    "within",
]
