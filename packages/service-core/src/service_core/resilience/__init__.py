"""Resilience: load balancing, outlier detection, retries and their budget."""

from service_core.resilience.attempts import Raised
from service_core.resilience.hedging.hedge_sync import AnswerWait
from service_core.resilience.stream_limits import StreamLimits

__all__ = ["AnswerWait", "Raised", "StreamLimits"]
