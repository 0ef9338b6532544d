"""``GET /describe``: the services that this process hosts, for tools that have no interface code."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from typing import Final

from starlette.types import Scope

from service_core import CallContext, ErrorCode
from service_core.dispatch import Executor, Failure, Response, problem, refusal
from service_core.wire import JSON, context_from_headers
from service_server_fastapi.access.allowed_hosts import host_of
from service_server_fastapi.access.rejections import Rejection
from service_server_fastapi.lifecycle.hosting import Hosting
from service_server_fastapi.requests.admission import Admission, check_token, headers_of

_FORWARDING: Final = frozenset({"forwarded", "via", "x-real-ip"})
"""Headers of proxies, beside all that begin with ``x-forwarded-``."""


class DescribeEndpoint:
    """Answers with the document of :mod:`service_core.describing`. Callers need a token where calls do."""

    def __init__(self, hosting: Hosting, calls: Executor, admission: Admission, *, local_only: bool) -> None:
        """With ``local_only`` requests from other machines are refused."""
        self._hosting = hosting
        self._calls = calls
        self._admission = admission
        self._local_only = local_only
        self._written: bytes | None = None

    async def answer(self, scope: Scope) -> Response:
        """The answer to one request."""
        headers = headers_of(scope)
        context = context_from_headers(headers)
        try:
            with self._admission:
                self._check_origin(scope, headers)
                failure = await self._check_caller(scope, context)
                if failure is not None:
                    return self._admission.rejected(problem(failure.error, headers=failure.headers))
                written = self._written
                if written is None:  # schemas of many types take a while; the loop runs meanwhile
                    written = await asyncio.to_thread(self._write)
            no_store = (("cache-control", "no-store"),)
            return Response(status=200, content_type=JSON.content_type, body=written, headers=no_store)
        except Rejection as refused:
            error = refusal(refused.code, str(refused), context=context)
            return self._admission.rejected(problem(error, status=refused.status, headers=refused.headers))

    def _check_origin(self, scope: Scope, headers: Mapping[str, str]) -> None:
        if self._local_only and not _is_local(scope, headers):
            raise Rejection(
                403,
                "descriptions are for requests from the server's own machine to a loopback address; to allow others "
                "set ServerSettings(describe=True) or SERVICE_SERVER_DESCRIBE=true",
                ErrorCode.PERMISSION_DENIED,
            )

    async def _check_caller(self, scope: Scope, context: CallContext) -> Failure | None:
        if not self._calls.authentication.is_required:
            return None
        check_token(scope)
        admitted = await self._calls.authentication.admit(context, anonymous=False)
        return admitted if isinstance(admitted, Failure) else None

    def _write(self) -> bytes:
        from service_core.describing import describe, write_description  # few servers get such a request

        host = self._hosting.host
        offered = {component.name: list(addresses) for component, addresses in host.offered.items()}
        running = host.running
        written = write_description(
            describe(
                ((hosted.component, hosted.service) for hosted in self._hosting.manager.hosted_services()),
                {name: offered.get(name, []) for name in running},
            )
        )
        if running and offered.keys() == running.keys():  # else some are not registered yet
            self._written = written
        return written


def _is_local(scope: Scope, headers: Mapping[str, str]) -> bool:
    """Whether a program of this machine sent the request, without a proxy."""
    if any(name in _FORWARDING or name.startswith("x-forwarded-") for name in headers):
        return False
    server, client = scope.get("server"), scope.get("client")
    over_unix_socket = server is not None and server[1] is None
    ends = () if over_unix_socket else (server, client)
    return all(end is not None and _is_loopback(end[0]) for end in ends) and _is_loopback(host_of(scope) or "")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
