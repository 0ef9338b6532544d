"""Markers: the place of a parameter in a request.

``Annotated[T, Body()]`` is the form that type checkers accept; ``Body(T)`` is short for it.
"""

from __future__ import annotations

import typing
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final, overload

from service_core.errors import DeclarationException

NO_EXAMPLE: Final = object()
"""Means that there is no example."""


class Location(StrEnum):
    """Where in a request a parameter travels."""

    PATH = "path"
    QUERY = "query"
    HEADER = "header"
    BODY = "body"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Marker:
    """The contents of a marker."""

    location: Location
    name: str = ""
    """What the parameter is called in the request, empty for its own name."""
    description: str = ""
    """The description for readers of the documentation."""
    example: Any = NO_EXAMPLE
    """A value that the documentation shows."""


@overload
def Body(*, description: str = "", example: Any = NO_EXAMPLE) -> Marker: ...
@overload
def Body(kind: Any, /, *, description: str = "", example: Any = NO_EXAMPLE) -> Any: ...
def Body(kind: Any = None, /, *, description: str = "", example: Any = NO_EXAMPLE) -> Any:  # noqa: N802 - the public name
    """Send the parameter as the request's body, in JSON. A request has one body."""
    return _marked(kind, Marker(location=Location.BODY, description=description, example=example))


@overload
def QueryParam(*, name: str = "", description: str = "", example: Any = NO_EXAMPLE) -> Marker: ...
@overload
def QueryParam(kind: Any, /, *, name: str = "", description: str = "", example: Any = NO_EXAMPLE) -> Any: ...
def QueryParam(  # noqa: N802 - the public name
    kind: Any = None, /, *, name: str = "", description: str = "", example: Any = NO_EXAMPLE
) -> Any:
    """Send the parameter in the query, a list as several values of one name.

    ``name`` is for names that no Python parameter can have. None travels by being left out, and so does an empty
    list: both are possible only where that means the same to the server.
    """
    return _marked(kind, Marker(location=Location.QUERY, name=name, description=description, example=example))


@overload
def PathParam(*, description: str = "", example: Any = NO_EXAMPLE) -> Marker: ...
@overload
def PathParam(kind: Any, /, *, description: str = "", example: Any = NO_EXAMPLE) -> Any: ...
def PathParam(kind: Any = None, /, *, description: str = "", example: Any = NO_EXAMPLE) -> Any:  # noqa: N802
    """Send the parameter in the path, in place of ``{its name}``, percent-encoded."""
    return _marked(kind, Marker(location=Location.PATH, description=description, example=example))


@overload
def Header(*, name: str = "", description: str = "", example: Any = NO_EXAMPLE) -> Marker: ...
@overload
def Header(kind: Any, /, *, name: str = "", description: str = "", example: Any = NO_EXAMPLE) -> Any: ...
def Header(  # noqa: N802 - the public name
    kind: Any = None, /, *, name: str = "", description: str = "", example: Any = NO_EXAMPLE
) -> Any:
    """Send the parameter as a header, by default its name with hyphens: ``if_match`` as ``if-match``.

    A header holds one value of printable ASCII.
    """
    return _marked(kind, Marker(location=Location.HEADER, name=name, description=description, example=example))


def _marked(kind: Any, marker: Marker) -> Any:
    return marker if kind is None else Annotated[kind, marker]


def find_marker(annotation: Any, where: str) -> Marker | None:
    """The marker of a parameter's type hint, None if there is none. Raises DeclarationException.

    Refuses two markers, a marker inside of the type, and a marker that is not called.
    """
    metadata = getattr(annotation, "__metadata__", ())
    for item in metadata:
        if item in (Body, QueryParam, PathParam, Header):
            raise DeclarationException(f"{where}: a marker is called: write '{item.__name__}()', not '{item.__name__}'")
    markers = [item for item in metadata if isinstance(item, Marker)]
    if len(markers) > 1:
        locations = " and ".join(marker.location.value for marker in markers)
        raise DeclarationException(f"{where}: two markers ({locations}); keep the one that says where it travels")
    _refuse_inside(annotation.__origin__ if metadata else annotation, where)
    return markers[0] if markers else None


def _refuse_inside(annotation: Any, where: str) -> None:
    for argument in typing.get_args(annotation):
        if any(isinstance(item, Marker) for item in getattr(argument, "__metadata__", ())):
            raise DeclarationException(
                f"{where}: the marker stands inside the type; mark the whole: 'Annotated[T | None, QueryParam()]'"
            )
        _refuse_inside(argument, where)
