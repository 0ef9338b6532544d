"""What a server offers, as a document: for tools that have no interface code.

:func:`describe` writes the document of hosted services, :func:`read_description` reads it again. Everything here is a
function of its arguments.
"""

from service_core.describing.describe_services import describe
from service_core.describing.document import (
    ComponentDescription,
    Description,
    ErrorDescription,
    MethodDescription,
    OfferedChannel,
    ParameterDescription,
    RouteDescription,
    ServiceDescription,
    ValueDescription,
    read_description,
    write_description,
)

__all__ = [
    "ComponentDescription",
    "Description",
    "ErrorDescription",
    "MethodDescription",
    "OfferedChannel",
    "ParameterDescription",
    "RouteDescription",
    "ServiceDescription",
    "ValueDescription",
    "describe",
    "read_description",
    "write_description",
]
