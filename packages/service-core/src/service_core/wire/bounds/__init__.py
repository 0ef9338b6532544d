"""Bounds of what is read: how many values, how much work for wrong ones, and how large values are read."""
