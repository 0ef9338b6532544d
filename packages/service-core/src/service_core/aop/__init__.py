"""Advice: code that runs around the methods of container-made objects.

::

    @advice
    class Timing:
        @around(methods().of_type(OrderService).that_are_async())
        async def measure(self, invocation: Invocation) -> Any:
            with timer(invocation.func.__name__):
                return await invocation.proceed()

An advice class is injectable like any other. An environment applies the advice of its packages to the objects that it
creates.
"""

from service_core.aop._advice import advice, after, around, before, error
from service_core.aop._invocation import Invocation
from service_core.aop._pointcut import classes, methods

__all__ = ["Invocation", "advice", "after", "around", "before", "classes", "error", "methods"]
