"""Observers of all calls of a process, at both ends: the place for tracing, metrics and logging tools.

An observer sees a call begin and end, in the thread or task that makes or serves it, so what it sets in a context
variable holds for the call. The observers of single service managers (``observers=``) see attempts instead.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from service_core.call import Call
from service_core.context import CallContext
from service_core.errors import ErrorCode, ServiceException
from service_core.resilience.events import CallObserver, attempt_observers

__all__ = ["BegunCall", "EndedCall", "Observer", "observe_attempts", "observe_client", "observe_server"]

logger: Final = logging.getLogger("service.observing")

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class BegunCall:
    """A call that begins."""

    service: str
    """The name of the service."""
    method: str
    """The name of the method."""
    context: CallContext
    """On a server what the caller sent; on a client what surrounds the call."""
    correlation_id: str | None
    """The id under which all participants log the call."""
    component: str = ""
    """The name of the component, empty on a client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedCall:
    """The outcome of a call."""

    duration: float
    """Seconds."""
    code: ErrorCode | None = None
    """The kind of failure, None for a success."""
    error: str = ""
    """The name of the error's class."""
    exception: BaseException | None = None
    """What the caller's code gets; None on a server, where the caller is elsewhere."""


Observer = Callable[[BegunCall], Callable[[EndedCall], None] | None]
"""Receives a call that begins, and returns a function that receives its outcome, or None. Both must be quick.

An error of an observer is logged, and affects neither the call nor other observers.
"""

# Lists that calls read without a lock, as the one of ``resilience.events``; an empty one costs a comparison.
_lock: Final = threading.Lock()
client_observers: Final[list[Observer]] = []
"""Those of calls that this process makes. Read them here; change them with :func:`observe_client`."""
server_observers: Final[list[Observer]] = []
"""Those of calls that this process serves. Read them here; change them with :func:`observe_server`."""


def observe_client(observer: Observer) -> Callable[[], None]:
    """Observe all calls that proxies of this process make, from now on; returns what ends it."""
    return _added(client_observers, observer)


def observe_server(observer: Observer) -> Callable[[], None]:
    """Observe all calls that this process serves, from now on, over every channel; returns what ends it."""
    return _added(server_observers, observer)


def observe_attempts(observer: CallObserver) -> Callable[[], None]:
    """Observe attempts, retries and ejections of all calls that this process makes; returns what ends it."""
    return _added(attempt_observers, observer)


def _added(observers: list[Any], observer: Any) -> Callable[[], None]:
    with _lock:
        observers.append(observer)

    def end() -> None:
        with _lock:
            if observer in observers:
                observers.remove(observer)

    return end


# calls


@contextmanager
def observed(call: Call) -> Iterator[None]:
    """Observe the call that a client makes inside the block."""
    begin = time.perf_counter()
    begun = BegunCall(
        service=call.service.name,
        method=call.descriptor.name,
        context=call.context,
        correlation_id=call.correlation_id,
    )
    ends = _begin(client_observers, begun)
    try:
        yield
    except GeneratorExit:  # the reader of a stream has had enough
        _end(ends, EndedCall(duration=time.perf_counter() - begin))
        raise
    except BaseException as error:
        code = error.code if isinstance(error, ServiceException) else getattr(error, "code", None)
        known = code if isinstance(code, ErrorCode) else ErrorCode.FAILED_PRECONDITION
        duration = time.perf_counter() - begin
        _end(ends, EndedCall(duration=duration, code=known, error=type(error).__name__, exception=error))
        raise
    _end(ends, EndedCall(duration=time.perf_counter() - begin))


async def observed_async(
    run: Coroutine[Any, Any, T],
    call: BegunCall,
    failure: Callable[[T], tuple[ErrorCode, str] | None],
    has_left: Callable[[BaseException], bool],
) -> T:
    """Observe a call that a server carries out; ``failure`` says how an outcome failed.

    ``has_left`` says whether what ends the call is no failure: the reader of a stream has read enough.
    """
    begin = time.perf_counter()
    try:
        ends = _begin(server_observers, call)
    except BaseException:
        run.close()
        raise
    code, name = ErrorCode.INTERNAL, "CancelledError"  # unless it ends by itself
    succeeded = False
    try:
        outcome = await run
        failed = failure(outcome)
        succeeded = failed is None
        if failed is not None:
            code, name = failed
        return outcome
    except BaseException as error:
        succeeded = has_left(error)
        raise
    finally:
        duration = time.perf_counter() - begin
        _end(ends, EndedCall(duration=duration) if succeeded else EndedCall(duration=duration, code=code, error=name))


def _begin(observers: Sequence[Observer], call: BegunCall) -> list[Callable[[EndedCall], None]]:
    ends = []
    for observer in tuple(observers):
        try:
            end = observer(call)
        except Exception:
            logger.exception("an observer failed at the begin of %s.%s", call.service, call.method)
            continue
        if end is not None:
            ends.append(end)
    ends.reverse()  # as blocks end, so that what each has set is what it resets
    return ends


def _end(ends: Sequence[Callable[[EndedCall], None]], call: EndedCall) -> None:
    for end in ends:
        try:
            end(call)
        except Exception:
            logger.exception("an observer failed at the end of a call")
