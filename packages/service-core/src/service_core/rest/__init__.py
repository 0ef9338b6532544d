"""The REST contract: which method travels as which plain HTTP request.

::

    @service()
    @rest("/library")
    class Library(Service):
        @abstractmethod
        @get("/documents/{name}")
        def describe(self, name: str, *, top: int = 3) -> Document: ...

        @abstractmethod
        @post("/documents")
        def add(self, document: Annotated[Document, Body()]) -> None: ...

Client and server both follow the :class:`RouteCodec` of a method, so they cannot disagree.
"""

from service_core.rest.markers import NO_EXAMPLE, Body, Header, Location, PathParam, QueryParam
from service_core.rest.parameters import RestParameter
from service_core.rest.problem import PROBLEM_TYPE, Problem, read_message, read_problem
from service_core.rest.request import RestRequest
from service_core.rest.route_codec import RouteCodec, is_json, media_type_of
from service_core.rest.route_table import RouteTable
from service_core.rest.sent_arguments import SENT_ARGUMENTS, SentArguments, differing
from service_core.rest.streams.formats import EVENT_STREAM, NDJSON, LineReader, form_writer
from service_core.rest.streams.items import StreamedItems
from service_core.rest.verbs import delete, get, patch, post, put, rest, route_of

__all__ = [
    # declare
    "rest",
    "get",
    "post",
    "put",
    "patch",
    "delete",
    "Body",
    "QueryParam",
    "PathParam",
    "Header",
    # carry
    "EVENT_STREAM",
    "LineReader",
    "NDJSON",
    "PROBLEM_TYPE",
    "Location",
    "Problem",
    "RestRequest",
    "RouteCodec",
    "RouteTable",
    "SENT_ARGUMENTS",
    "SentArguments",
    "StreamedItems",
    "form_writer",
    "read_message",
    "read_problem",
    "NO_EXAMPLE",
    "RestParameter",
    "is_json",
    "media_type_of",
    "differing",
    "route_of",
]
