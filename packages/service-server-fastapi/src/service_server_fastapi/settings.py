"""Everything that can be set about a server, with defaults that are right for production."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["ServerSettings"]

Seconds = Annotated[float, Field(allow_inf_nan=False)]


class ServerSettings(BaseSettings):
    """Given in code, or by environment variables ``SERVICE_SERVER_<NAME>``; code wins."""

    model_config = SettingsConfigDict(env_prefix="SERVICE_SERVER_", frozen=True, extra="forbid")

    # where, and what strangers are told

    host: str = "0.0.0.0"  # noqa: S104 - a server is there to be reached
    """The address to listen on."""
    port: int = Field(default=8000, ge=0, le=65535)
    """The port to listen on; 0 picks a free one."""
    expose_errors: bool = False
    """Whether callers get the messages of errors that are not declared; they may hold secrets."""
    details: bool = False
    """Whether health and report tell addresses and what checks have to say, too; they may be of use to strangers."""
    report: bool = False
    """Whether ``/report`` tells what this process hosts and calls."""

    # who may call

    allowed_hosts: tuple[str, ...] = ()
    """Names by which requests may call this server, ``*.example.org`` for all below one; none for any. An IP address
    and ``localhost`` are always good, since nobody can make them stand for another machine."""

    # limits

    worker_threads: int = Field(default=40, ge=1)
    """How many ``def`` methods run at once; more of them wait."""
    max_body_bytes: int = Field(default=16 * 1024 * 1024, ge=1)
    """The largest request that is read; a larger one is answered with 413."""
    max_header_bytes: int = Field(default=64 * 1024, ge=1024)
    """The most that a request may have before its body; a larger one is answered with 431."""
    max_concurrency: int = Field(default=1000, ge=1)
    """How many calls may be in work or wait for a worker; the next one is answered with 503."""
    receive_timeout: Seconds = Field(default=10.0, gt=0)
    """Seconds within which a request must have arrived, its head and its body each; then it is answered with 408."""
    health_timeout: Seconds = Field(default=5.0, gt=0)
    """Seconds that a component may take to say how it is; then it is told to be in error."""
    keep_alive: Seconds = Field(default=15.0, gt=0)
    """Seconds that an idle connection is kept; longer than clients keep it, who would else find it closed."""

    # the end

    propagation_delay: Seconds = Field(default=0.5, ge=0)
    """Seconds between deregistration and the end of new calls, in which clients hear of it."""
    drain_timeout: Seconds = Field(default=20.0, ge=0)
    """Seconds that calls in flight may take to finish when the server stops; then they are cancelled."""
    shutdown_timeout: Seconds = Field(default=10.0, gt=0)
    """Seconds that components and the container may take to shut down; then nobody waits for them any more."""
