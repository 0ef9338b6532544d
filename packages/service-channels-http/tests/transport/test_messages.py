"""What messages tell of an address, and how servers say when to come back."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from service_channels_http import HTTPReply, HTTPRequest
from service_channels_http.transport.rejections import media_type, retry_after
from service_core import Deadline


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://h:1/invoke", "http://h:1/invoke"),
        ("http://user:pass@h/x", "http://h/x"),
        ("http://u@s@h/x", "http://h/x"),
        ("http://h/x?token=1#part", "http://h/x"),
        ("http://h/x@y", "http://h/x@y"),
        ("http://h?to=a@b", "http://h"),
        ("nonsense", "nonsense"),
    ],
)
def test_messages_show_the_address_without_secrets(url: str, shown: str) -> None:
    request = HTTPRequest(url=url, headers={}, deadline=Deadline.after(1), caller="A.b of component 'c'")
    assert request.where == f"A.b of component 'c' at {shown}"


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("3", 3.0),
        (" 0 ", 0.0),
        ("86400", 86400.0),
        ("", None),
        ("soon", None),
        ("-1", None),
        ("1.5", None),
        ("90000", 90000.0),
        ("99999999999", 99999999999.0),
        ("9" * 5000, math.inf),
        ("Fri, 31 Dec 9999 23:59:59 -2359", math.inf),
    ],
)
def test_retry_after_is_read_as_seconds(header: str, seconds: float | None) -> None:
    assert retry_after(HTTPReply(status=503, headers={"retry-after": header})) == seconds


def test_retry_after_may_be_a_date() -> None:
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(minutes=1), usegmt=True)
    seconds = retry_after(HTTPReply(status=503, headers={"retry-after": in_a_minute}))
    assert seconds is not None
    assert 0 < seconds <= 60


def test_a_date_that_is_centuries_away_counts() -> None:
    seconds = retry_after(HTTPReply(status=503, headers={"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}))
    assert seconds is not None
    assert seconds > 1e9


def test_a_date_in_the_past_means_now() -> None:
    past = "Wed, 21 Oct 2015 07:28:00 GMT"
    assert retry_after(HTTPReply(status=503, headers={"retry-after": past})) == 0.0


def test_the_media_type_is_read_without_parameters() -> None:
    assert media_type(HTTPReply(status=200, headers={"content-type": "Application/JSON; charset=utf-8"})) == (
        "application/json"
    )
    assert media_type(HTTPReply(status=200, headers={})) == ""
