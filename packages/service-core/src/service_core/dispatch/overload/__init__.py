"""Overload of worker threads: what is known of a method's runs, and which calls are started."""
