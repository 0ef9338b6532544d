"""One call, as all parts of the client see it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any

from service_core.arguments import Arguments
from service_core.context import CallContext, Deadline, get_context, new_correlation_id
from service_core.declaring.descriptors import MethodDescriptor, ServiceDescriptor
from service_core.declaring.policy import EffectivePolicy, Policy
from service_core.declaring.signatures.streams import without_stream
from service_core.errors import LocalServiceException, ServiceException


class Call:
    """One call of a service method, made once by the proxy and shared by router, channel, retry loop and transport.

    Used by one thread or task.
    """

    __slots__ = (
        "args",
        "attempts",
        "context",
        "correlation_id",
        "deadline",
        "descriptor",
        "input_started",
        "kwargs",
        "may_have_run",
        "mismatches",
        "policy",
        "service",
        "started",
    )

    deadline: Deadline
    """The end of all attempts together: that of the context, else the policy's timeout from the start of the call.

    If the result is a stream, the end of the wait for its first item. If an argument is one, that of the whole call,
    since the policy's timeout counts from the last item that is sent.
    """
    policy: EffectivePolicy

    def __init__(
        self,
        service: ServiceDescriptor,
        descriptor: MethodDescriptor,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
        policy: EffectivePolicy | None = None,
    ) -> None:
        """Without ``policy`` it is the method's own, with the defaults for the rest."""
        self.service = service
        """The service that is called."""
        self.descriptor = descriptor
        """The method that is called."""
        self.args = args
        """The positional arguments as the caller gave them."""
        self.kwargs: Mapping[str, Any] = {} if kwargs is None else kwargs
        """The keyword arguments as the caller gave them."""
        self.context: CallContext = get_context()
        """The context in which the call was made."""
        self.started = time.monotonic()
        """The start of the call on the monotonic clock."""
        self.attempts = 0
        """How often the call has been sent so far, over all channels."""
        self.mismatches = 0
        """How many of these an instance has refused because it has another version of the interface."""
        self.input_started = False
        """Whether items of an argument that is a stream were taken, so that the call cannot be sent again."""
        self.may_have_run = False
        """Whether one of the attempts may have executed the method."""
        self.correlation_id = self.context.correlation_id or new_correlation_id()
        """The id under which all participants log the call: that of the context, else a new one."""
        self.adopt(policy or Policy.merge(descriptor.policy).resolve())

    def adopt(self, policy: EffectivePolicy) -> None:
        """Apply the policy of the channel that carries the call; its timeout counts from the start of the call."""
        self.policy = policy
        method = self.descriptor
        if method.stream is not None or method.input_stream is not None:
            limit = self.total_deadline
            if method.input_stream is None and policy.timeout is not None:
                limit = Deadline(min(limit.expires_at, self.started + policy.timeout))
            self.deadline = limit
        else:
            timeout = policy.timeout
            self.deadline = self.context.deadline or Deadline(math.inf if timeout is None else self.started + timeout)

    @property
    def total_deadline(self) -> Deadline:
        """The end of a whole stream: that of the context or of ``total_timeout``, whichever is sooner."""
        outer, total = self.context.deadline, self.policy.total_timeout
        ends = math.inf if outer is None else outer.expires_at
        return Deadline(ends if total is None else min(ends, self.started + total))

    def restart(self) -> None:
        """Count the time from now on: a stream begins with its first step, not with the call that returns it."""
        self.started = time.monotonic()
        self.adopt(self.policy)

    @property
    def type(self) -> type:
        """The service interface."""
        return self.service.type

    @property
    def method(self) -> Callable[..., Any]:
        """The function of the interface; its ``__name__`` is the method's name."""
        return self.descriptor.function

    def arguments(self) -> Arguments:
        """The arguments that are given, in the order of the parameters, with gaps.

        Raises TypeError as a local call would, and LocalServiceException if one of them is a stream: a channel that
        carries streams calls :meth:`arguments_and_stream`.
        """
        if self.descriptor.input_stream is not None:
            raise LocalServiceException(
                f"{self.descriptor.where}: parameter '{self.descriptor.input_stream.parameter}' is a stream, which the "
                f"channel does not carry; call the service over another channel"
            )
        return self.descriptor.bind(self.args, self.kwargs)

    def arguments_and_stream(self) -> tuple[Arguments, Any]:
        """The arguments that are sent as a whole, and the one that is a stream, None if there is none.

        Raises TypeError as a local call would.
        """
        bound, stream = self.descriptor.bind(self.args, self.kwargs), self.descriptor.input_stream
        return (bound, None) if stream is None else without_stream(bound, stream)

    def is_repeatable(self, error: ServiceException) -> bool:
        """Whether the call may be sent again after ``error``."""
        return not self.input_started and (self.descriptor.idempotent or not error.may_have_run)

    def add_earlier_attempts(self, error: ServiceException) -> None:
        """Let ``may_have_run`` of an error be about the call, not only about its last attempt."""
        if self.may_have_run and not error.may_have_run:
            error.may_have_run = True
            error.add_note("an earlier attempt of this call may have run")
        self.may_have_run = error.may_have_run

    def __repr__(self) -> str:
        return f"Call({self.descriptor.where})"  # arguments may be secret
