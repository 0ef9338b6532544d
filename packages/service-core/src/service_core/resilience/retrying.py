"""The retry loop: one call, sent to one instance after the other until it is answered.

:func:`run` and :func:`run_async` drive it for channels, which give them a function that sends once; their hedged forms
are for functions that can be interrupted, or end at the deadline themselves. The decisions
stand in :class:`Attempts`, which neither waits nor sends, so both share it.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from typing import Any

from service_core.call import Call
from service_core.errors import DeadlineExceeded
from service_core.resilience.attempts import Attempts
from service_core.resilience.hedging.hedge_async import AsyncHedging
from service_core.resilience.hedging.hedge_sync import AnswerWait, Hedging
from service_core.resilience.load_balancer import LoadBalancer


def run(call: Call, balancer: LoadBalancer, send: Callable[[str], Any]) -> Any:
    """Carry out a call; ``send`` sends it to one address and returns the result.

    What ``send`` raises decides how the call goes on:

    - ServiceCommunicationException: the attempt failed. It is retried if nothing was sent (``may_have_run`` is false)
      or if the method is idempotent, within the policy, the deadline and the retry budget.
    - DeadlineExceeded, LocalServiceException, or no Exception (a cancellation): the attempt was abandoned.
    - Any other exception: the instance answered with an error, which counts against it if it is the instance's fault.

    The last three end the call. Raises ComponentUnavailableException if there is no instance.
    """
    return run_hedged(call, balancer, lambda url, _: send(url))


def run_hedged(call: Call, balancer: LoadBalancer, send: Callable[[str, AnswerWait | None], Any]) -> Any:
    """As :func:`run`, for a ``send`` that can be interrupted: it waits for answers with the object that it receives.

    An idempotent call that is not answered in time is then also sent to another instance, by another thread, which
    calls ``send`` as well.
    """
    attempts = Attempts(call, balancer)
    while True:
        try:
            url = attempts.begin().url
            if attempts.overdue_at == math.inf:
                return attempts.answered(send(url, None))
            return attempts.answered(Hedging(attempts, send).run(url))
        except BaseException as error:
            if not attempts.ended_by(error):
                raise
        if attempts.pause:
            time.sleep(attempts.pause)


async def run_async(call: Call, balancer: LoadBalancer, send: Callable[[str], Awaitable[Any]]) -> Any:
    """As :func:`run`, for an ``async def`` method; ``send`` is cancelled at the deadline.

    An idempotent call that is not answered in time is also sent to another instance, by another task.
    """

    async def send_in_time(url: str) -> Any:
        limit = asyncio.timeout(call.deadline.remaining)
        try:
            async with limit:
                return await send(url)
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"{call.descriptor.where}: deadline exceeded", may_have_run=True) from None

    return await run_hedged_async(call, balancer, send_in_time)


async def run_hedged_async(call: Call, balancer: LoadBalancer, send: Callable[[str], Awaitable[Any]]) -> Any:
    """As :func:`run_async`, for a ``send`` that raises DeadlineExceeded at ``call.deadline`` itself."""
    attempts = Attempts(call, balancer)
    while True:
        try:
            url = attempts.begin().url
            if attempts.overdue_at == math.inf:
                return attempts.answered(await send(url))
            return attempts.answered(await AsyncHedging(attempts, send).run(url))
        except BaseException as error:
            if not attempts.ended_by(error):
                raise
        if attempts.pause:
            await asyncio.sleep(attempts.pause)
