"""The watch against agents that answer malformed_answer, refuse, forget or say nothing."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from stub_agent import Ask, Cut, Script, StubAgent, answer, instance, of_a_failed_agent, serving, wait_for

from service_core.testing import SnapshotRecorder
from service_registry_consul import ConsulComponentRegistry
from service_registry_consul.watching import instance_probe

PATIENCE = 20.0
ONE, TWO = "http://127.0.0.1:7001", "http://127.0.0.1:7002"


def blocking(agent: Callable[[], StubAgent], nodes: Any, *, index: int = 5) -> Script:
    """A script that answers at once what is new to the asker, and else nothing until the end."""

    def script(ask: Ask) -> bytes | None:
        if ask.index == index:
            agent().closing.wait(PATIENCE)
            return None
        return answer(nodes, index=str(index))

    return script


def urls(registry: ConsulComponentRegistry, component: str = "c") -> list[str]:
    return [url for found in (registry.snapshot(component) or {}).values() for url in found.urls]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (answer("Too many connections", status=429), "answered 429 (Too many connections); too many connections"),
        (answer("No cluster leader", status=500), "answered 500 (No cluster leader); it is retried"),
        (answer("Permission denied", status=403), "answered 403 (Permission denied); check setting 'token'"),
        (answer("gone", status=404), "answered 404 (gone); check setting 'url'"),
        (answer("<html>", status=200), "is not from Consul (JSONDecodeError"),
        (answer({"a": 1}), "is not from Consul (a list of instances was expected, not dict"),
        (answer([], index=None), "is not from Consul (no X-Consul-Index"),
        (answer([], index="abc"), "is not from Consul (X-Consul-Index 'abc'"),
        (b"\x16\x03\x01garbage\r\n\r\n", "is not from Consul (ValueError: no HTTP status line"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", "is not from Consul (ValueError"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "(ValueError: an answer of 99999999999 bytes"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "is not from Consul (ValueError"),
        (b"x" * 100_000, "is not from Consul (LimitOverrunError"),
        (Cut(answer([])[:-1]), "it closed the connection"),
        (None, "it closed the connection"),
        (answer([], X_Consul_Results_Filtered_By_ACLs="true"), "answered 403 (there are results, but none that"),
    ],
)
def test_a_bad_answer_keeps_what_was_known(reply: bytes | None, message: str) -> None:
    with serving(lambda _: answer([instance(ONE)])) as agent, ConsulComponentRegistry(0, agent.url) as registry:
        registry.wait_for("c", PATIENCE)
        agent.script = lambda _: reply
        wait_for(lambda: message in (registry.status().last_error or ""))
        wait_for(lambda: (registry.status().stale, registry.status().connected) == (("c",), False))
        assert urls(registry) == [ONE]
        agent.script = blocking(lambda: agent, [instance(TWO)])
        wait_for(lambda: urls(registry) == [TWO])
        wait_for(lambda: (registry.status().stale, registry.status().connected) == ((), True))


def test_an_agent_that_fails_is_queried_with_backoff() -> None:
    with serving(lambda _: None) as agent, ConsulComponentRegistry(0, agent.url) as registry:
        registry.snapshot("c")
        moments = []
        for count in range(1, 6):
            agent.wait_for_asks(count)
            moments.append(time.monotonic())
        assert moments[4] - moments[3] > moments[1] - moments[0]
        assert len(agent.asked) <= 6


@pytest.mark.parametrize("index", ["0", "1", "7"])
def test_an_agent_that_never_blocks_is_queried_at_a_limited_rate(index: str) -> None:
    with (
        serving(lambda _: answer([instance(ONE)], index=index)) as agent,
        ConsulComponentRegistry(0, agent.url) as registry,
    ):
        begin = time.monotonic()
        registry.wait_for("c", PATIENCE)
        agent.wait_for_asks(5)
        assert len(agent.asked) <= 2 + 1 + (time.monotonic() - begin) / 0.5 + 1
        assert registry.status().connected
        assert [ask.index for ask in agent.asked][:3] == [0, max(1, int(index)), max(1, int(index))]


def test_an_answer_without_change_is_no_change() -> None:
    listener = SnapshotRecorder()
    index = iter(range(1, 100))
    with (
        serving(lambda _: answer([instance(ONE)], index=str(next(index)))) as agent,
        ConsulComponentRegistry(0, agent.url) as registry,
    ):
        registry.subscribe("c", listener)
        agent.wait_for_asks(4)
        assert len(listener.snapshots) == 1


def test_an_index_that_goes_backwards_starts_over() -> None:
    with serving(lambda _: None) as agent, ConsulComponentRegistry(0, agent.url) as registry:

        def script(ask: Ask) -> bytes | None:
            count = len(agent.asked)
            if count < 3:
                return answer([instance(ONE)], index="50" if count == 1 else "3")
            agent.closing.wait(PATIENCE)
            return None

        agent.script = script
        registry.snapshot("c")
        agent.wait_for_asks(3)
        assert [ask.index for ask in agent.asked[:3]] == [0, 50, 0]


def emptied(agent: StubAgent, url: str) -> Callable[[Ask], bytes | None]:
    """A script that lists one instance, and none at the second request."""
    return changed(agent, [instance(url)], [])


def changed(agent: StubAgent, first: list[Any], then: list[Any]) -> Callable[[Ask], bytes | None]:
    """A script that answers with one list, and with another one at the second request."""

    def script(ask: Ask) -> bytes | None:
        if ask.index == 0:
            return answer(first, index="5")
        if ask.index == 5:
            return answer(then, index="6")
        agent.closing.wait(PATIENCE)
        return None

    return script


def test_an_empty_answer_counts_at_once_if_no_instance_answers() -> None:
    listener = SnapshotRecorder()
    with serving(lambda _: None) as agent:
        agent.script = emptied(agent, ONE)
        with ConsulComponentRegistry(0, agent.url) as registry:
            registry.subscribe("c", listener)
            listener.wait_until(lambda snapshot: not snapshot, PATIENCE)
            assert registry.status().stale == ()


def test_instances_that_answer_are_kept_after_an_empty_answer_until_they_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener = SnapshotRecorder()
    with serving(lambda _: answer("", status=200)) as server, serving(lambda _: None) as agent:
        agent.script = emptied(agent, server.url)
        with ConsulComponentRegistry(0, agent.url) as registry:
            registry.subscribe("c", listener)
            wait_for(
                lambda: (
                    "Consul reports no healthy instance of component 'c' any more, but 1 still answer" in caplog.text
                )
            )
            assert urls(registry) == [server.url]
            assert registry.status().stale == ("c",)
            server.script = lambda _: answer("", status=503)  # it says that it stops
            listener.wait_until(lambda snapshot: not snapshot, PATIENCE)
            assert {ask.path for ask in server.asked} == {"/health/ready"}


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A listener that accepts connections and answers nothing, as a process does that is stopped or too busy."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def url_of(listener: socket.socket) -> str:
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_an_instance_that_is_too_busy_to_answer_is_kept_after_an_empty_answer_until_it_refuses(
    silent: socket.socket, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_probe, "PROBE_TIMEOUT", 0.5)
    listener = SnapshotRecorder()
    with serving(lambda _: None) as agent:
        agent.script = emptied(agent, url_of(silent))
        with ConsulComponentRegistry(0, agent.url) as registry:
            registry.subscribe("c", listener)
            wait_for(lambda: "any more, but 0 still answer and 1 did not answer in time" in caplog.text)
            assert urls(registry) == [url_of(silent)]
            silent.close()
            listener.wait_until(lambda snapshot: not snapshot, PATIENCE)


def test_after_an_empty_answer_an_instance_without_an_answer_is_used_only_if_no_other_one_answers(
    silent: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_probe, "PROBE_TIMEOUT", 0.5)
    with serving(lambda _: answer("", status=200)) as server, serving(lambda _: None) as agent:
        found = [instance(server.url, service_id="one"), instance(url_of(silent), service_id="two")]
        agent.script = changed(agent, found, [])
        with ConsulComponentRegistry(0, agent.url) as registry:
            wait_for(lambda: urls(registry) == [server.url])
            server.script = lambda _: answer("", status=503)
            wait_for(lambda: urls(registry) == [url_of(silent)])


def test_instances_are_kept_for_a_limited_time_after_an_empty_answer() -> None:
    listener = SnapshotRecorder()
    with serving(lambda _: answer("")) as server, serving(lambda _: None) as agent:
        agent.script = emptied(agent, server.url)
        with ConsulComponentRegistry(0, agent.url, doubt_for=0.5) as registry:
            registry.subscribe("c", listener)
            listener.wait_until(lambda snapshot: not snapshot, PATIENCE)
            assert registry.status().stale == ()


def test_instances_that_answer_are_kept_after_the_agent_of_their_node_has_failed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    listener = SnapshotRecorder()
    with serving(lambda _: answer("", status=200)) as server, serving(lambda _: None) as agent:
        found = [instance(server.url, service_id="one"), instance(ONE, service_id="two")]
        failed = [of_a_failed_agent(found[0]), instance(ONE, service_id="two", status="critical")]
        agent.script = changed(agent, found, failed)
        with ConsulComponentRegistry(0, agent.url) as registry:
            registry.subscribe("c", listener)
            wait_for(lambda: "Consul reports no healthy instance of component 'c' any more, but 1" in caplog.text)
            assert urls(registry) == [server.url]  # the other one is ill by its own check
            server.script = lambda _: answer("", status=503)
            listener.wait_until(lambda snapshot: not snapshot, PATIENCE)


def test_an_instance_that_is_no_longer_listed_is_kept_while_it_answers_and_the_listed_ones_are_unhealthy() -> None:
    """An agent that has lost its state lists those first that have registered again."""
    with serving(lambda _: answer("", status=200)) as server, serving(lambda _: None) as agent:
        found = [instance(server.url, service_id="one"), instance(ONE, service_id="two")]
        agent.script = changed(agent, found, [instance(ONE, service_id="two", status="critical")])
        with ConsulComponentRegistry(0, agent.url) as registry:
            wait_for(lambda: urls(registry) == [server.url])
            wait_for(lambda: len(server.asked) > 1)
            assert urls(registry) == [server.url]


def test_after_a_failure_of_the_agent_an_instance_that_it_does_not_list_yet_is_used_when_the_listed_ones_leave() -> (
    None
):
    """Servers register one after the other with an agent that has lost its state."""
    with serving(lambda _: answer("", status=200)) as server, serving(lambda _: None) as agent:
        found = [instance(server.url, service_id="one"), instance(ONE, service_id="two")]
        answers = iter([answer(found), None, answer(found[1:]), answer([])])
        leave = threading.Event()

        def script(_: Ask) -> bytes | None:
            if len(agent.asked) == 4:
                leave.wait(PATIENCE)
            reply = next(answers, b"")
            if reply == b"":
                agent.closing.wait(PATIENCE)
            return reply

        agent.script = script
        listener = SnapshotRecorder()
        with ConsulComponentRegistry(0, agent.url) as registry:
            registry.subscribe("c", listener)
            agent.wait_for_asks(4)
            wait_for(lambda: urls(registry) == [ONE])
            leave.set()
            wait_for(lambda: urls(registry) == [server.url])
            assert all(listener.snapshots)


def test_a_list_that_only_became_shorter_counts_at_once() -> None:
    with serving(lambda _: answer("")) as server, serving(lambda _: None) as agent:
        both = [instance(server.url, service_id="one"), instance(ONE, service_id="two")]

        def script(ask: Ask) -> bytes | None:
            if ask.index == 0:
                return answer(both, index="5")
            if ask.index == 5:
                return answer(both[:1], index="6")
            agent.closing.wait(PATIENCE)
            return None

        agent.script = script
        with ConsulComponentRegistry(0, agent.url) as registry:
            wait_for(lambda: urls(registry) == [server.url])
            assert registry.status().stale == ()


def test_silence_ends_a_query_after_its_longest_wait() -> None:
    with serving(lambda _: None) as agent:
        agent.script = lambda ask: answer([instance(ONE)]) if ask.index == 0 else _log_interval(agent)
        with ConsulComponentRegistry(0, agent.url, wait=1) as registry:
            registry.wait_for("c", PATIENCE)
            wait_for(lambda: registry.status().last_error)
            assert registry.status().last_error is not None
            assert "no answer within 6.0625 s" in str(registry.status().last_error)
            agent.wait_for_asks(3)
            assert agent.asked[2].index == 0


def _log_interval(agent: StubAgent) -> None:
    agent.closing.wait(PATIENCE)


def test_a_query_has_datacenter_wait_and_token() -> None:
    with (
        serving(lambda _: answer([])) as agent,
        ConsulComponentRegistry(0, agent.url, datacenter="dc 2", token="s3cret", wait=30) as registry,
    ):
        registry.wait_until_known("a b/c", PATIENCE)
        ask = agent.asked[0]
        assert (ask.method, ask.path) == ("GET", "/v1/health/service/a b/c")
        assert ask.query == {"dc": "dc 2", "index": "0", "wait": "30s"}
        assert ask.headers["x-consul-token"] == "s3cret"
        assert ask.headers["host"] == agent.url.removeprefix("http://")


@pytest.mark.parametrize(
    "content",
    [
        b"Transfer-Encoding: chunked\r\n\r\n3;x=y\r\n[{}\r\n1\r\n]\r\n0\r\nTrailer: x\r\n\r\n",
        b"Connection: close\r\nContent-Length: 4\r\n\r\n[{}]",
        Cut(b"Connection: close\r\n\r\n[{}]"),
    ],
)
def test_all_ways_to_delimit_a_body_are_understood(content: bytes, caplog: pytest.LogCaptureFixture) -> None:
    reply = type(content)(b"HTTP/1.1 200 OK\r\nX-Consul-Index: 1\r\n" + content)
    with serving(lambda _: reply) as agent, ConsulComponentRegistry(0, agent.url) as registry:
        assert registry.wait_until_known("c", PATIENCE) == {}
        agent.wait_for_asks(3)
        assert registry.status().connected
    assert "registration '{}' is skipped" in caplog.text


def test_a_lasting_failure_is_logged_once_and_so_is_its_end(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "service.registry.consul")
    with serving(lambda _: answer("no", status=500)) as agent, ConsulComponentRegistry(0, agent.url) as registry:
        for number in range(20):
            registry.snapshot(f"c{number}")
        agent.wait_for_asks(40)
        agent.script = lambda _: answer([])
        wait_for(lambda: registry.status().connected)
    assert [record.getMessage() for record in caplog.records] == [
        f"Consul at {agent.url} answered 500 (no); it is retried",
        "Consul answers again",
    ]


def test_components_beyond_the_limit_share_three_connections() -> None:
    opened: set[str] = set()
    with (
        serving(lambda ask: answer([] if "services" not in ask.path else {})) as agent,
        ConsulComponentRegistry(0, agent.url, max_queries=2) as registry,
    ):
        for number in range(10):
            registry.snapshot(f"c{number}")
        for number in range(10):
            assert registry.wait_until_known(f"c{number}", PATIENCE) == {}
        agent.wait_for_asks(14)
        opened = {ask.path for ask in agent.asked if "wait" in ask.query}
    assert opened == {
        "/v1/health/service/c0",
        "/v1/health/service/c1",
        "/v1/health/state/any",
        "/v1/catalog/services",
    }


def test_a_component_with_an_odd_name_does_not_spoil_the_question_about_the_others() -> None:
    with (
        serving(lambda ask: answer([] if "services" not in ask.path else {})) as agent,
        ConsulComponentRegistry(0, agent.url, max_queries=1) as registry,
    ):
        for name in ("first", 'a"b', "plain"):
            assert registry.wait_until_known(name, PATIENCE) == {}
        wait_for(lambda: any("plain" in ask.query.get("filter", "") for ask in agent.asked))
        filters = {ask.query["filter"] for ask in agent.asked if "filter" in ask.query}
        assert all('a"b' not in text for text in filters)
        assert 'ServiceName == "" or ServiceName matches "^(plain)$"' in filters


def test_a_shared_watch_keeps_what_was_known_while_its_questions_fail() -> None:
    known = True

    def script(ask: Ask) -> bytes | None:
        if not known:
            return answer("no", status=500)
        if "services" in ask.path:
            return answer({})
        return answer([instance(ONE)] if "/service/" in ask.path else [])

    with (
        serving(script) as agent,
        ConsulComponentRegistry(0, agent.url, max_queries=1) as registry,
    ):
        for name in ("a", "b"):
            registry.wait_for(name, PATIENCE)
        known = False
        wait_for(lambda: set(registry.status().stale) == {"a", "b"})
        assert urls(registry, "b") == [ONE]
        known = True
        wait_for(lambda: registry.status().connected and not registry.status().stale)


def test_a_component_that_came_while_the_question_was_under_way_is_looked_at_with_its_answer() -> None:
    nodes: list[Any] = []
    changed = threading.Event()

    def script(ask: Ask) -> bytes | None:
        if "/health/service/" in ask.path:
            return answer(nodes if ask.path.endswith("/late") else [], index="5")
        if ask.index == 0:
            return answer([] if "state" in ask.path else {}, index="5")
        (changed if "state" in ask.path else agent.closing).wait(3 * PATIENCE)
        return answer([], index="6")

    with serving(script) as agent, ConsulComponentRegistry(0, agent.url, max_queries=1) as registry:
        for component in ("first", "early"):
            registry.wait_until_known(component, PATIENCE)
        wait_for(lambda: any(ask.path.endswith("/any") and ask.index == 5 for ask in list(agent.asked)))
        assert registry.wait_until_known("late", PATIENCE) == {}
        nodes.append(instance(ONE))
        changed.set()
        registry.wait_for("late", PATIENCE)
        [question] = [ask for ask in agent.asked if ask.path.endswith("/any") and ask.index == 5]
        assert "late" not in question.query["filter"]
