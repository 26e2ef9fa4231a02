"""A live run as a page starts it: seconds to the first point, seconds in all, who wins over three seeds; and then eight
learners who press play at once: what the queue promised each, and what came.

The shipped classification pair: the kinds teacher, two arms of a fresh 2 × 128 student with the teacher's word embeddings, few
labels. The distilled arm also hears the teacher on the texts without a label.
"""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from torch import Tensor

from core.data.kinds import definitions, teacher_logits
from core.distill.inputs.encoding import encode
from core.distill.inputs.texts import TokenizedTexts
from core.distill.objectives.objective import CONTROL, mixture
from core.distill.training import TrainingConfig
from core.models import load
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.queue import RunQueue
from core.runs.run import Run

TEXTS, LABELS, HELD_OUT, STEPS, SEEDS = 2000, 400, 300, 250, (0, 1, 2)
LEARNERS = 8


def main() -> None:
    """Prints what a learner would see."""
    tokenizer = load("kinds-teacher", device="cpu").tokenizer
    rows, kept = definitions("transfer")[:TEXTS], definitions("validation")[:HELD_OUT]
    texts, held_out = (
        encode(tokenizer, [row.text for row in part], [row.kind for row in part]) for part in (rows, kept)
    )
    texts = texts.without_labels(range(LABELS, TEXTS))
    student = StudentPlan(depth=2, width=128, heads=2, words="teacher")
    arms = {"distilled": ArmPlan(student, mixture(0.9, 2.0)), "control": ArmPlan(student, CONTROL)}
    plan = RunPlan(
        "live",
        "single_label",
        ("kinds-teacher",),
        arms,
        TrainingConfig(steps=STEPS, learning_rate=2e-3),
        SEEDS,
        measure_every=50,
    )
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {STEPS} steps, {len(SEEDS)} seeds, 2 arms")
    with tempfile.TemporaryDirectory() as folder:
        run_queue = RunQueue(folder, slots=1)
        while not run_queue.ready:
            time.sleep(0.1)
        known = teacher_logits("transfer")[:TEXTS], teacher_logits("validation")[:HELD_OUT]
        pressed = time.perf_counter()
        run = Run.create(Path(folder) / "live", plan, texts, held_out, *known)
        run_queue.submit("live")
        first = None
        while run_queue.view("live").state in ("queued", "running"):
            if first is None and run.metrics()[0]:
                first = time.perf_counter() - pressed
            time.sleep(0.05)
        print(f"first point after {first:.1f} s, finished after {time.perf_counter() - pressed:.1f} s")
        print(f"{run.status().per_second:.1f} steps/s of both arms, {run.status().state}")
        for line in run.metrics()[0]:
            if "scores" in line and line["number"] == STEPS:
                shown = {name: f"{found['accuracy']:.1%}" for name, found in line["scores"].items()}
                print(f"seed {line['seed']}: accuracy {shown}")
        _queue(
            run_queue,
            Path(folder),
            replace(plan, training=replace(plan.training, steps=60), seeds=(0,)),
            texts,
            known[0],
        )
        run_queue.close()


def _queue(run_queue: RunQueue, folder: Path, plan: RunPlan, texts: TokenizedTexts, known: Tensor) -> None:
    """Eight short runs at once; prints the wait that was promised to each and the wait that it had."""
    names = [f"learner-{number}" for number in range(LEARNERS)]
    runs = {name: Run.create(folder / name, plan, texts, known_logits=known) for name in names}
    pressed = time.perf_counter()
    for name in names:
        run_queue.submit(name, owner=name)
    promised = {name: run_queue.view(name).wait_seconds for name in names}
    began: dict[str, float] = {}
    while len(began) < LEARNERS:
        for name, run in runs.items():
            if name not in began and run.metrics()[0]:
                began[name] = time.perf_counter() - pressed
        time.sleep(0.05)
    for name in names:
        print(f"{name}: promised {promised[name]:5.1f} s, waited {began[name]:5.1f} s")


if __name__ == "__main__":
    main()
