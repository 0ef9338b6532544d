"""The tree of errors, and what belongs to each."""

from __future__ import annotations

import inspect
import pickle

import pytest

from service_core import errors
from service_core.errors import ErrorCode, RemoteServiceException, ServiceException, code_for_status

TREE = {
    "LocalServiceException": "ServiceException",
    "DeclarationException": "LocalServiceException",
    "DependencyException": "LocalServiceException",
    "ArgumentException": "LocalServiceException",
    "ResultException": "ArgumentException",
    "ChannelNotInstalledException": "LocalServiceException",
    "PortInUseException": "LocalServiceException",
    "ServiceCommunicationException": "ServiceException",
    "ComponentUnavailableException": "ServiceCommunicationException",
    "ContractMismatchException": "ServiceCommunicationException",
    "ProtocolException": "ServiceCommunicationException",
    "DeadlineExceeded": "ServiceException",
    "RemoteServiceException": "ServiceException",
    "AuthorizationException": "ServiceException",
    "TokenException": "AuthorizationException",
    "InvalidTokenException": "TokenException",
    "MissingTokenException": "TokenException",
    "TokenExpiredException": "TokenException",
}

STATUS = {
    "invalid_argument": 422,
    "not_found": 404,
    "unauthenticated": 401,
    "permission_denied": 403,
    "failed_precondition": 412,
    "resource_exhausted": 429,
    "deadline_exceeded": 504,
    "unavailable": 503,
    "unimplemented": 501,
    "internal": 500,
}

CLASSES = [cls for cls in vars(errors).values() if inspect.isclass(cls) and issubclass(cls, ServiceException)]


def test_the_tree_is_as_drawn() -> None:
    found = {cls.__name__: cls.__bases__[0].__name__ for cls in CLASSES if cls is not ServiceException}
    assert found == TREE


def test_the_drawing_names_every_error() -> None:
    drawn = [line.split("──")[1].split()[0] for line in (errors.__doc__ or "").splitlines() if "──" in line]
    assert drawn == list(TREE)


@pytest.mark.parametrize(("code", "status"), STATUS.items())
def test_codes_and_statuses_map_one_to_one(code: str, status: int) -> None:
    assert ErrorCode(code).http_status == status
    assert code_for_status(status) is ErrorCode(code)


def test_there_are_no_other_codes() -> None:
    assert [code.value for code in ErrorCode] == list(STATUS)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, ErrorCode.INVALID_ARGUMENT),
        (405, ErrorCode.UNIMPLEMENTED),
        (408, ErrorCode.DEADLINE_EXCEEDED),
        (409, ErrorCode.FAILED_PRECONDITION),
        (410, ErrorCode.NOT_FOUND),
        (413, ErrorCode.INVALID_ARGUMENT),
        (415, ErrorCode.INVALID_ARGUMENT),
        (418, ErrorCode.INVALID_ARGUMENT),
        (502, ErrorCode.UNAVAILABLE),
        (599, ErrorCode.INTERNAL),
    ],
)
def test_statuses_of_other_servers_are_understood(status: int, code: ErrorCode) -> None:
    assert code_for_status(status) is code


@pytest.mark.parametrize("cls", CLASSES)
def test_every_error_has_a_code_a_message_and_room_for_more(cls: type[ServiceException]) -> None:
    error = cls("wrong", details=[1], correlation_id="id")
    assert (str(error), error.message, error.details, error.correlation_id) == ("wrong", "wrong", [1], "id")
    assert error.code is cls.default_code
    assert cls("wrong", code=ErrorCode.NOT_FOUND).code is ErrorCode.NOT_FOUND


def test_errors_survive_pickling() -> None:
    error = RemoteServiceException("wrong", type="OrderNotFound", code=ErrorCode.NOT_FOUND, correlation_id="id")
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), str(copy), vars(copy)) == (RemoteServiceException, "wrong", vars(error))
