"""What the sandbox adds to a submission's own time, and thirty learners who submit at once.

python -m tests.benchmarks.exercises
"""

from __future__ import annotations

import os
import statistics
import threading
import time

import torch

from core.practice.grading import grade
from core.practice.sandbox import SANDBOX
from lessons.interview import exercises

LEARNERS = 30
ROUNDS = 5


def overheads() -> tuple[list[float], list[float]]:
    """Milliseconds of each right solution, sorted: what is added to its own run, and all the computing there was.

    The first is by the clock and grows with whatever else the machine does; the second, here and in the learner's process,
    includes the solution's own work and does not.
    """
    added, computing = [], []
    for slug in exercises.slugs() * ROUNDS:
        exercise = exercises.exercise(slug, "en")
        began, busy = time.perf_counter(), time.process_time()
        answer = grade(slug, exercise.solution, exercise.avoid)
        assert answer.right, answer
        computing.append(1000 * (time.process_time() - busy + answer.cpu))
        added.append(1000 * (time.perf_counter() - began - (answer.seconds - answer.overhead)))
    return sorted(added), sorted(computing)


def thirty_at_once() -> list[float]:
    """Seconds until each of thirty learners, all submitting at the same moment, has an answer, sorted."""
    slugs = exercises.slugs()
    together, found = threading.Barrier(LEARNERS), [0.0] * LEARNERS

    def learner(number: int) -> None:
        exercise = exercises.exercise(slugs[number % len(slugs)], "en")
        together.wait()
        began = time.perf_counter()
        assert grade(exercise.slug, exercise.solution, exercise.avoid).right
        found[number] = time.perf_counter() - began

    threads = [threading.Thread(target=learner, args=(number,)) for number in range(LEARNERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(found), "an answer was lost"
    return sorted(found)


def main() -> None:
    torch.set_num_threads(1)
    isolation = SANDBOX.start()
    held = sum(isolation.attacks.values())
    print(f"level {isolation.level}: {held} of {len(isolation.attacks)} attacks held off in {isolation.seconds:.1f} s")
    for what, times in zip(("added by the clock", "computing in all"), overheads(), strict=True):
        late = times[int(0.95 * len(times))]
        print(f"{len(times)} submissions, {what}: median {statistics.median(times):.0f} ms, 95 % within {late:.0f} ms")
    waits = thirty_at_once()
    print(
        f"{LEARNERS} at once on {os.cpu_count()} cores: all answered, half within {statistics.median(waits):.2f} s, "
        f"the last after {waits[-1]:.2f} s"
    )
    SANDBOX.close()


if __name__ == "__main__":
    main()
