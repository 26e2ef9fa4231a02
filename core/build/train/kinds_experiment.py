"""The experiment that the course hangs on: one student, with and without a teacher, at equal steps.

For each of five seeds: four label budgets with labels alone, the same four distilled at T = 2, and at one budget the other
temperatures. Every run is a line of `results.jsonl`, so a killed experiment goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import asdict
from pathlib import Path

from core.build import workspace
from core.data.kinds import FOLDER, RESULTS, definitions, teacher_logits
from core.distill.label_budget import SOFT_WEIGHT, StudentRecipe, Trial, learn, logits_of, measured

SEEDS = range(5)
BUDGETS = (250, 1000, 4000)
"""And all of them."""

TEMPERATURES = (1.0, 2.0, 4.0, 8.0)
TEMPERATURE = 2.0
"""At which all budgets are distilled."""

BUDGET = 1000
"""At which all temperatures are tried."""


def runs() -> list[Trial]:
    """All runs, seed by seed."""
    budgets = (*BUDGETS, len(definitions("transfer")))
    planned = []
    for seed in SEEDS:
        planned += [Trial(labels, None, seed) for labels in budgets]
        planned += [Trial(labels, TEMPERATURE, seed) for labels in budgets]
        planned += [Trial(BUDGET, temperature, seed) for temperature in TEMPERATURES if temperature != TEMPERATURE]
    return planned


def results(folder: Path) -> list[dict]:
    """The runs that are done."""
    file = folder / "results.jsonl"
    return workspace.rows(file) if file.exists() else []


def done(folder: Path | None = None) -> bool:
    """Return True if every run is done."""
    found = {(row["labels"], row["temperature"], row["seed"]) for row in results(folder or _folder())}
    return all((run.labels, run.temperature, run.seed) in found for run in runs())


def conduct(folder: Path | None = None, recipe: StudentRecipe | None = None, seeds: Collection[int] = SEEDS) -> None:
    """Train and measure what is not done yet of these seeds; several processes may share the seeds among them."""
    folder, recipe = folder or _folder(), recipe or StudentRecipe()
    folder.mkdir(parents=True, exist_ok=True)
    known = {(row["labels"], row["temperature"], row["seed"]) for row in results(folder)}
    with (folder / "results.jsonl").open("a") as file:
        for run in runs():
            if run.seed in seeds and (run.labels, run.temperature, run.seed) not in known:
                found = measured(logits_of(learn(run, recipe), "test"))
                print(json.dumps({**asdict(run), **found}), file=file, flush=True)


def publish(folder: Path | None = None, target: Path = FOLDER) -> None:
    """Write the results, with the teacher's own numbers and the recipe, into the data set's folder."""
    report = {
        "recipe": {**asdict(StudentRecipe()), "soft_weight": SOFT_WEIGHT, "transfer": len(definitions("transfer"))},
        "teacher": measured(teacher_logits("test")),
        "runs": results(folder or _folder()),
    }
    rows = ",\n  ".join(json.dumps(row) for row in report.pop("runs"))
    head = json.dumps(report)[:-1]
    (target / RESULTS).write_text(f'{head},\n "runs": [\n  {rows}\n ]}}\n', encoding="utf-8")


def _folder() -> Path:
    return workspace.folder() / "kinds-experiment"
