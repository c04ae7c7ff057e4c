"""The reader of messages against the package protobuf, which onnx brings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vectortag.runtime.protobuf import Budget, WireError, are_finite, count_packed, fields, integers, text

NUMBERS = st.integers(-(1 << 63), (1 << 63) - 1)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(max_size=20), NUMBERS, st.lists(NUMBERS, max_size=9), st.lists(st.floats(width=32), max_size=5))
def test_a_message_is_read_as_protobuf_wrote_it(
    need_module: Callable[[str], Any], name: str, number: int, numbers: list[int], floats: list[float]
):
    name = name.encode("utf-8", "ignore").decode()
    written = need_module("onnx").AttributeProto(name=name, i=number, ints=numbers, floats=floats).SerializeToString()

    found: dict[int, list[Any]] = {}
    for place, value in fields(memoryview(written), Budget()):
        found.setdefault(place, []).append(value)

    assert text(found[1][0]) == name
    assert integers(found[3][0], 1) == [number]
    assert [one for value in found.get(8, []) for one in integers(value, 9)] == numbers
    assert sum(count_packed(value, 4) for value in found.get(7, [])) == len(floats)
    assert all(are_finite(value) for value in found.get(7, [])) == all(abs(one) < 1e39 for one in floats)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_message_or_an_error(content: bytes):
    try:
        read = list(fields(memoryview(content), Budget()))
    except WireError:
        return

    assert len(read) <= len(content)


@pytest.mark.parametrize("content", [b"\x80", b"\x08" + b"\x80" * 11, b"\x0a\x05ab", b"\x0b", b"\x0d\x00", b"\x00\x00"])
def test_what_is_cut_or_of_another_kind_is_an_error(content: bytes):
    with pytest.raises(WireError):
        list(fields(memoryview(content), Budget()))
