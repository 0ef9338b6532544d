"""Streams in the test kit: in memory, and the contract of channels that carry them."""
