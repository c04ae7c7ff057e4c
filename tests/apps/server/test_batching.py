from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError

import pytest

batching = pytest.importorskip("vectortag.apps.server.batching")


@pytest.fixture
def make_batcher() -> Iterator[Callable]:
    """make_batcher(work, largest=4): a batcher that waits for more as long as `.expected` says; closed at the end."""
    made = []

    def make(work: Callable, *, largest: int = 4, expected: int = 0):
        sizes: list[int] = []
        batcher = batching.Batcher(work, largest=largest, expected=lambda: expected, observe=sizes.append)
        made.append(batcher)
        return batcher, sizes

    yield make
    for batcher in made:
        batcher.close()


def doubled(items: list[int]) -> list[int]:
    return [2 * item for item in items]


def held(batcher) -> threading.Event:
    """Holds the batcher's thread until the event is set."""
    event = threading.Event()
    batcher.between(lambda: event.wait(10))
    return event


def test_what_waits_goes_through_in_full_batches_in_order(make_batcher):
    batcher, sizes = make_batcher(doubled)
    go = held(batcher)
    futures = [batcher.submit(n) for n in range(10)]
    go.set()

    assert [future.result(5) for future in futures] == [2 * n for n in range(10)]
    assert sizes == [4, 4, 2]


def test_a_batch_waits_for_what_is_on_its_way(make_batcher, monkeypatch):
    monkeypatch.setattr(batching, "WAIT", 10.0)
    batcher, sizes = make_batcher(doubled, largest=2, expected=1)

    first, second = batcher.submit(1), batcher.submit(2)

    assert (first.result(5), second.result(5), sizes) == (2, 4, [2])


def test_nothing_waits_where_nothing_is_on_its_way(make_batcher, monkeypatch):
    monkeypatch.setattr(batching, "WAIT", 10.0)
    batcher, sizes = make_batcher(doubled)

    assert batcher.submit(1).result(5) == 2
    assert sizes == [1]


def test_an_error_is_that_of_its_batch_alone(make_batcher):
    def work(items: list[int]) -> list[int]:
        if 1 in items:
            raise ValueError("one")
        return items

    batcher, _ = make_batcher(work, largest=2)
    go = held(batcher)
    futures = [batcher.submit(n) for n in range(4)]
    go.set()

    for future in futures[:2]:
        with pytest.raises(ValueError, match="one"):
            future.result(5)
    assert [future.result(5) for future in futures[2:]] == [2, 3]


def test_what_was_cancelled_is_left_out(make_batcher):
    batcher, sizes = make_batcher(doubled)
    go = held(batcher)
    futures = [batcher.submit(n) for n in range(3)]
    futures[1].cancel()
    go.set()

    assert (futures[0].result(5), futures[2].result(5), sizes) == (0, 4, [2])
    with pytest.raises(CancelledError):
        futures[1].result(5)


def test_an_action_runs_between_batches_in_its_turn(make_batcher):
    seen: list[object] = []
    batcher, _ = make_batcher(lambda items: seen.append(list(items)) or items)
    go = held(batcher)
    batcher.submit(1)
    done = batcher.between(lambda: seen.append("action"))
    last = batcher.submit(2)
    failing = batcher.between(lambda: 1 // 0)
    go.set()

    last.result(5)
    done.result(5)
    assert seen == [[1], "action", [2]]
    with pytest.raises(ZeroDivisionError):
        failing.result(5)


def test_closing_finishes_what_was_submitted(make_batcher):
    batcher, _ = make_batcher(doubled)
    go = held(batcher)
    futures = [batcher.submit(n) for n in range(6)]
    threading.Timer(0.05, go.set).start()

    batcher.close()

    assert [future.result(0) for future in futures] == [2 * n for n in range(6)]
    assert not batcher.alive
