"""What live runs learn from: the labels that stay, the kinds that go, the teacher's answers beside their texts."""

from __future__ import annotations

import time

import pytest
import torch

from core.data.kinds import KINDS, definitions, teacher_logits
from core.distill.objectives.objective import CONTROL, mixture
from core.distill.training import TrainingConfig
from core.folders import FOLDER_VARIABLE
from core.runs import datasets
from core.runs.datasets import MAKERS, TEACHER, begin, kinds_material, material_for, material_of, start, words_material
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.server import close_run_queue, run_queue
from core.runs.storage import load_texts


def test_only_the_first_texts_keep_their_labels():
    material = kinds_material(texts=50, labels=10, held_out=20)
    assert len(material.texts) == 50 and material.texts.labelled == 10
    assert material.texts.labels[:10].tolist() == [row.kind for row in definitions("transfer")[:10]]
    assert len(material.held_out) == 20 and material.held_out.labelled == 20


def test_a_left_out_kind_is_in_no_text_but_still_measured():
    left = "animal"
    material = kinds_material(texts=300, labels=300, held_out=300, left_out=[left])
    assert KINDS.index(left) not in material.texts.labels and KINDS.index(left) in material.held_out.labels
    rows = [i for i, row in enumerate(definitions("transfer")) if row.kind != KINDS.index(left)][:300]
    assert torch.equal(material.logits, teacher_logits("transfer")[rows])


def test_static_masks_are_the_same_in_each_epoch():
    assert not words_material("minilm-teacher", 20, 10, static=True).texts.changes
    texts = words_material("minilm-teacher", 20, 10).texts
    assert texts.changes and not torch.equal(texts.at_epoch(0).labels, texts.at_epoch(1).labels)


def test_texts_are_made_by_the_name_of_their_task():
    kinds, words = (
        {"texts": 40, "labels": 10, "held_out": 12},
        {"teacher": "minilm-teacher", "texts": 20, "held_out": 10},
    )
    for task, arguments in {"kinds": kinds, "words": words}.items():
        made, same = material_for(task, **arguments), MAKERS[task](**arguments)
        assert torch.equal(made.texts.ids, same.texts.ids) and torch.equal(made.held_out.ids, same.held_out.ids)
        assert made.origin == same.origin and (made.logits is None) == (same.logits is None)
    assert material_for("kinds", **kinds).texts.task == "single_label"
    assert material_for("words", **words).texts.task == "masked_words"
    with pytest.raises(KeyError):
        material_for("sentiment", texts=10)


def test_a_plan_names_its_texts_and_they_are_cut_into_tokens_once(monkeypatch):
    written = {"kind": "kinds", "texts": 41, "labels": 10, "held_out": 12}
    made = material_of(written)
    monkeypatch.setitem(datasets.MAKERS, "kinds", None)  # not asked again
    assert material_of(written) is made and material_for("kinds", texts=41, labels=10, held_out=12) is made
    assert written["kind"] == "kinds"  # what the plan holds stays as it is
    assert len(made.texts) == 41


@pytest.fixture
def own_workshop(tmp_path, monkeypatch):
    """A run queue in a folder of this test's own."""
    close_run_queue()
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    yield tmp_path / "runs"
    close_run_queue()


def test_a_started_run_comes_to_its_end_in_the_learners_folder(own_workshop):
    student = StudentPlan(depth=1, width=32, heads=2)
    arms = {"distilled": ArmPlan(student, mixture(0.9, 2.0)), "control": ArmPlan(student, CONTROL)}
    plan = RunPlan("tiny", "single_label", (TEACHER,), arms, TrainingConfig(steps=3), measure_every=3)
    run = start(plan, kinds_material(texts=64, labels=32, held_out=16), owner="me")
    assert run.folder.parent == own_workshop and run_queue().view(run.name).status.owner == "me"
    deadline = time.monotonic() + 120
    while run_queue().view(run.name).state in ("queued", "running") and time.monotonic() < deadline:
        time.sleep(0.1)
    assert run.status().state == "finished", run.status()
    assert (run.student_folder("distilled") / "model.safetensors").exists()


def test_a_plan_that_names_its_texts_is_begun_with_them(own_workshop):
    student = StudentPlan(depth=1, width=32, heads=2)
    written = {"kind": "kinds", "texts": 64, "labels": 32, "held_out": 16}
    arms = {"control": ArmPlan(student, CONTROL)}
    plan = RunPlan("tiny", "single_label", (TEACHER,), arms, TrainingConfig(steps=3), extra={"material": written})
    run = begin(plan, owner="me", steps=1)
    material = material_of(written)
    assert run.plan.origin == material.origin and run.plan.extra == plan.extra
    assert torch.equal(load_texts(run.folder / "texts.safetensors").ids, material.texts.ids)
    deadline = time.monotonic() + 120
    while run_queue().view(run.name).status.active and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (run.status().state, run.status().done) == ("paused", 1)
