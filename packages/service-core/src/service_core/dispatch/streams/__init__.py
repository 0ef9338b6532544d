"""Serving streams: the generator that runs ahead of its reader, and the frames both ways."""
