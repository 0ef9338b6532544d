"""Resilience: load balancing, outlier detection, retries and their budget."""
