"""What the decorators stamp, and which mistakes they see at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Service
from service_core.errors import DeclarationException
from service_core.rest import delete, get, patch, post, put, rest
from service_core.rest.verbs import Prefix, prefix_of, route_of


@pytest.mark.parametrize(
    ("verb", "name", "idempotent"),
    [(get, "GET", True), (put, "PUT", True), (delete, "DELETE", True), (post, "POST", False), (patch, "PATCH", False)],
)
def test_a_verb_says_how_a_method_is_called_and_whether_again(
    verb: Callable[[str], Callable[[Any], Any]], name: str, *, idempotent: bool
) -> None:
    class Library(Service):
        @verb("/documents")
        def documents(self) -> None: ...

    method = describe_service(Library, "library", "").methods["documents"]
    route = route_of(method.function)
    assert route is not None
    assert (route.verb, route.path, route.status) == (name, "/documents", None)
    assert method.idempotent == idempotent


def test_a_decorated_method_is_the_method_itself() -> None:
    def documents(self: object) -> None: ...

    assert get("/documents", summary="All")(documents) is documents


def test_a_service_has_the_prefix_that_it_or_its_base_was_given() -> None:
    @rest("/library", tags=["books"])
    class Library(Service): ...

    class Archive(Library): ...

    assert prefix_of(Archive) == prefix_of(Library)
    assert prefix_of(Library).path == "/library"
    assert prefix_of(Service).path == ""


def test_a_prefix_needs_no_parentheses() -> None:
    @rest
    class Library(Service): ...

    assert prefix_of(Library) == Prefix()


def _documents(self: object) -> None: ...


MISTAKES: list[tuple[Callable[[], Any], str]] = [
    (lambda: get("documents"), "@get(\"documents\"): a path starts with '/'; write '/documents'"),
    (lambda: rest("library"), "@rest(\"library\"): a path starts with '/'; write '/library'"),
    (lambda: get(_documents), "@get on _documents: write '@get(\"/path\")'"),  # type: ignore[arg-type]
    (lambda: rest(7), "@rest(7): write '@rest(\"/prefix\")'"),  # type: ignore[call-overload]
    (lambda: post("/x", status=404), '@post("/x"): status 404 is not one of a success, 200 to 299'),
    (
        lambda: post("/x")(get("/documents")(lambda self: [])),
        "test_rest_verbs.<lambda>.<locals>.<lambda>: it has a route already, GET /documents; "
        'write a second method for @post("/x")',
    ),
]


@pytest.mark.parametrize(("mistake", "message"), MISTAKES)
def test_a_mistake_is_reported_where_it_is_made(mistake: Callable[[], Any], message: str) -> None:
    with pytest.raises(DeclarationException) as error:
        mistake()
    assert message.rpartition("<lambda>")[2] in str(error.value)


def test_a_verb_takes_no_word_that_it_does_not_know() -> None:
    with pytest.raises(TypeError, match="colour"):
        get("/documents", colour="red")  # type: ignore[call-arg]
