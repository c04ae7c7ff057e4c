"""SIGTERM and SIGHUP end a command; a long job finishes what it has in hand. See tests/hostile/test_faults.py, too."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from vectortag.apps.cli.signals import FIRST_FINISHES, SIGNALS, FinishOnSignal, StoppedBySignal, stopped_by_signals

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such signals")


def raise_here(number: int) -> None:
    """Send this process a signal, which is handled before the next line."""
    os.kill(os.getpid(), number)


@pytest.fixture(autouse=True)
def _as_a_process_begins() -> Iterator[None]:
    """Every signal has the handling of a new process, and afterwards that of before the test."""
    before = {number: signal.getsignal(number) for number in FIRST_FINISHES}
    for number in FIRST_FINISHES:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def handlers() -> dict[int, Any]:
    return {number: signal.getsignal(number) for number in FIRST_FINISHES}


class TestStopping:
    @pytest.mark.parametrize("number", SIGNALS)
    def test_a_signal_stops_the_command_whatever_it_catches(self, number: int):
        def work() -> None:
            with stopped_by_signals(["tag"]):
                try:
                    raise_here(number)
                except Exception:
                    pytest.fail("the signal was taken for an error of the work")

        with pytest.raises(StoppedBySignal) as caught:
            work()

        assert caught.value.number == number

    def test_afterwards_signals_are_what_they_were(self):
        before = handlers()

        with stopped_by_signals(["tag"]):
            assert handlers() != before

        assert handlers() == before

    def test_the_second_signal_ends_the_process_at_once(self):
        with stopped_by_signals(["tag"]):
            with pytest.raises(StoppedBySignal):
                raise_here(signal.SIGTERM)

            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL

    def test_what_nohup_ignores_stays_ignored(self):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

        with stopped_by_signals(["tag"]):
            raise_here(signal.SIGHUP)

        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN

    @pytest.mark.parametrize("command", ["serve", "ui"])
    def test_a_server_answers_signals_itself(self, command: str):
        before = handlers()

        with stopped_by_signals([command]):
            assert handlers() == before
        with stopped_by_signals([command, "tag"]):  # it is not known yet which of them is called
            assert handlers() != before

    def test_another_thread_than_the_first_may_run_a_command(self):
        worked = []

        def work() -> None:
            with stopped_by_signals(["tag"]), FinishOnSignal() as asked:
                worked.append(asked())

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

        assert worked == [False]


class TestFinishing:
    @pytest.mark.parametrize("number", FIRST_FINISHES)
    def test_the_first_signal_lets_a_job_finish(self, number: int):
        with FinishOnSignal() as asked:
            assert not asked()
            raise_here(number)
            assert asked()

        assert asked.status == 128 + number

    def test_a_job_that_was_not_asked_to_end_has_no_signal(self):
        before = handlers()

        with FinishOnSignal() as asked:
            pass

        assert not asked()
        assert handlers() == before

    def test_the_second_signal_does_what_it_did_before(self):
        with FinishOnSignal() as asked:
            raise_here(signal.SIGTERM)
            with pytest.raises(KeyboardInterrupt):
                raise_here(signal.SIGINT)

        assert asked.number == signal.SIGTERM

    def test_what_nohup_ignores_ends_no_job(self):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)

        with FinishOnSignal() as asked:
            raise_here(signal.SIGHUP)

            assert not asked()
