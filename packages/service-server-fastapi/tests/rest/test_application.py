"""Routes of services beside those of the user, and routes that cannot be served beside others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import Annotated, Any

import pytest
from archive import serving
from fastapi import Depends, FastAPI, Header, HTTPException, Request, Response
from raw_http import request

from service_core import Component, ComponentDescriptor, DeclarationException, Service
from service_core.declaring.inspection import describe_service
from service_core.dispatch import Executor, ThreadPool, targets_of
from service_core.hosting.hosted_services import HostedService
from service_core.rest import get, post, rest
from service_server_fastapi import ServerSettings
from service_server_fastapi.access.allowed_hosts import AllowedHosts
from service_server_fastapi.access.browsers import BrowserRules
from service_server_fastapi.access.rejection_log import RejectionLog
from service_server_fastapi.application.full import FullApplication
from service_server_fastapi.requests.admission import Admission
from service_server_fastapi.requests.in_flight import InFlight
from service_server_fastapi.rest.mount import mount_services
from service_server_fastapi.rest.resources import RouteResources


def test_a_route_of_the_user_that_takes_every_path_leaves_ours_alone() -> None:
    app = FastAPI()

    @app.get("/{path:path}")
    async def everything(path: str) -> str:
        return path

    with serving(app) as served:
        assert request(served.url, "/archive/records").json == []
        assert request(served.url, "/archive/else").json == "archive/else"


def test_middleware_of_the_user_sees_requests() -> None:
    app = FastAPI()

    @app.middleware("http")
    async def sign(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        response = await proceed(request)
        response.headers["x-signed"] = "yes"
        return response

    with serving(app) as served:
        assert request(served.url, "/archive/records").headers["x-signed"] == "yes"
        assert request(served.url, "/archive/records/a", method="PUT", body=b'{"theTitle":"x"}').status == 200


def test_a_path_that_middleware_changes_is_the_one_that_counts() -> None:
    app = FastAPI()

    @app.middleware("http")
    async def shorten(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        request.scope["path"] = request.scope["path"].removeprefix("/v1")
        return await proceed(request)

    with serving(app) as served:
        assert request(served.url, "/v1/archive/records/a%20b").json["theTitle"] == "a b"


def test_dependencies_of_the_application_guard_the_routes() -> None:
    async def only_with_key(x_key: Annotated[str, Header()] = "") -> None:
        if x_key != "letmein":
            raise HTTPException(401, "no key", {"www-authenticate": "Key"})

    with serving(FastAPI(dependencies=[Depends(only_with_key)])) as served:
        refused = request(served.url, "/archive/records")
        assert (refused.status, refused.headers["www-authenticate"]) == (401, "Key")
        assert request(served.url, "/archive/records", x_key="letmein").status == 200


def test_an_application_may_live_below_a_root_path() -> None:
    app = FastAPI()

    @app.middleware("http")
    async def below(request: Request, proceed: Callable[[Request], Awaitable[Response]]) -> Response:
        request.scope["root_path"] = "/behind/proxy"  # as servers do that are configured so
        return await proceed(request)

    with serving(app) as served:
        assert request(served.url, "/behind/proxy/archive/records/a%2Fb").json["theTitle"] == "a/b"
        assert request(served.url, "/archive/records/a%2Fb").json["theTitle"] == "a/b"


# what cannot be served


def _read(self: Any, name: str) -> None: ...
def _run(self: Any) -> None: ...


def hosted(prefix: str, component: str = "one", **methods: Any) -> HostedService:
    interface = rest(prefix)(type("Read", (Service,), methods))
    service = describe_service(interface, f"{component}-service", "")
    descriptor = ComponentDescriptor(name=component, type=Component, description="", services=(service,))
    return HostedService(
        component=descriptor,
        service=service,
        implementation=object.__new__(interface),
        implementation_type=interface,
        inline=False,
    )


def mount(*services: HostedService, app: FastAPI | None = None) -> FastAPI:
    app = app or FastAPI()
    with closing(ThreadPool(1)) as workers:
        admission = Admission(ServerSettings(), RejectionLog())
        resources = RouteResources(
            calls=Executor(workers), admission=admission, browsers=BrowserRules(), readers=workers
        )
        mount_services(app, targets_of(services), resources)
    return app


def fresh(method: Any) -> Any:
    """A copy, since a function has one route."""
    return type(method)(method.__code__, method.__globals__, method.__name__, method.__defaults__)


def _with_hints(method: Any) -> Any:
    copy = fresh(method)
    copy.__annotations__ = dict(method.__annotations__)
    return copy


def test_a_route_that_would_take_another_of_the_application_is_refused() -> None:
    app = FastAPI()

    @app.get("/about")
    async def about() -> str:
        return "us"

    with pytest.raises(DeclarationException) as error:
        mount(hosted("", read=get("/{name}")(_with_hints(_read))), app=app)
    assert str(error.value) == (
        "GET /{name} of Read.read would take '/openapi.json', another route of the application; give the service a "
        'prefix of its own with @rest("/prefix")'
    )
    with pytest.raises(DeclarationException, match=r"GET /about of Read\.run would take '/about'"):
        mount(hosted("", run=get("/about")(_with_hints(_run))), app=app)


def test_the_same_path_with_another_verb_is_another_route() -> None:
    app = FastAPI()

    @app.get("/about")
    async def about() -> str:
        return "us"

    assert mount(hosted("", run=post("/about")(_with_hints(_run))), app=app) is app


def test_routes_of_two_components_that_can_mean_the_same_are_refused() -> None:
    with pytest.raises(DeclarationException) as error:
        mount(
            hosted("/a", "one", read=get("/{name}")(_with_hints(_read))),
            hosted("/a", "two", run=get("/me")(_with_hints(_run))),
        )
    assert str(error.value) == (
        "GET /a/me of Read.run and GET /a/{name} of Read.read can mean the same request, but belong to two components; "
        'give one of the services a prefix of its own with @rest("/prefix")'
    )


def test_the_health_of_a_component_is_not_put_where_a_route_is() -> None:
    app = mount(hosted("/health", read=get("/{name}")(_with_hints(_read))))
    in_flight = InFlight(lambda: False, AllowedHosts(()), RejectionLog())

    async def endpoint(scope: Any, receive: Any, send: Any) -> None: ...

    with pytest.raises(DeclarationException, match="the path '/health/desk' is used by another route"):
        FullApplication(app, in_flight).add("/health/desk", endpoint)
