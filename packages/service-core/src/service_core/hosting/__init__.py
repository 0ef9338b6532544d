"""Hosting: the server's contract, the services of this process, token verifiers."""
