"""Ordered work on threads: order, errors in their position, bounded memory, nothing left behind."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterable, Iterator

import pytest

from vectortag.runtime.pipeline import batched, map_ordered

WAIT = 20
"""Seconds after which a test that waits for another thread fails."""


def recorded(items: Iterable[int], taken: list[int]) -> Iterator[int]:
    for item in items:
        taken.append(item)
        yield item


def threads_of(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


class TestOrder:
    def test_results_come_in_the_order_of_the_items_whichever_is_done_first(self):
        second_is_done = threading.Event()

        def work(item: int) -> int:
            if item == 0:
                assert second_is_done.wait(WAIT)
            if item == 1:
                second_is_done.set()
            return item * item

        results = map_ordered(work, range(20), threads=2, in_flight=4)

        assert list(results) == [item * item for item in range(20)]

    @pytest.mark.parametrize("in_flight", [1, 2, 3, 100])
    def test_each_item_has_one_result_however_many_are_in_flight(self, in_flight: int):
        assert list(map_ordered(str, range(10), threads=3, in_flight=in_flight)) == [str(n) for n in range(10)]

    def test_no_items_have_no_results(self):
        assert list(map_ordered(str, [], threads=2, in_flight=2)) == []


class TestErrors:
    def test_an_error_is_raised_in_the_position_of_its_result(self):
        results = map_ordered(lambda item: 1 / item, [1, 2, 0, 4], threads=2, in_flight=4)

        assert [next(results), next(results)] == [1.0, 0.5]
        with pytest.raises(ZeroDivisionError):
            next(results)
        assert list(results) == []

    def test_an_error_of_the_items_is_not_swallowed(self):
        def items() -> Iterator[int]:
            yield 1
            raise OSError("no such folder")

        with pytest.raises(OSError, match="no such folder"):
            list(map_ordered(str, items(), threads=2, in_flight=4, name="failing"))
        assert threads_of("failing") == []


class TestBounds:
    def test_nothing_is_taken_before_the_first_result_is_asked_for(self):
        taken: list[int] = []

        results = map_ordered(str, recorded(range(3), taken), threads=2, in_flight=2)

        assert taken == []
        assert next(results) == "0"

    def test_no_more_items_are_taken_than_may_be_in_flight(self):
        taken: list[int] = []

        for yielded, _ in enumerate(map_ordered(str, recorded(range(50), taken), threads=2, in_flight=5)):
            assert len(taken) - yielded <= 5

        assert taken == list(range(50))

    def test_a_slow_item_does_not_stall_the_others_in_flight(self):
        others_are_done = threading.Event()
        done: list[int] = []

        def work(item: int) -> int:
            if item == 0:
                assert others_are_done.wait(WAIT)
                return item
            done.append(item)
            if len(done) == 3:
                others_are_done.set()
            return item

        assert next(map_ordered(work, range(100), threads=2, in_flight=4)) == 0
        assert {1, 2, 3} <= set(done)

    def test_no_more_threads_work_than_were_asked_for(self):
        lock, working, most = threading.Lock(), 0, 0

        def work(_: int) -> None:
            nonlocal working, most
            with lock:
                working += 1
                most = max(most, working)
            time.sleep(0.001)
            with lock:
                working -= 1

        list(map_ordered(work, range(30), threads=3, in_flight=10, name="counted"))

        assert 1 <= most <= 3
        assert threads_of("counted") == []


class TestStopping:
    def test_an_endless_stream_can_be_left_at_any_time(self):
        results = map_ordered(str, itertools.count(), threads=2, in_flight=4, name="endless")
        next(results)
        assert threads_of("endless")

        results.close()

        assert threads_of("endless") == []

    def test_what_waits_is_dropped_and_what_runs_is_finished(self):
        started, finished = [], []

        def work(item: int) -> None:
            started.append(item)
            time.sleep(0.05 if item else 0)
            finished.append(item)

        results = map_ordered(work, range(100), threads=1, in_flight=60)
        next(results)
        results.close()

        assert started == finished
        assert len(started) < 60


def test_batches_have_one_size_and_the_last_has_what_is_left():
    assert list(batched(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batched([], 3)) == []
