"""First come, first served."""

from __future__ import annotations

import threading
import time

import pytest

from core.practice.sandbox.turns import TooLongError, Turns


def test_thirty_are_served_in_the_order_in_which_they_came():
    turns, served, release = Turns(2), [], threading.Event()

    def come(number: int) -> None:
        with turns.turn(30):
            served.append(number)
            release.wait(10)
            time.sleep(0.002)

    threads = []
    for number in range(30):
        thread = threading.Thread(target=come, args=(number,))
        thread.start()
        threads.append(thread)
        while len(served) < min(number + 1, 2) or turns.waiting() < max(0, number - 1):
            time.sleep(0.001)  # until this one has its place in the queue
    assert served == [0, 1] and turns.waiting() == 28
    release.set()
    for thread in threads:
        thread.join()
    assert sorted(served) == list(range(30))
    # Two work at a time, so neighbours may finish the race to write their number the other way round.
    assert all(abs(place - number) <= 1 for place, number in enumerate(served))


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
