"""Where in a path the arguments stand, and that they stay there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service_core.errors import DeclarationException
from service_core.rest.template import PathTemplate

LITERALS = st.text("ab.-~", max_size=3).filter(lambda text: text not in (".", ".."))
VALUES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


def template(text: str) -> PathTemplate:
    return PathTemplate(text, "Library.describe")


@st.composite
def templates(draw: st.DrawFn) -> PathTemplate:
    parts = []
    for number in range(draw(st.integers(1, 3))):
        literal = draw(LITERALS)
        parts.append(f"{literal}{{p{number}}}{draw(LITERALS)}" if draw(st.booleans()) else literal or "x")
    return template("/" + "/".join(parts))


@given(path=templates(), data=st.data())
def test_a_path_gives_back_exactly_what_was_put_into_it(path: PathTemplate, data: st.DataObject) -> None:
    values = {name: data.draw(VALUES) for name in path.names}
    try:
        expanded = path.expand(values)
    except ValueError:
        assert any(value in (".", "..") or value.strip(".") == "" for value in values.values())
    else:
        assert path.match(expanded) == values
        assert expanded.count("/") == path.text.count("/")
        assert not set(expanded) & set("?#\\ \n")


@given(one=templates(), other=templates(), data=st.data())
def test_templates_that_do_not_meet_have_no_path_in_common(
    one: PathTemplate, other: PathTemplate, data: st.DataObject
) -> None:
    values = {name: data.draw(st.text("ab.", min_size=1)) for name in one.names}
    try:
        path = one.expand(values)
    except ValueError:
        return
    if other.match(path) is not None:
        assert one.meets(other)
        assert other.meets(one)


@pytest.mark.parametrize(
    ("value", "segment"),
    [
        ("a/b", "a%2Fb"),
        ("%2F", "%252F"),
        ("?x#y", "%3Fx%23y"),
        ("über uns", "%C3%BCber%20uns"),
        ("a;b=c&d+e:@", "a%3Bb%3Dc%26d%2Be%3A%40"),
        ("...", "..."),
    ],
)
def test_a_value_is_percent_encoded(value: str, segment: str) -> None:
    assert template("/documents/{name}").expand({"name": value}) == f"/documents/{segment}"


@pytest.mark.parametrize(
    ("text", "value", "reason"),
    [
        ("/documents/{name}", "", "'name' is empty, which a path cannot hold"),
        ("/documents/{name}.json", "", "'name' is empty, which a path cannot hold"),
        ("/documents/{name}", ".", "'name' is '.', which in a path means another place"),
        ("/documents/{name}/pages", "..", "'name' is '..', which in a path means another place"),
        ("/documents/.{name}", ".", "'name' is '..', which in a path means another place"),
    ],
)
def test_a_value_that_would_change_the_path_is_refused(text: str, value: str, reason: str) -> None:
    with pytest.raises(ValueError) as error:
        template(text).expand({"name": value})
    assert str(error.value) == reason


@pytest.mark.parametrize(
    "path",
    [
        "/documents",
        "/documents/",
        "/documents/a/b",
        "/Documents/a",
        "/documents/a/",
        "documents/a",
        "",
        "/documents/%FF",
    ],
)
def test_a_path_of_another_form_does_not_match(path: str) -> None:
    assert template("/documents/{name}").match(path) is None


def test_text_around_a_parameter_is_not_part_of_the_value() -> None:
    path = template("/documents/v{version}.json")
    assert path.match("/documents/v1.2.json") == {"version": "1.2"}
    assert path.match("/documents/v.json") is None
    assert path.match("/documents/1.json") is None


def test_a_slash_at_the_end_belongs_to_the_path() -> None:
    assert template("/documents/").match("/documents/") == {}
    assert template("/documents/").match("/documents") is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("/a/{x}-{y}", "'{x}-{y}' is not text around one '{name}'; give each parameter a segment"),
        ("/a/{x", "'{x' is not text around one '{name}'; give each parameter a segment"),
        ("/a/{x:path}", "'{x:path}' is not the name of a parameter; write '{name}', the type is that of the parameter"),
        ("/a/{}", "'{}' is not the name of a parameter; write '{name}', the type is that of the parameter"),
        ("/a?x=1", "'a?x=1' has characters that a path cannot hold; query parameters are parameters of the method, "),
        ("/a b", "'a b' has characters that a path cannot hold"),
        ("/ü", "'ü' has characters that a path cannot hold"),
        ("/a//b", "has two slashes in a row; write one"),
        ("/a/../b", "'..' means another place; write the whole path"),
        ("/a/{x}/{x}", "names 'x' twice; a parameter has one place"),
    ],
)
def test_a_template_that_cannot_be_right_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DeclarationException) as error:
        template(text)
    assert str(error.value).startswith(f"Library.describe: path '{text}'")
    assert reason in str(error.value)


def test_more_exact_templates_come_first() -> None:
    texts = ["/{a}/b", "/a/{b}", "/a/x{b}", "/a/b"]
    assert [path.text for path in sorted(map(template, texts), key=lambda path: path.order)] == [
        "/a/b",
        "/a/x{b}",
        "/a/{b}",
        "/{a}/b",
    ]


def test_the_names_of_parameters_make_no_difference() -> None:
    assert template("/a/{b}").is_same(template("/a/{c}"))
    assert not template("/a/{b}").is_same(template("/a/{b}.json"))
