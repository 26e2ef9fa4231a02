"""First come, first served."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from core.practice.sandbox.turns import TooLongError, Turns


def test_thirty_are_served_in_the_order_in_which_they_came():
    turns, served, leave = Turns(2), [], [threading.Event() for _ in range(30)]

    def come(number: int) -> None:
        with turns.turn(30):
            served.append(number)
            leave[number].wait(30)

    threads = []
    for number in range(30):
        thread = threading.Thread(target=come, args=(number,))
        thread.start()
        threads.append(thread)
        _until(lambda number=number: len(served) == min(number + 1, 2) and turns.waiting() == max(0, number - 1))
    assert served == [0, 1]
    for number in range(30):  # one leaves at a time, so that the next has written its number before another is let in
        leave[number].set()
        _until(lambda number=number: len(served) == min(number + 3, 30))
    for thread in threads:
        thread.join()
    assert served == list(range(30))


def _until(came: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not came():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.001)


def test_who_gives_up_leaves_the_queue():
    turns = Turns(1)
    with turns.turn(1):
        with pytest.raises(TooLongError), turns.turn(0.05):
            pass
        assert turns.waiting() == 0
    with turns.turn(0.05):
        pass


def test_an_error_gives_the_place_back():
    turns = Turns(1)
    with pytest.raises(ZeroDivisionError), turns.turn(1):
        raise ZeroDivisionError
    with turns.turn(0.05):
        pass
