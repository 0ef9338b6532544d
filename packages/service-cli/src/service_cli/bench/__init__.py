"""Load: calls in a closed or an open loop, and what they took."""
