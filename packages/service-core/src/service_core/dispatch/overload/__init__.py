"""Overload: what is known of a method's runs, and which calls are started.

service_time     how long the runs of a method take
shares           callers that share a limited number of places
overloaded       the refusal of a call
loop_delay       async methods of a busy event loop
waiting_calls    the queue in front of the worker threads
fixed_limit      methods with ``@max_concurrency``
adaptive_limit   async methods without
"""
