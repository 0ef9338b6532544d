"""Signatures of interface methods: arguments, streams and type variables, and how messages write them."""
