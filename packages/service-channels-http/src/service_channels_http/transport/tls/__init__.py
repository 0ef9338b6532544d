"""TLS of channels: trusted authorities, the client certificate, and failures of the handshake."""
