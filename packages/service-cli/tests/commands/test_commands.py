"""Each command against a real server, as a script would see it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Command

UNREACHABLE = "http://127.0.0.1:1"


# list


def test_list_shows_instances_with_health_and_version(service: Command, url: str) -> None:
    outcome = service("list", url, "--json")

    assert outcome.code == 0
    (found,) = outcome.json
    assert (found["component"], found["url"], found["health"]) == ("shop-component", url, "ok")
    assert found["channels"] == ["dispatch-json", "dispatch-msgpack", "rest"]
    assert len(found["digest"]) == 16


def test_list_in_a_pipe_is_a_table_without_colours_and_cuts_nothing(service: Command, url: str) -> None:
    lines = service("list", url).output.splitlines()

    assert "\x1b" not in "".join(lines)
    assert "dispatch-json, dispatch-msgpack, rest" in lines[3]
    assert max(map(len, lines)) < 200


def test_list_reads_addresses_from_a_file(service: Command, url: str, tmp_path: Path) -> None:
    file = tmp_path / "addresses.json"
    file.write_text(json.dumps({"shop-component": {"rest": [url, UNREACHABLE]}}))

    outcome = service("list", "--file", str(file), "--json")

    assert [(one["url"], one["health"]) for one in outcome.json] == [(url, "ok"), (UNREACHABLE, "unreachable")]
    assert outcome.code == 1


def test_list_ends_with_3_if_nothing_is_reachable(service: Command) -> None:
    outcome = service("list", UNREACHABLE)

    assert outcome.code == 3
    assert outcome.error.splitlines()[1] == "remedy: check host and port, and that the server runs"


@pytest.mark.parametrize(
    "words", [[], [UNREACHABLE, "--file", "a.json"], ["--consul", UNREACHABLE, "--file", "a.json"]]
)
def test_list_needs_exactly_one_source(service: Command, words: list[str]) -> None:
    outcome = service("list", *words)

    assert outcome.code == 2
    assert "use one of them" in outcome.error


# describe


def test_describe_writes_signatures_as_python_does(service: Command, url: str) -> None:
    output = service("describe", url).output

    assert "class OrderService(Service):  # order-service" in output
    assert '    @get("/orders/{number}")\n    @raises(OrderNotFound)\n    def find(' in output
    assert "    async def place(self, order: Order) -> int:" in output


def test_describe_shows_the_schemas_of_one_method(service: Command, url: str) -> None:
    output = service("describe", url, "find").output

    assert '"""The order with that number."""' in output
    assert "error OrderNotFound (not_found)" in output


@pytest.mark.parametrize("target", ["order_shop:ShopComponent", "order_shop:OrderService"])
def test_describe_reads_code_without_a_server(service: Command, target: str) -> None:
    document = service("describe", target, "--json").json

    assert [one["name"] for one in document["components"]] == ["shop-component"]


def test_code_and_server_have_the_same_digest(service: Command, url: str) -> None:
    code, server = (service("describe", one, "--json").json for one in ("order_shop:ShopComponent", url))

    assert code["components"][0]["digest"] == server["components"][0]["digest"]


@pytest.mark.parametrize(
    "target", ["nothing", "missing.module:Thing", "order_shop:Missing", "order_shop:Order", "ftp://a"]
)
def test_what_is_no_target_is_wrong_usage(service: Command, target: str) -> None:
    assert service("describe", target).code == 2


# call

CHANNELS = pytest.mark.parametrize("channel", ["dispatch-json", "dispatch-msgpack", "rest"])


@CHANNELS
def test_call_returns_the_result_over_every_channel(service: Command, url: str, channel: str) -> None:
    outcome = service("call", url, "order-service.find", "number=7", "language=de", "--channel", channel, "--json")

    assert (outcome.code, outcome.json) == (0, {"number": 7, "title": "order 7 (de)"})


@CHANNELS
def test_call_sends_models_and_async_methods_over_every_channel(service: Command, url: str, channel: str) -> None:
    outcome = service("call", url, "place", 'order={"number": 5, "title": "a"}', "--channel", channel, "--json")

    assert (outcome.code, outcome.json) == (0, 5)


def test_call_leaves_defaults_to_the_server(service: Command, url: str) -> None:
    assert service("call", url, "find", "number=7", "--json").json["title"] == "order 7 (en)"


def test_call_shows_a_tree_to_people(service: Command, url: str) -> None:
    assert service("call", url, "find", "number=7").output.splitlines() == ["number  7", "title  order 7 (en)"]


def test_call_reads_arguments_from_standard_input(service: Command, url: str) -> None:
    assert service("call", url, "find", "-", "--json", input='{"number": 7}').json["number"] == 7


def test_bytes_are_typed_as_base64(service: Command, url: str) -> None:
    assert service("call", url, "store", "data=_w==", "--json").json == 1


def test_bytes_over_msgpack_are_refused_with_another_channel(service: Command, url: str) -> None:
    outcome = service("call", url, "store", "data=_w==", "--channel", "dispatch-msgpack")

    assert outcome.code == 2
    assert "call it over dispatch-json or rest" in outcome.error


def test_a_declared_error_is_shown_with_its_fields(service: Command, url: str) -> None:
    outcome = service("call", url, "find", "number=13")

    assert outcome.code == 1
    assert outcome.error.startswith('error: OrderNotFound (not_found) {"number":13}')


def test_another_error_has_its_correlation_id_in_json(service: Command, url: str) -> None:
    outcome = service("call", url, "fail", "--json")

    error: Any = outcome.json["error"]
    assert (outcome.code, error["type"], error["code"]) == (1, "ValueError", "internal")
    assert len(error["correlation_id"]) == 32
    assert "secret" not in outcome.output + outcome.error


def test_a_wrong_argument_is_refused_before_it_is_sent(service: Command, url: str) -> None:
    outcome = service("call", url, "find", "number=x")

    assert outcome.code == 2
    assert outcome.error.splitlines()[0] == "error: number: must be of type integer, not string"


def test_an_unknown_method_is_refused_with_similar_ones(service: Command, url: str) -> None:
    outcome = service("call", url, "order-service.fnid")

    assert outcome.code == 2
    assert "similar: order-service.find" in outcome.error


def test_an_unknown_channel_is_refused_with_the_offered_ones(service: Command, url: str) -> None:
    outcome = service("call", url, "store", "data=", "--channel", "rest")

    assert outcome.code == 2
    assert "but over dispatch-json, dispatch-msgpack" in outcome.error


def test_a_component_of_a_file_is_called_by_its_name(service: Command, url: str, tmp_path: Path) -> None:
    file = tmp_path / "addresses.json"
    file.write_text(json.dumps({"shop-component": {"rest": url}}))

    found = service("call", "shop-component", "find", "number=7", "--file", str(file), "--json")
    missing = service("call", "shop", "find", "number=7", "--file", str(file))

    assert found.json["number"] == 7
    assert (missing.code, "there are shop-component" in missing.error) == (3, True)


# watch, bench, diff


def test_watch_in_a_pipe_writes_one_document_for_each_change(service: Command, url: str) -> None:
    outcome = service("watch", url, "--interval", "0.1", "--count", "3")

    assert outcome.code == 0
    assert [one["health"] for one in outcome.json] == ["ok"]


@pytest.mark.parametrize("load", [("--in-flight", "4"), ("--rate", "50")])
def test_bench_measures_calls(service: Command, url: str, load: tuple[str, str]) -> None:
    outcome = service("bench", url, "find", "number=7", "--for", "500ms", *load, "--json")

    figures = outcome.json
    assert (outcome.code, figures["failed"]) == (0, 0)
    assert figures["succeeded"] == sum(bucket["count"] for bucket in figures["histogram"]) > 0


def test_bench_shows_percentiles_and_plots(service: Command, url: str) -> None:
    output = service("bench", url, "find", "number=7", "--for", "300ms").output

    assert "order-service.find over dispatch-json, closed loop, 64 in flight" in output
    assert "p99.9" in output
    assert "calls/s" in output


def test_bench_of_failing_calls_ends_with_1(service: Command, url: str) -> None:
    outcome = service("bench", url, "find", "number=13", "--for", "200ms", "--json")

    assert (outcome.code, list(outcome.json["errors"])) == (1, ["RemoteServiceException"])


@pytest.mark.parametrize("duration", ["0", "soon", "-1s", "1h"])
def test_bench_refuses_what_is_no_time(service: Command, url: str, duration: str) -> None:
    assert service("bench", url, "find", "number=7", f"--for={duration}").code == 2


@pytest.fixture
def old_version(service: Command, tmp_path: Path) -> str:
    """A description in which one method has another name."""
    document = service("describe", "order_shop:ShopComponent", "--json").json
    document["components"][0]["services"][0]["methods"][0]["name"] = "look_up"
    (tmp_path / "old.json").write_text(json.dumps(document))
    return str(tmp_path / "old.json")


def test_diff_of_equal_versions_ends_with_0(service: Command, url: str) -> None:
    outcome = service("diff", "order_shop:ShopComponent", url)

    assert outcome.code == 0
    # A server requires what it offers; code offers nothing yet.
    assert "no change that a caller or a server can notice" in outcome.output


def test_diff_ends_with_1_if_callers_break(service: Command, url: str, old_version: str) -> None:
    outcome = service("diff", old_version, url, "--json")

    assert outcome.code == 1
    assert [(one["id"], one["breaks"]) for one in outcome.json] == [
        ("order-service.look_up:method-removed", True),
        ("order-service.find:method-added", False),
    ]


def test_diff_accepts_what_is_allowed(service: Command, url: str, old_version: str) -> None:
    outcome = service("diff", old_version, url, "--allow", "order-service.look_up:*")

    assert outcome.code == 0
    assert "2 changes, 0 of them break callers" in outcome.output


def test_diff_refuses_to_allow_what_has_not_changed(service: Command, url: str, old_version: str) -> None:
    outcome = service("diff", old_version, url, "--allow", "order-service.other:*")

    assert outcome.code == 2
    assert "matches no change" in outcome.error
