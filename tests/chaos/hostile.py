"""Arguments that once cost far more than their bytes, in any size: a beginning, a part that is repeated, an end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from tests.chaos.varied import call_of

MODULUS: Final = 2**61 - 1
"""CPython's hash of a whole number is its remainder by this prime."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Growing:
    """A request that can be made of any size."""

    form: str
    method: str
    part: Callable[[int], bytes]
    """What is repeated, given its number."""
    around: Callable[[int, bytes], bytes]
    """The argument, given how many parts there are, and these."""
    between: bytes = b""

    def request(self, size: int) -> bytes:
        """A request of about so many bytes."""
        count = max(1, size // (len(self.part(1000)) + len(self.between)))
        return call_of(self.form, self.method, self.around(count, self.between.join(map(self.part, range(count)))))


def json_list(method: str, part: Callable[[int], bytes] | bytes) -> Growing:
    """A list, or a map if the parts have keys."""
    made = part if callable(part) else lambda number: part
    is_map = b":" in made(1) and made(1).startswith(b'"')
    around = (lambda count, inner: b"{%s}" % inner) if is_map else (lambda count, inner: b"[%s]" % inner)
    return Growing(form="json", method=method, part=made, around=around, between=b",")


def msgpack_list(method: str, part: Callable[[int], bytes] | bytes, *, is_map: bool = False) -> Growing:
    """A list, or a map if the parts are keys and values."""
    first = b"\xdf" if is_map else b"\xdd"
    return Growing(
        form="msgpack",
        method=method,
        part=part if callable(part) else lambda number: part,
        around=lambda count, inner: first + count.to_bytes(4, "big") + inner,
    )


def _wrong_at_the_end(growing: Growing, wrong: bytes) -> Growing:
    """The same with a last part that is refused, so that all before it have been looked at."""

    def part(number: int) -> bytes:
        return growing.part(number)

    def around(count: int, inner: bytes) -> bytes:
        return growing.around(count + 1, growing.between.join((inner, wrong)))

    return Growing(form=growing.form, method=growing.method, part=part, around=around, between=growing.between)


def _named(parts: Growing) -> Growing:
    """The same as the list ``children`` of a node."""

    def around(count: int, inner: bytes) -> bytes:
        made = parts.around(count, inner)
        return b'{"children":%s}' % made if parts.form == "json" else b"\x81\xa8children" + made

    return Growing(form=parts.form, method="tree", part=parts.part, around=around, between=parts.between)


def _text(form: str, method: str, part: bytes) -> Growing:
    def around(count: int, inner: bytes) -> bytes:
        return b'"%s"' % inner if form == "json" else b"\xdb" + len(inner).to_bytes(4, "big") + inner

    return Growing(form=form, method=method, part=lambda number: part, around=around)


def _long_integer(number: int) -> bytes:
    digits = b"%d" % (number * MODULUS)
    return b"\xc7%c\x01%s" % (len(digits), digits)


def _uuid(number: int) -> bytes:
    digits = b"%032x" % (number * MODULUS)
    return b'"%s-%s-%s-%s-%s":0' % (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])


HARMLESS: Final[Mapping[str, Growing]] = {
    "json": json_list("anything", lambda number: b'{"name":"name %d","note":"%d"}' % (number, number)),
    "msgpack": msgpack_list("anything", lambda n: b"\x82\xa4name\xaaname %05x\xa4note\xa5%05x" % (n, n)),
}
"""What requests of the same size are compared with."""

HOSTILE: Final[Mapping[str, Growing]] = {
    "msgpack: extension keys with one hash": msgpack_list("text", lambda n: _long_integer(n) + b"\x01", is_map=True),
    "msgpack: extension items with one hash": msgpack_list("integers", _long_integer),
    "msgpack: integer keys with few hashes": msgpack_list(
        "anything", lambda n: b"\xcf" + (n * MODULUS % 2**64).to_bytes(8, "big") + b"\x01", is_map=True
    ),
    "msgpack: empty maps for a text": msgpack_list("text", b"\x80"),
    "msgpack: empty maps for models": msgpack_list("items", b"\x80"),
    "msgpack: numbers for models": msgpack_list("items", b"\x00"),
    "msgpack: numbers in a map of models": msgpack_list("mapping", lambda n: b"\xa5%05x\x00" % n, is_map=True),
    "msgpack: maps of one pair": msgpack_list("anything", b"\x81\xc0\xc0"),
    "msgpack: fields that are forbidden": msgpack_list("closed", lambda n: b"\xa5%05x\x00" % n, is_map=True),
    "msgpack: one key again and again": msgpack_list("mapping", b"\xa1a\x81\xa4name\xa0", is_map=True),
    "msgpack: a tree of many children": Growing(
        form="msgpack",
        method="tree",
        part=lambda n: b"\x80",
        around=lambda count, inner: b"\x81\xa8children\xdd" + count.to_bytes(4, "big") + inner,
    ),
    "msgpack: items nested deeply": msgpack_list("items", b"\x91" * 7 + b"\xc0"),
    "json: items nested deeply": json_list("items", b"[[[[[[[0]]]]]]]"),
    "json: brackets that are not balanced": Growing(
        form="json",
        method="items",
        part=lambda n: b"][" + b"[" * 38 + b"]" * 38 + b"},",
        around=lambda count, inner: b"{%s}" % inner,
    ),
    "json: backslashes outside of strings": Growing(
        form="json", method="tree", part=lambda n: b"[{}\\,,,{}][{}][{}]", around=lambda count, inner: b"[%s]" % inner
    ),
    "json: keys with one hash": json_list("numbered", lambda n: b'"%d":0' % (n * MODULUS)),
    "json: UUIDs with one hash": json_list("identified", _uuid),
    "json: integers with one hash": json_list("integers", lambda n: b"%d" % (n * MODULUS)),
    "json: decimals with one hash": json_list("decimals", lambda n: b'"%d"' % (n * MODULUS)),
    "json: numbers for models": json_list("items", b"0"),
    "json: numbers in a map of models": json_list("mapping", lambda n: b'"%x":0' % n),
    "json: empty lists for a text": json_list("text", b"[]"),
    "json: lists of one for anything": json_list("anything", b"[0]"),
    "json: what no member of a union takes": json_list("choices", b'{"x":0}'),
    "json: tags that are unknown": json_list("tagged", b'{"kind":"cow"}'),
    "json: fields that are forbidden": json_list("closed", lambda n: b'"%x":0' % n),
    "json: one key again and again": json_list("mapping", b'"a":{"name":""}'),
    "json: strings and brackets that do not end": json_list(
        "numbered", b"\\[{[{}]}]" + b"9" * 15 + b'"children":[]' * 3 + b"9" * 100
    ),
    "json: a number of many digits": Growing(
        form="json", method="anything", part=lambda n: b"7", around=lambda count, inner: inner
    ),
    "json: decimals of many digits": json_list("choices", b'"' + b"7" * 4000 + b'"'),
    "json: a decimal of many digits": Growing(
        form="json", method="number", part=lambda n: b"7", around=lambda count, inner: b'0,"%s","",""' % inner
    ),
    "json: a text that a pattern refuses": Growing(
        form="json", method="code", part=lambda n: b"a", around=lambda count, inner: b'"%s!"' % inner
    ),
    "json: escaped characters": _text("json", "text", b"\\u00e4"),
    "json: commas in a text": _text("json", "text", b",[{"),
    "json: a string that does not end": Growing(
        form="json", method="text", part=lambda n: b'\\"', around=lambda count, inner: b'"' + inner
    ),
    "json: beginnings of lists": Growing(form="json", method="anything", part=lambda n: b"[", around=lambda c, i: i),
    "json: more arguments than parameters": Growing(
        form="json", method="items", part=lambda n: b"[{}]", around=lambda count, inner: inner, between=b","
    ),
    "json: models, the last one wrong": _wrong_at_the_end(json_list("items", b'{"name":""}'), b"{}"),
    "json: a map of models, the last one wrong": _wrong_at_the_end(
        json_list("mapping", lambda n: b'"%x":{"name":""}' % n), b'"":{}'
    ),
    "json: a tree of nodes, the last one wrong": _named(_wrong_at_the_end(json_list("items", b"{}"), b"[]")),
    "json: tags, the last one wrong": _wrong_at_the_end(json_list("tagged", b'{"kind":"cat"}'), b"{}"),
    "json: empty lists, the last one not closed": _wrong_at_the_end(json_list("anything", b"[]"), b"["),
    "json: lists of lists, the last one no JSON": _wrong_at_the_end(json_list("anything", b"[[]]"), b"[[],]"),
    "json: lists that are nested deeply": json_list("anything", b"[" * 40 + b"]" * 40),
    "json: objects that are nested very deeply": json_list("anything", b'{"a":' * 100 + b"0" + b"}" * 100),
    "json: deep lists, the last one no JSON": _wrong_at_the_end(json_list("anything", b"[" * 12 + b"]" * 12), b"[[],]"),
    "json: strings after backslashes": json_list("anything", b'[\\"]'),
    "json: integers, the last one wrong": _wrong_at_the_end(json_list("integers", lambda n: b"%d" % n), b'"a"'),
    "msgpack: models, the last one wrong": _wrong_at_the_end(msgpack_list("items", b"\x81\xa4name\xa0"), b"\x80"),
    "msgpack: a map of models, the last one wrong": _wrong_at_the_end(
        msgpack_list("mapping", lambda n: b"\xa5%05x\x81\xa4name\xa0" % n, is_map=True), b"\xa0\x80"
    ),
    "msgpack: a tree of nodes, the last one wrong": _named(_wrong_at_the_end(msgpack_list("items", b"\x80"), b"\x00")),
    "msgpack: tags, the last one wrong": _wrong_at_the_end(msgpack_list("tagged", b"\x81\xa4kind\xa3cat"), b"\x80"),
    "msgpack: empty lists, the last one no text": _wrong_at_the_end(msgpack_list("anything", b"\x90"), b"\xa1\xff"),
    "msgpack: lists of one, the last one no text": _wrong_at_the_end(
        msgpack_list("anything", b"\x91\xc0"), b"\xa1\xff"
    ),
}
"""By what is wrong with them."""
