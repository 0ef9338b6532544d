"""Routes: calls written as requests, results read from answers, and no argument that leads astray."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field, computed_field

from service_core.declaring.descriptors import ComponentDescriptor
from service_core.declaring.inspection import describe_service
from service_core.declaring.interfaces import Component, Service
from service_core.errors import ArgumentException, DeclarationException, LocalServiceException
from service_core.rest import (
    Body,
    Header,
    QueryParam,
    RestRequest,
    RouteCodec,
    RouteTable,
    delete,
    get,
    patch,
    post,
    put,
    rest,
)
from service_core.wire import MalformedData


class Document(BaseModel):
    name: str = Field(alias="documentName")
    content: bytes = b""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def size(self) -> int:
        return len(self.content)


@dataclass
class Note:
    text: str


@rest("/library/")
class Library(Service):
    @abstractmethod
    @get("/documents")
    def documents(self, *, tags: list[str] = [], limit: int | None = None) -> list[str]: ...  # noqa: B006

    @abstractmethod
    @get("/documents/{name}")
    def describe(self, name: str) -> Document: ...

    @abstractmethod
    @get("/documents/latest")
    def latest(self) -> Document | None: ...

    @abstractmethod
    @get("/documents/{name}/pages/{page}")
    def page(self, name: str, page: int) -> str: ...

    @abstractmethod
    @put("/documents/{name}", status=200)
    def store(self, name: str, document: Document, if_match: Annotated[str | None, Header()] = None) -> None: ...

    @abstractmethod
    @patch("/documents/{name}/notes")
    def annotate(
        self, name: str, note: Note | None = None, *, lang: Annotated[str, QueryParam(name="hl")] = ""
    ) -> int: ...

    @abstractmethod
    @post("", status=201)
    def search(self, words: Annotated[list[str], Body()]) -> list[str]: ...

    @abstractmethod
    @delete("/documents/{name}")
    def remove(self, name: str) -> None: ...

    def internal(self) -> None: ...


def table_of(*interfaces: type) -> RouteTable:
    services = tuple(describe_service(interface, interface.__name__.lower(), "") for interface in interfaces)
    return RouteTable.of_component(ComponentDescriptor(name="c", type=Component, description="", services=services))


TABLE = table_of(Library)
PLANS = {route_codec.method.name: route_codec for route_codec in TABLE}
PLAIN = st.text(st.characters(exclude_categories=["Cs"]))


def written(name: str, *args: Any, **kwargs: Any) -> RestRequest:
    route_codec = PLANS[name]
    return TABLE.write(route_codec, route_codec.method.bind(args, kwargs))


# requests


def test_arguments_travel_in_path_query_header_and_body() -> None:
    document = Document(documentName="a", content=b"\xff")
    request = written("store", "a b", document, "v1")
    assert (request.verb, request.target) == ("PUT", "/library/documents/a%20b")
    assert request.headers == {"if-match": "v1"}
    assert request.body == b'{"documentName":"a","content":"_w=="}'


def test_a_query_holds_lists_and_leaves_out_none() -> None:
    assert written("documents", tags=["a b", "&c"]).target == "/library/documents?tags=a%20b&tags=%26c"
    assert written("documents", limit=3).target == "/library/documents?limit=3"
    assert written("documents").target == "/library/documents"


def test_a_body_of_none_is_left_out() -> None:
    assert written("annotate", "a").body is None
    assert written("annotate", "a", Note("x"), lang="de") == RestRequest(
        verb="PATCH",
        target="/library/documents/a/notes?hl=de",
        path="/library/documents/a/notes",
        headers={},
        body=b'{"text":"x"}',
        arguments="name:s,note:%5B%22OfOKC5nR%22%5D,lang:s",
    )


def test_an_empty_path_is_the_prefix_alone() -> None:
    assert written("search", ["a"]).target == "/library"
    [root] = table_of(type("Root", (Service,), {"nothing": get("")(_nothing)}))
    assert root.template.text == "/"


def test_a_wrong_argument_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(ArgumentException) as error:
        written("page", "a", "x")
    assert str(error.value).startswith("Library.page: page: Input should be a valid integer")


def test_a_method_without_a_route_says_what_to_do() -> None:
    method = describe_service(Library, "library", "").methods["internal"]
    with pytest.raises(LocalServiceException) as error:
        TABLE.route_codec(method)
    assert str(error.value) == (
        "Library.internal has no route; decorate it with @get(...), @post(...) or another verb of service_core.rest, "
        "or call it over another channel"
    )


# no way to another route


@given(name=PLAIN, page=st.integers())
def test_no_argument_reaches_another_route(name: str, page: int) -> None:
    for method, arguments in {
        "describe": (name,),
        "page": (name, page),
        "store": (name, Document(documentName="")),
    }.items():
        try:
            request = written(method, *arguments)
        except ArgumentException:
            assert name in ("", ".", "..", "latest") or "/" in name
            continue
        for path in (request.path, request.path.replace("%2F", "/")):
            taken = [
                route_codec
                for route_codec in TABLE
                if route_codec.verb == request.verb and route_codec.template.match(path) is not None
            ]
            assert taken[:1] in ([], [PLANS[method]])


@pytest.mark.parametrize("name", ["latest", "a/pages/1"])
def test_an_argument_that_means_another_route_is_refused(name: str) -> None:
    with pytest.raises(ArgumentException, match="the path of these arguments belongs to Library"):
        written("describe", name)


def test_a_slash_in_an_argument_is_no_division() -> None:
    assert written("describe", "docs/a.md").target == "/library/documents/docs%2Fa.md"


def test_more_exact_routes_come_first() -> None:
    names = [route_codec.method.name for route_codec in TABLE if route_codec.verb == "GET"]
    assert names.index("latest") < names.index("describe")


# results


def test_a_result_is_written_under_its_aliases_without_computed_fields() -> None:
    document = Document(documentName="a", content=b"\xff")
    content = PLANS["describe"].write_result(document)
    assert content == b'{"documentName":"a","content":"_w=="}'
    assert PLANS["describe"].read_result("application/json", content) == document


def test_a_result_of_none_is_null_or_no_content() -> None:
    assert (PLANS["store"].status, PLANS["store"].write_result(None)) == (200, b"null")
    assert (PLANS["remove"].status, PLANS["remove"].write_result(None)) == (204, b"")


@pytest.mark.parametrize(
    ("name", "content_type", "content", "result"),
    [
        ("documents", "application/json; charset=utf-8", b'["a"]', ["a"]),
        ("documents", "application/vnd.library+json", b'["a"]', ["a"]),
        ("page", "text/plain", b"plain", "plain"),
        ("store", "text/plain; charset=utf-8", b"OK", None),
        ("store", "application/json", b'{"anything": 1}', None),
        ("store", "text/html", b"", None),
        ("latest", "", b"", None),
        ("latest", "application/json", b"null", None),
    ],
)
def test_what_other_servers_send_as_a_result_is_read(name: str, content_type: str, content: bytes, result: Any) -> None:
    assert PLANS[name].read_result(content_type, content) == result


@pytest.mark.parametrize(
    ("content_type", "readable"),
    [
        ("application/json", True),
        ("Application/JSON; charset=utf-8", True),
        ("application/problem+json", True),
        ("text/plain", True),
        ("text/html", False),
        ("application/msgpack", False),
        ("", False),
    ],
)
def test_results_come_as_json_or_plain_text(content_type: str, *, readable: bool) -> None:
    assert PLANS["documents"].can_read(content_type) is readable


@pytest.mark.parametrize(
    ("content_type", "content", "error", "reason"),
    [
        ("application/json", b'["a"', MalformedData, "not valid JSON: EOF"),
        ("application/json", b"[NaN]", MalformedData, "not valid JSON"),
        ("application/json", b"", MalformedData, "the answer is empty"),
        ("application/json", b"[1]", ArgumentException, "Library.documents: result: 0: Input should be a valid string"),
        ("text/plain", b"x", ArgumentException, "Library.documents: result: Input should be a valid list"),
    ],
)
def test_an_answer_that_is_no_result_says_why(
    content_type: str, content: bytes, error: type[Exception], reason: str
) -> None:
    with pytest.raises(error, match=reason):
        PLANS["documents"].read_result(content_type, content)


# contradictions


def _service(**methods: Any) -> type:
    return rest("/x")(type("Broken", (Service,), methods))


def _two_bodies(self: Any, one: Note, two: Note) -> None: ...
def _one(self: Any, one: str) -> None: ...
def _same_name(self: Any, one: str, two: Annotated[str, QueryParam(name="one")]) -> None: ...
def _nothing(self: Any) -> None: ...
def _text(self: Any) -> str:
    return ""


CONTRADICTIONS = {
    "two bodies": (
        _service(two=post("/a")(_two_bodies)),
        "Broken.two: two bodies, parameters 'one' and 'two'; put both into one dataclass, or send one elsewhere, as "
        "QueryParam()",
    ),
    "a path name without a parameter": (
        _service(one=get("/a/{two}")(_one)),
        "Broken.one: path '/x/a/{two}' names 'two', which is not a parameter of the method; add it to the method, or "
        "take it out of the path",
    ),
    "one name for two": (
        _service(one=put("/b")(_same_name)),
        "Broken.one: parameters 'one' and 'two' are both called 'one' in the query; give one another name",
    ),
    "a result without a body": (
        _service(text=get("/c", status=204)(_text)),
        "Broken.text: an answer with status 204 has no body, but the method returns <class 'str'>; let it return None, "
        "or take another status",
    ),
}


@pytest.mark.parametrize("name", CONTRADICTIONS)
def test_a_contradiction_is_refused(name: str) -> None:
    interface, message = CONTRADICTIONS[name]
    with pytest.raises(DeclarationException) as error:
        table_of(interface)
    assert str(error.value) == message


def test_the_same_route_twice_is_refused_also_in_two_services() -> None:
    @rest("/library")
    class Other(Service):
        @abstractmethod
        @get("/documents/{title}")
        def other(self, title: str) -> str: ...

    with pytest.raises(DeclarationException) as error:
        table_of(Library, Other)
    assert str(error.value) == (
        "Library.describe and Other.other have the same route, GET /library/documents/{name}; give one another path or "
        "verb"
    )


def test_a_plan_shows_what_it_is() -> None:
    assert repr(PLANS["describe"]) == "<GET /library/documents/{name} of Library.describe>"
    assert isinstance(PLANS["describe"], RouteCodec)


def test_a_path_is_taken_as_it_is_written() -> None:
    @rest("/api")
    class Keys(Service):
        @abstractmethod
        @get("/keys")
        def below(self) -> str: ...

    @rest("")
    class Others(Service):
        @abstractmethod
        @get("/apikeys")
        def beside(self) -> str: ...

    written = {route_codec.method.name: route_codec.write(()).path for route_codec in table_of(Keys, Others)}
    assert written == {"below": "/api/keys", "beside": "/apikeys"}
