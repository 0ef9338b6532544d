"""Resilience: load balancing, outlier detection, retries and their budget."""

from service_core.resilience.retrying import AnswerWait, Raised
from service_core.resilience.stream_limits import StreamLimits

__all__ = ["AnswerWait", "Raised", "StreamLimits"]
