"""Channels that go on asking instances that fail, so that what happens then can be seen."""

from __future__ import annotations

from typing import Any

from service_core import Channel, ChannelFactory

__all__ = ["RoundRobin"]


class RoundRobin(ChannelFactory):
    """Makes channels that ask one instance after the other."""

    def make(self, *arguments: Any, **options: Any) -> Channel:
        """A new channel."""
        channel = super().make(*arguments, **options)
        channel.select_round_robin()
        return channel
