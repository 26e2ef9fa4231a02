"""Runs in this process: a folder holds all there is to know, and a resumed run is the same as one that was never cut."""

from __future__ import annotations

import json
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from core.distill.distiller import TrainingConfig
from core.distill.evaluation import Evaluator
from core.distill.objectives.objective import CONTROL, Objective, mixture
from core.distill.objectives.recipes import RECIPES
from core.distill.objectives.terms import Hidden, Soft
from core.distill.students import open_for, save
from core.errors import LabError
from core.files import write_whole
from core.models import load
from core.models.card import read_card
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.process.session import Session
from core.runs.run import RENAMED, Run
from core.runs.snapshots import student_at
from core.runs.storage import load_texts, save_texts

SMALL = StudentPlan(depth=2, width=16, heads=2)


@pytest.fixture
def teacher_folder(model, tiny, tmp_path):
    folder = tmp_path / "teacher"
    save(model(layers=3), folder, tiny("bert").tokenizer)
    return folder


@pytest.fixture
def make_plan(teacher_folder):
    def make(arms=None, steps=30, task="single_label", rate=3e-3, **options):
        arms = arms or {"distilled": ArmPlan(SMALL, mixture(0.9, 4.0)), "control": ArmPlan(SMALL, CONTROL)}
        training = TrainingConfig(steps=steps, batch_size=10, learning_rate=rate)
        plan = {"title": "a try", "seeds": (3,), "measure_every": 10, "snapshots": 3} | options
        return RunPlan(task=task, teachers=(str(teacher_folder),), arms=arms, training=training, **plan)

    return make


def lines(run):
    """The metrics without what a clock says."""
    clocks = ("seconds", "teacher_seconds")
    return [{key: value for key, value in line.items() if key not in clocks} for line in run.metrics()[0]]


def test_a_run_from_beginning_to_end(make_plan, texts, tmp_path):
    plan = make_plan(seeds=(3, 4))
    run = Run.create(tmp_path / "run", plan, texts(), texts())
    assert run.plan == plan and run.status().state == "new" and run.metrics() == ([], 0)
    assert Session(run).train() == "finished"
    status = run.status()
    assert (status.state, status.done, status.steps) == ("finished", 60, 60)
    assert status.seconds > 0 and status.per_second > 0 and status.seconds_left == 0
    found = lines(run)
    steps = [line for line in found if "arms" in line]
    assert [(line["seed"], line["number"]) for line in steps] == [(s, n) for s in (3, 4) for n in range(1, 31)]
    scores = [(line["seed"], line["number"]) for line in found if "scores" in line]
    assert scores == [(s, n) for s in (3, 4) for n in (1, 10, 20, 30)]
    assert (
        set(found[1]["scores"]) == {"distilled", "control", "teacher"}
        and found[1]["scores"]["teacher"]["agreement"] == 1
    )
    part, offset = run.metrics()
    assert run.metrics(offset) == ([], offset) and len(part) == len(found)
    assert not run.checkpoints and run.snapshots("distilled") == [1, 10, 20, 30]


def test_the_finished_student_opens_everywhere(make_plan, texts, tmp_path):
    run = Run.create(tmp_path / "run", make_plan(), texts(), texts())
    Session(run).train()
    folder = run.student_folder("distilled")
    opened = load(folder, device="cpu")
    last = student_at(run, "distilled", 3, 30)
    logits = Evaluator(texts()).logits(opened.model)
    torch.testing.assert_close(Evaluator(texts()).logits(last), logits, rtol=0.02, atol=0.02)  # snapshots are rounded
    first = Evaluator(texts()).logits(student_at(run, "distilled", 3, 1))
    assert (first - logits).abs().max() > 0.1
    scores = [line for line in lines(run) if "scores" in line][-1]["scores"]["distilled"]
    assert Evaluator(texts()).scores(opened.model).accuracy == pytest.approx(scores["accuracy"])
    card = read_card(folder)
    assert (
        card.role == "student"
        and card.layers == 2
        and card.metrics["distilled"]["accuracy"] == pytest.approx(scores["accuracy"], abs=1e-4)
    )
    prose = (folder / "README.md").read_text(encoding="utf-8")
    assert "temperature 4.0" in prose and "seed 3" in prose and "teacher" in prose
    plain = {"model.safetensors", "config.json", "tokenizer.json"}
    assert plain <= {file.name for file in folder.iterdir()}


@pytest.mark.parametrize("at", [12, 41])
def test_a_cut_and_resumed_run_is_the_same(make_plan, texts, tmp_path, at):
    arms = {
        "distilled": ArmPlan(StudentPlan(layers=(0, 2)), Objective((Soft(), Hidden()))),
        "control": ArmPlan(SMALL, CONTROL),
    }
    whole, cut = (Run.create(tmp_path / name, make_plan(arms, seeds=(3, 4)), texts(), texts()) for name in ("a", "b"))
    Session(whole).train()
    assert Session(cut).train(steps=at) == "paused" and cut.status().done == at
    # What was written after the checkpoint is forgotten: these steps will be done again.
    with (cut.folder / "metrics.jsonl").open("a") as file:
        file.write('{"seed": 3, "number": 999}\n{"half a li')
    assert Session(cut).train() == "finished"
    assert lines(cut) == lines(whole)
    for arm in arms:
        ours, theirs = (open_for(run.student_folder(arm, 4), "single_label").state_dict() for run in (cut, whole))
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs)


def test_pause_step_stop(make_plan, texts, tmp_path):
    run = Run.create(tmp_path / "run", make_plan(), texts())
    session = Session(run)
    assert session.train(steps=2) == "paused" and run.status().checkpoint == 2
    assert session.train(steps=1) == "paused" and run.status().done == 3
    asked = iter(["run"] * 4 + ["pause"])
    assert session.train(wanted=lambda: next(asked)) == "paused" and run.status().done == 7
    assert len(run.checkpoints) == 2
    assert session.train(wanted=lambda: "leave") == "interrupted" and run.status().state == "interrupted"
    assert Session(run).train(wanted=lambda: "stop") == "stopped"
    load(run.student_folder("distilled"), device="cpu")
    assert "7 of 30 steps" in (run.student_folder("distilled") / "README.md").read_text(encoding="utf-8")
    assert Session(run).train() == "finished"


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_checkpoint(make_plan, texts, tmp_path):
    plan = make_plan({"distilled": ArmPlan(SMALL, mixture(0.9, 4.0))})
    run = Run.create(tmp_path / "run", plan, texts(), texts())
    session = Session(run)
    session.train(steps=5)
    student = session.distiller.students["distilled"]
    with torch.no_grad():
        student.classifier.weight.fill_(3e38)  # what a learning rate far too high ends in
    assert session.train() == "failed"
    status = run.status()
    assert status.state == "failed" and status.error["code"] == "nan_loss" and status.done == 5
    assert status.lab_error.details["arm"] == "distilled" and "step 6" in str(status.lab_error)
    assert [int(path.name) for path in run.checkpoints] == [5]
    assert Session(run).train() == "finished"  # the checkpoint was from before


def test_a_far_too_high_learning_rate_fails_by_itself(make_plan, texts, tmp_path):
    run = Run.create(tmp_path / "run", make_plan(rate=1e30), texts())
    assert Session(run).train() == "failed" and run.status().error["code"] == "nan_loss"


def test_a_damaged_checkpoint_costs_only_itself(make_plan, texts, tmp_path):
    run = Run.create(tmp_path / "run", make_plan(), texts())
    session = Session(run)
    session.train(steps=4)
    session.train(steps=4)
    newest = run.checkpoints[-1] / "control.safetensors"
    newest.write_bytes(newest.read_bytes()[:100])
    again = Session(run)
    assert again.status.done == 4 and again.train() == "finished"


def test_the_watched_text_is_followed(make_plan, texts, tmp_path, monkeypatch):
    monkeypatch.setattr("core.runs.process.probe.LOOK_SECONDS", 0.0)
    run = Run.create(tmp_path / "run", make_plan(), texts(), texts())
    run.watch("the king sings of cats")
    session = Session(run)
    session.train(steps=3)
    seen = run.watched()
    assert (seen["text"], seen["seed"], seen["step"]) == ("the king sings of cats", 3, 3)
    assert seen["tokens"][:3] == ["[CLS]", "the", "king"]
    arms = {"teacher": seen["teacher"], **seen["arms"]}
    assert set(arms) == {"teacher", "distilled", "control"}
    for look in arms.values():
        assert sum(look["probabilities"]) == pytest.approx(1, abs=1e-3)
        assert all(sum(row) == pytest.approx(1, abs=1e-2) for row in look["attention"][0][0])
    assert len(seen["teacher"]["attention"]) == 3 and len(seen["arms"]["control"]["attention"]) == 2
    teacher = open_for(run.plan.teachers[0], "single_label")
    ids = session._tokenizer("the king sings of cats", return_tensors="pt")["input_ids"]
    with torch.no_grad():
        expected = teacher(input_ids=ids).logits.softmax(-1)[0]
    torch.testing.assert_close(torch.tensor(seen["teacher"]["probabilities"]), expected, rtol=0, atol=1e-3)
    run.watch("dogs")
    session.train(steps=1)
    assert run.watched()["text"] == "dogs" and run.watched()["step"] == 4


def test_known_logits_spare_the_teacher(make_plan, texts, model, tmp_path):
    logits = Evaluator(texts()).logits(model(layers=3))
    known = Run.create(tmp_path / "a", make_plan(), texts(), texts(), logits, logits)
    asked = Run.create(tmp_path / "b", make_plan(), texts(), texts())
    for run in (known, asked):
        session = Session(run)
        counted = []
        session._teachers[0].base_model.register_forward_hook(lambda *_, counted=counted: counted.append(1))
        session.train()
        assert bool(counted) == (run is asked)
    ours, theirs = (run.metrics()[0][-2]["arms"]["distilled"]["loss"] for run in (known, asked))
    assert ours == pytest.approx(theirs, rel=1e-3)


def test_masked_words_can_be_a_run(family_folder, texts, tmp_path):
    plan = RunPlan(
        title="words",
        task="masked_words",
        teachers=(str(family_folder("bert")),),
        arms={"distilled": ArmPlan(StudentPlan(layers=(0, 2)), RECIPES["distilbert"])},
        training=TrainingConfig(steps=12, batch_size=12),
    )
    whole, cut = (Run.create(tmp_path / name, plan, texts("masked_words"), texts("masked_words")) for name in "ab")
    Session(whole).train()
    Session(cut).train(steps=7)
    assert Session(cut).train() == "finished" and lines(cut) == lines(whole)
    assert load(cut.student_folder("distilled"), device="cpu").predicts_words


def test_texts_survive_the_disk(texts, task, tmp_path):
    save_texts(texts(task), tmp_path / "texts.safetensors")
    again, before = load_texts(tmp_path / "texts.safetensors"), texts(task)
    assert type(again) is type(before) and again.task == task
    ours, theirs = (each.at_epoch(1).batch(torch.tensor([0, 7])) for each in (again, before))
    assert torch.equal(ours.input_ids, theirs.input_ids) and torch.equal(ours.labels, theirs.labels)


def test_a_full_disk_is_said(make_plan, texts, tmp_path):
    """/dev/full answers every write as a full disk does."""
    run = Run.create(tmp_path / "run", make_plan(), texts())
    session = Session(run)
    (run.folder / "metrics.jsonl").symlink_to("/dev/full")
    assert session.train() == "failed"
    assert run.status().error["code"] == "no_space" and "full" in str(run.status().lab_error)
    (tmp_path / f"file.{os.getpid()}.part").symlink_to("/dev/full")
    with pytest.raises(LabError) as error:
        write_whole(tmp_path / "file", "x")
    assert error.value.code == "no_space" and not (tmp_path / "file").exists()


def test_a_deleted_folder_is_said(make_plan, texts, tmp_path):
    run = Run.create(tmp_path / "run", make_plan(), texts())
    session = Session(run)
    session.train(steps=1)
    run.delete()
    run.folder.mkdir()  # as if something had been written while it was removed
    assert session.train() == "failed" and not run.folder.exists()
    for look in (run.status, run.metrics, lambda: Run(run.folder), lambda: run.plan):
        with pytest.raises(LabError) as error:
            look()
        assert error.value.code == "run_missing"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"title": "x"}'])
def test_a_damaged_run_is_said(make_plan, texts, tmp_path, content):
    run = Run.create(tmp_path / "run", make_plan(), texts())
    (run.folder / "run.json").write_text(content)
    with pytest.raises(LabError) as error:
        Session(run)
    assert error.value.code == "broken_run"


def test_what_cannot_work_fails_with_its_reason(make_plan, texts, tmp_path):
    cases = {
        "heads_do_not_divide": ArmPlan(StudentPlan(depth=2, width=15, heads=2), CONTROL),
        "bad_layers": ArmPlan(StudentPlan(layers=(0, 9)), CONTROL),
        "missing_checkpoint": ArmPlan(StudentPlan(folder=str(tmp_path / "gone")), CONTROL),
        "different_heads": ArmPlan(SMALL, RECIPES["minilm"]),
    }
    for code, arm in cases.items():
        run = Run.create(tmp_path / code, make_plan({"a": arm}), texts())
        with pytest.raises(LabError) as error:
            Session(run)
        assert error.value.code == code == run.status().error["code"] and run.status().state == "failed"


def test_a_run_written_under_older_names_still_trains(make_plan, texts, tmp_path):
    run = Run.create(tmp_path / "older", make_plan(steps=2), texts())
    plan = json.loads((run.folder / "run.json").read_text())
    older = {new: old for old, new in RENAMED.items()}
    plan["training"] = {older.get(name, name): value for name, value in plan["training"].items()}
    assert {"batch", "rate", "clip", "words"} <= plan["training"].keys()
    (run.folder / "run.json").write_text(json.dumps(plan))
    file = run.folder / "texts.safetensors"
    with safe_open(file, "pt") as opened:
        plain = json.loads(opened.metadata()["plain"]) | {"kind": "Texts"}
    save_file(load_file(file), file, metadata={"plain": json.dumps(plain)})
    assert run.plan == make_plan(steps=2) and run.written_plan["training"]["batch_size"] == 10
    assert Session(run).train() == "finished"


def test_plans_survive_json(make_plan):
    arms = {name: ArmPlan(StudentPlan(layers=(1, 2)), recipe) for name, recipe in RECIPES.items()}
    plan = make_plan(arms, extra={"note": "中文"})
    assert RunPlan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan
