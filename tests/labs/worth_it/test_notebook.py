"""The notebook: valid JSON of nbformat 4.5 whose cells run, train again, and come out where the run did."""

from __future__ import annotations

import ast
import contextlib
import io
import json
import sys
from dataclasses import replace

import pytest

import lessons
from core.distill.objectives.objective import CONTROL, mixture
from core.distill.training import TrainingConfig
from core.labs.worth_it.notebook import TEXTS, notebook
from core.labs.worth_it.sources import of_run, shipped
from core.runs.datasets import TEACHER, kinds_material
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.process.session import Session
from core.runs.run import Run

MADE = {"texts": 48, "labels": 24, "held_out": 20}
HOSTILE = "'''\"\"\" {title} `x` </script> 番茄"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    student = StudentPlan(depth=1, width=32, heads=2)
    arms = {"distilled": ArmPlan(student, mixture(0.9, 2.0)), "control": ArmPlan(student, CONTROL)}
    extra = {"page": "distil", "material": {"kind": "kinds", **MADE}}
    plan = RunPlan(
        HOSTILE, "single_label", (TEACHER,), arms, TrainingConfig(steps=2), (0, 1), measure_every=2, extra=extra
    )
    material = kinds_material(**MADE)
    folder = tmp_path_factory.mktemp("runs") / "first"
    run = Run.create(folder, plan, material.texts, material.held_out, material.logits, material.held_out_logits)
    assert Session(run).train() == "finished"
    return run


def texts(language="en"):
    t = lessons.labels("worth_it", language)
    return {name: t(f"notebook.{name}") for name in TEXTS if name != "title"} | {"title": HOSTILE}


def cells(report, plan, language="en"):
    found = json.loads(notebook(report, plan, texts(language)))
    assert (found["nbformat"], found["nbformat_minor"]) == (4, 5)
    assert len({cell["id"] for cell in found["cells"]}) == len(found["cells"])
    for cell in found["cells"]:
        keys = {"cell_type", "id", "metadata", "source"}
        assert set(cell) == (keys if cell["cell_type"] == "markdown" else keys | {"execution_count", "outputs"})
        assert all(isinstance(line, str) for line in cell["source"])
    return found["cells"]


def execute(found, monkeypatch, changes=()):
    """Runs the code cells one after the other, as Jupyter would."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    names: dict = {}
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        for cell in found:
            if cell["cell_type"] == "code":
                code = "".join(cell["source"])
                for old, new in changes:
                    code = code.replace(old, new)
                exec(compile(code, cell["id"], "exec"), names)
    return names, said.getvalue()


def test_its_cells_train_again_and_find_the_same(run, monkeypatch):
    report = of_run(run)
    names, said = execute(cells(report, run.written_plan), monkeypatch)
    assert names["run"].status().state == "finished" and names["run"].folder != run.folder
    for arm, one in report.arms.items():  # the same seeds on the same machine: the same students
        assert names["report"].arms[arm].accuracy == pytest.approx(one.accuracy)
        assert names["report"].arms[arm].agreement == pytest.approx(one.agreement)
    assert "report" in said and "now" in said
    assert {one.arm for one in names["measured"].models} == {"teacher", "distilled"}


def test_without_material_it_reads_the_runs_own_texts(run, monkeypatch):
    report = of_run(run)
    plan = {**run.written_plan, "extra": {}}
    found = cells(report, plan, "zh")
    assert lessons.labels("worth_it", "zh")("notebook.from_folder") in json.dumps(found, ensure_ascii=False)
    names, _ = execute(found[:7], monkeypatch)
    assert len(names["texts"]) == MADE["texts"] and len(names["held_out"]) == MADE["held_out"]


def test_the_figures_in_it_are_those_of_the_report(run):
    report = of_run(run)
    source = "".join(
        "".join(cell["source"]) for cell in cells(report, run.written_plan) if "THEN = " in "".join(cell["source"])
    )
    then = ast.literal_eval(source.removeprefix("THEN = ").split("\nimport")[0])
    assert then["distilled"]["accuracy"] == pytest.approx(report.arms["distilled"].mean("accuracy"), abs=1e-4)


def test_a_single_seed_and_no_labels_can_be_written(run):
    report = of_run(run)
    bare = replace(report, arms={a: replace(s, accuracy=(float("nan"),) * 2) for a, s in report.arms.items()})
    assert '"accuracy": NaN' not in json.dumps(cells(bare, run.written_plan))


def test_the_shipped_pair_is_rerun_by_its_own_recipe(monkeypatch):
    changes = [
        ("steps=1500", "steps=2"),
        ("steps=2000", "steps=2"),
        ("SEEDS = 1000, range(5)", "SEEDS = 1000, range(1)"),
    ]
    names, said = execute(cells(shipped(), None), monkeypatch, changes)
    assert set(names["found"]) == {"distilled", "control"} and list(names["SEEDS"]) == [0]
    assert "seed 0, distilled" in said and "now" in said
