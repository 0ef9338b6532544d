"""The programs that are measured: servers, and clients that take orders. Each runs as a process of its own.

Those of the peers run in environments of their own, so they and what they import here need nothing but their peer.
"""
