"""Which failures are tried again on another instance, and which are not."""

from __future__ import annotations

import pytest
from scripted_server import Received, Script, serving, unused_url
from shop_interface import (
    ALL_CHANNELS,
    CALLS,
    CHANNELS,
    Call,
    Order,
    OrderNotFound,
    bound,
    dispatch,
    refuse,
    shop_over,
)

from service_channels_http import HTTPXChannel
from service_core import (
    CallEvent,
    CallEventKind,
    ErrorCode,
    Policy,
    ProtocolException,
    RemoteServiceException,
    ServiceCommunicationException,
    ServiceException,
)
from service_core.resilience.attempts import Attempts
from service_core.wire import WireError

UNAVAILABLE = refuse(503, WireError(type="Busy", code=ErrorCode.UNAVAILABLE))


def web_page(request: Received) -> None:
    request.answer(200, b"<html>", "text/html")


calls = pytest.mark.parametrize("call", CALLS)
channels = pytest.mark.parametrize("channel", CHANNELS)


@channels
@calls
def test_another_instance_is_tried_where_none_listens(channel: type[HTTPXChannel], call: Call) -> None:
    with serving(dispatch) as good:
        bound_channel = bound(channel(), unused_url(), unused_url(), good.url)
        assert call(shop_over(bound_channel), "place", Order(1)) == [Order(1)]
        bound_channel.close()
    assert len(good.requests) == 1


@channels
@calls
def test_a_refusal_for_now_is_tried_elsewhere(channel: type[HTTPXChannel], call: Call) -> None:
    with serving(UNAVAILABLE) as busy, serving(dispatch) as good:
        bound_channel = bound(channel(), busy.url, good.url)
        assert call(shop_over(bound_channel), "place", Order(1)) == [Order(1)]
        bound_channel.close()
    assert (len(busy.requests), len(good.requests)) == (1, 1)


@pytest.mark.parametrize("script", [Received.reset, web_page], ids=["reset", "web page"])
@channels
@calls
def test_what_may_have_run_is_tried_elsewhere_if_idempotent(
    script: Script, channel: type[HTTPXChannel], call: Call
) -> None:
    with serving(script) as bad, serving(dispatch) as good:
        bound_channel = bound(channel(), bad.url, good.url)
        assert call(shop_over(bound_channel), "find", 1).number == 1
        bound_channel.close()
    assert (len(bad.requests), len(good.requests)) == (1, 1)


@pytest.mark.parametrize("script", [Received.reset, web_page], ids=["reset", "web page"])
@channels
@calls
def test_what_may_have_run_is_not_repeated_otherwise(script: Script, channel: type[HTTPXChannel], call: Call) -> None:
    with serving(script) as bad, serving(dispatch) as good:
        bound_channel = bound(channel(), bad.url, good.url)
        with pytest.raises(ServiceCommunicationException) as caught:
            call(shop_over(bound_channel), "place", Order(1))
        bound_channel.close()
    assert caught.value.may_have_run
    assert (len(bad.requests), len(good.requests)) == (1, 0)


def gateway_503(request: Received) -> None:
    """A gateway that lost the connection to a server while that executed the call, as Envoy and Varnish answer."""
    request.answer(503, b"upstream connect error or disconnect/reset before headers", "text/plain")


@pytest.mark.parametrize("channel", ALL_CHANNELS)
@calls
def test_a_503_of_a_gateway_says_nothing_about_the_call(channel: type[HTTPXChannel], call: Call) -> None:
    with serving(gateway_503) as gateway, serving(dispatch) as good:
        bound_channel = bound(channel(), gateway.url, good.url)
        with pytest.raises(ServiceCommunicationException, match="the call may have run") as caught:
            call(shop_over(bound_channel), "place", {"number": 1})
        bound_channel.close()
    assert caught.value.may_have_run
    assert (len(gateway.requests), len(good.requests)) == (1, 0)


@channels
@calls
def test_a_503_of_a_gateway_that_means_no_backend_is_tried_elsewhere(channel: type[HTTPXChannel], call: Call) -> None:
    with serving(gateway_503) as gateway, serving(dispatch) as good:
        bound_channel = bound(channel(), gateway.url, good.url)
        bound_channel.gateway_503_not_run = True
        assert call(shop_over(bound_channel), "place", Order(1)) == [Order(1)]
        bound_channel.close()
    assert (len(gateway.requests), len(good.requests)) == (1, 1)


@channels
@calls
@pytest.mark.parametrize("last", ["refused", "not there"])
def test_an_error_reports_that_an_earlier_attempt_may_have_run(
    channel: type[HTTPXChannel], call: Call, last: str
) -> None:
    with serving(Received.reset) as lost, serving(REFUSED) as refuses:
        bound_channel = bound(channel(), lost.url, refuses.url if last == "refused" else unused_url())
        bound_channel.policy = Policy(max_attempts=2)
        with pytest.raises(ServiceException) as caught:
            call(shop_over(bound_channel), "find", 1)
        bound_channel.close()
    assert caught.value.may_have_run
    assert caught.value.__notes__ == ["an earlier attempt of this call may have run"]


REFUSED = refuse(404, WireError(type="Unknown", code=ErrorCode.NOT_FOUND))


@pytest.mark.parametrize(
    ("channel", "script", "number", "error"),
    [(channel, dispatch, -1, OrderNotFound) for channel in CHANNELS]
    + [(channel, dispatch, 0, RemoteServiceException) for channel in CHANNELS]
    + [(channel, REFUSED, 1, RemoteServiceException) for channel in ALL_CHANNELS],
)
@calls
def test_an_error_that_is_the_answer_is_counted_as_one_and_no_reason_to_ask_another(
    channel: type[HTTPXChannel], script: Script, number: int, error: type[Exception], call: Call
) -> None:
    events: list[CallEvent] = []
    with serving(script) as asked, serving(dispatch) as other:
        bound_channel = bound(channel(), asked.url, other.url)
        bound_channel.balancer.observers = [events.append]
        with pytest.raises(error):
            call(shop_over(bound_channel), "find", number)
        bound_channel.close()
    assert [event.kind for event in events] == [CallEventKind.ANSWERED]
    assert (len(asked.requests), len(other.requests)) == (1, 0)


@calls
def test_the_last_failure_is_raised_when_all_have_failed(call: Call) -> None:
    with serving(Received.reset) as reset, serving(web_page) as page:
        channel = bound(CHANNELS[0](), reset.url, page.url)
        channel.policy = Policy(max_attempts=2)
        with pytest.raises(ProtocolException, match=page.url):
            call(shop_over(channel), "find", 1)
        channel.close()


@calls
def test_every_attempt_has_the_same_correlation_id_and_less_time(call: Call) -> None:
    with serving(UNAVAILABLE) as first, serving(dispatch) as second:
        channel = bound(CHANNELS[0](), first.url, second.url)
        call(shop_over(channel), "place", Order(1))
        channel.close()
    one, other = first.requests[0].headers, second.requests[0].headers
    assert one["x-correlation-id"] == other["x-correlation-id"]
    assert int(one["x-deadline-ms"]) >= int(other["x-deadline-ms"])


@calls
def test_calls_are_counted_out_however_they_end(call: Call) -> None:
    with serving(Received.reset) as bad, serving(dispatch) as good:
        channel = bound(CHANNELS[0](), bad.url, good.url)
        call(shop_over(channel), "find", 1)
        with pytest.raises(ServiceCommunicationException):
            call(shop_over(channel), "place", Order(1))
        channel.close()
    assert [endpoint.in_flight for endpoint in channel.balancer.endpoints] == [0, 0]


@calls
def test_a_call_that_is_interrupted_when_it_was_answered_is_counted_out(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(BaseException):
        """Comes from the handler of a signal, like KeyboardInterrupt, at any place."""

    def interrupted(_: Attempts, __: object) -> None:
        raise Interrupted

    with serving(dispatch) as server:
        channel = bound(CHANNELS[0](), server.url)
        with monkeypatch.context() as patch:
            patch.setattr(Attempts, "answered", interrupted)
            with pytest.raises(Interrupted):
                call(shop_over(channel), "find", 1)
        channel.close()
    assert [endpoint.in_flight for endpoint in channel.balancer.endpoints] == [0]
