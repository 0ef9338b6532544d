"""What happens to calls when servers, networks and callers misbehave: real processes, real sockets, figures.

A row of figures is printed at the end of the run. The suite has a short form, and a long one with ``CHAOS=long``.
"""
