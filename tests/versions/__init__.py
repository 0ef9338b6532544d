"""Two versions of one interface in rotation: what works, and what is refused when."""
