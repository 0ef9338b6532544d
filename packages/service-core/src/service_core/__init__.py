"""Typed service interfaces, proxies, discovery contracts and the wire format."""
