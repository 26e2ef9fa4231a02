"""A report as a Jupyter notebook that repeats it: the same texts and plan, trained anew and compared with the old figures.

    Path("again.ipynb").write_text(notebook(report, written_plan, texts))

The file is plain JSON by nbformat 4.5; no library is needed to write it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields
from pprint import pformat
from typing import Any

from core.data import kinds
from core.distill.label_budget import SHIPPED_RECIPE, SHIPPED_TRIAL, StudentRecipe
from core.labs.worth_it.report import Report
from core.measure import label_budgets as stored
from core.runs.datasets import MAKERS

TEXTS = ("title", "lead", "plan", "material", "from_folder", "train", "compare", "costs")
"""The Markdown of the notebook in the learner's language; `title` as displayed."""

_WHERE = """
import os
import sys

FOLDER = "."  # where Distillery lies
os.chdir(FOLDER)
sys.path.insert(0, os.getcwd())
"""

_PLAN = """
from core.runs.plan import RunPlan

plan = RunPlan.from_dict(
{plan}
)
plan.arms
"""

_MATERIAL = """
from core.runs import datasets as material

made = material.{function}(**{options})
texts, held_out, known = made.texts, made.held_out, (made.logits, made.held_out_logits)
len(texts), len(held_out)
"""

_FROM_FOLDER = """
from pathlib import Path

from core.runs.storage import load_texts

source = Path({folder!r})
texts, held_out, known = load_texts(source / "texts.safetensors"), load_texts(source / "held_out.safetensors"), ()
len(texts), len(held_out)
"""

_TRAIN = """
import tempfile
from pathlib import Path

from core.runs.run import Run
from core.runs.process.session import Session

run = Run.create(Path(tempfile.mkdtemp()) / "again", plan, texts, held_out, *known)
session = Session(run)
while session.train(steps=100) == "paused":
    print(f"{session.status.done} of {plan.steps} steps", end="\\r")
run.status().state
"""

_COMPARE = """
import pandas as pd

from core.labs.worth_it.sources import of_run

report = of_run(run)
before = pd.DataFrame(THEN).T
now = pd.DataFrame({arm: {name: one.mean(name) for name in before} for arm, one in report.arms.items()}).T
print(pd.concat({"report": before, "now": now}, axis=1).astype(float).round(3).to_string())
arm = report.taught[0]
report.compare(arm)
"""

_COSTS = """
from core.labs.worth_it.costs import costs

measured = costs(report, arm)
pd.DataFrame(
    {"model": one.arm, "int8": one.int8, "MB": one.megabytes, **{f"ms at {b}": one.latency[b].median for b in (1, 8)}}
    for one in measured.models
).round(2)
"""

_SHIPPED_PLAN = """
from core.distill.label_budget import StudentRecipe, Trial, learn, logits_of, measured

recipe = StudentRecipe({recipe})
arms = {{"distilled": {temperature}, "control": None}}  # the temperature of the soft loss
LABELS, SEEDS = {labels}, range({seeds})  # a minute or more a student: begin with range(1)
"""

_SHIPPED_MATERIAL = """
from core.distill.label_budget import texts

len(texts("transfer")), len(texts("test"))
"""

_SHIPPED_TRAIN = """
found = {arm: {} for arm in arms}
for seed in SEEDS:
    for arm, temperature in arms.items():
        found[arm][seed] = measured(logits_of(learn(Trial(LABELS, temperature, seed), recipe), "test"))
        print(f"seed {seed}, {arm}: {found[arm][seed]['accuracy']:.1%}")
"""

_SHIPPED_COMPARE = """
import pandas as pd

from core.measure.uncertainty import over_seeds

before = pd.DataFrame(THEN).T
now = pd.DataFrame({arm: {name: pd.DataFrame(one).T[name].mean() for name in before} for arm, one in found.items()}).T
print(pd.concat({"report": before, "now": now}, axis=1).astype(float).round(3).to_string())
gains = [found["distilled"][seed]["accuracy"] - found["control"][seed]["accuracy"] for seed in SEEDS]
over_seeds(gains) if len(gains) > 1 else gains
"""

_SHIPPED_COSTS = """
from core.labs.worth_it.costs import costs
from core.labs.worth_it.sources import shipped

measured_now = costs(shipped(), "distilled")
pd.DataFrame(
    {"model": one.arm, "int8": one.int8, "MB": one.megabytes, **{f"ms at {b}": one.latency[b].median for b in (1, 8)}}
    for one in measured_now.models
).round(2)
"""


def notebook(report: Report, plan: Mapping[str, Any] | None, texts: Mapping[str, str]) -> str:
    """The notebook's JSON.

    Args:
        plan: as `Run.written_plan` gives it; None for the shipped pair.
        texts: see `TEXTS`.
    """
    then = "THEN = " + pformat(_then(report), sort_dicts=False, width=100)
    cells = [_words(f"# {texts['title']}\n\n{texts['lead']}"), _code(_WHERE)]
    if plan is None:
        cells += _shipped(texts, then)
    else:
        material = dict(plan.get("extra", {}).get("material") or {})
        maker = MAKERS.get(material.pop("kind", ""))
        written = pformat(dict(plan), sort_dicts=False, width=100)
        made = _MATERIAL.format(function=maker.__name__, options=pformat(material)) if maker else None
        cells += [
            _words(f"## {texts['plan']}"),
            _code(_PLAN.format(plan=written)),
            _words(f"## {texts['material']}" + ("" if made else f"\n\n{texts['from_folder']}")),
            _code(made or _FROM_FOLDER.format(folder=report.folder)),
            _words(f"## {texts['train']}"),
            _code(_TRAIN),
            _words(f"## {texts['compare']}"),
            _code(then + "\n" + _COMPARE),
            _words(f"## {texts['costs']}"),
            _code(_COSTS),
        ]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    facts = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return json.dumps(
        {"cells": cells, "metadata": facts, "nbformat": 4, "nbformat_minor": 5}, ensure_ascii=False, indent=1
    )


def _shipped(texts: Mapping[str, str], then: str) -> list[dict]:
    """The cells of the shipped pair: the stored experiment again, or the shipped student where that is not stored."""
    if stored.stored():
        found, accuracy = kinds.experiment(), stored.experiment("accuracy")
        recipe = StudentRecipe(**{part.name: found["recipe"][part.name] for part in fields(StudentRecipe)})
        facts = {"labels": accuracy.budget, "temperature": accuracy.temperature, "seeds": accuracy.seeds}
    else:
        recipe = SHIPPED_RECIPE
        facts = {"labels": SHIPPED_TRIAL.labels, "temperature": SHIPPED_TRIAL.temperature, "seeds": 1}
    written = ", ".join(f"{name}={value!r}" for name, value in asdict(recipe).items())
    return [
        _words(f"## {texts['plan']}"),
        _code(_SHIPPED_PLAN.format(recipe=written, **facts)),
        _words(f"## {texts['material']}"),
        _code(_SHIPPED_MATERIAL),
        _words(f"## {texts['train']}"),
        _code(_SHIPPED_TRAIN),
        _words(f"## {texts['compare']}"),
        _code(then + "\n" + _SHIPPED_COMPARE),
        _words(f"## {texts['costs']}"),
        _code(_SHIPPED_COSTS),
    ]


def _then(report: Report) -> dict[str, dict[str, float | None]]:
    """The report's means, to be compared with."""

    def known(value: float) -> float | None:
        return None if math.isnan(value) else round(value, 4)

    return {
        arm: {name: known(one.mean(name)) for name in ("accuracy", "agreement", "ece")}
        for arm, one in report.arms.items()
    }


def _words(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(lines: str) -> dict[str, Any]:
    source = lines.strip().splitlines(keepends=True)
    return {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": source}
