"""Training on the accelerator: as on the CPU, in mixed precision, and resumed after its process was killed.

Two runs of 12 steps in float32 on two devices part by roundings that each step multiplies: their last losses may differ by 1 %.
Mixed precision rounds every product to 8 bits (bfloat16, 0.4 %) or 11 (float16, 0.05 %); on a CPU the losses then end within
1.1 % and 0.1 % of the float32 twin's. A GPU adds up in another order, hence 5 %.
"""

from __future__ import annotations

import os
import signal
import time

import pytest
import torch

from core.distill.distiller import Arm, Distiller, TrainingConfig
from core.distill.evaluation import Evaluator
from core.distill.objectives.objective import CONTROL, Objective, mixture
from core.distill.objectives.terms import AttentionScores, Hard, Hidden, Soft, ValueRelation
from core.distill.students import from_layers, open_for, save
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.process.session import Session
from core.runs.queue import RunQueue
from core.runs.run import Run
from core.runs.snapshots import student_at
from core.runs.storage import load_state, save_state

SAME_PRECISION, MIXED = 0.01, 0.05
PATIENCE = 300
STEPS, LONG = 12, 400
"""Of a training, and of a run that must not end before its process is killed."""

RICH = Objective((Soft(weight=0.5), Hard(weight=0.5), Hidden(), AttentionScores(), ValueRelation()))


@pytest.fixture
def make(model, texts):
    """`make(device, precision, ...)`: a training of both arms."""

    def made(device, precision="float32", task="single_label", objective=RICH, **options):
        arms = {"distilled": Arm(model(task, seed=2), objective), "control": Arm(model(task, seed=2), CONTROL)}
        training = TrainingConfig(steps=STEPS, batch_size=10, learning_rate=3e-3, precision=precision, **options)
        return Distiller(model(task, layers=3), arms, texts(task), training, device=device)

    return made


def curve(distiller):
    return [[arm.loss for arm in step.arms.values()] for step in distiller]


def test_both_arms_learn_as_on_the_cpu(make, task, accelerator):
    ours, theirs = (curve(make(device, task=task)) for device in (accelerator, "cpu"))
    assert ours[0] == pytest.approx(theirs[0], rel=1e-3)
    assert ours[-1] == pytest.approx(theirs[-1], rel=SAME_PRECISION)
    assert ours[0] != ours[-1]


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision_ends_near_its_float32_twin(make, precision, task, accelerator):
    exact, mixed = (curve(make(accelerator, each, task)) for each in ("float32", precision))
    assert mixed != exact
    assert mixed[-1] == pytest.approx(exact[-1], rel=MIXED)


def test_weights_and_optimizer_stay_in_float32_on_the_device(make, accelerator):
    distiller = make(accelerator, "bfloat16")
    distiller.step()
    for trainer in distiller._trainers.values():
        for parameter in trainer.parameters.values():
            state = trainer.optimizer.state[parameter]
            for tensor in (parameter, state["exp_avg"], state["exp_avg_sq"]):
                assert tensor.dtype == torch.float32 and tensor.device.type == accelerator.type


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_a_training_resumed_from_its_files_goes_on_as_if_never_cut(make, precision, accelerator, tmp_path):
    """Dropout included: each step draws from (seed, step), on the CPU and the device, so no checkpoint holds a generator."""
    whole, first, second = (make(accelerator, precision, dropout=True) for _ in range(3))
    expected = curve(whole)
    for _ in range(5):
        first.step()
    save_state(first.state_dict(), tmp_path / "checkpoints" / "5", {})
    torch.rand(7, device=accelerator)  # what else draws there does not matter
    second.load_state_dict(load_state(tmp_path / "checkpoints" / "5")[0])
    for trainer in second._trainers.values():
        for parameter, state in trainer.optimizer.state.items():
            assert {value.device for value in state.values()} == {parameter.device}
    rest = curve(second)
    for ours, theirs in zip(rest, expected[5:], strict=True):
        assert ours == pytest.approx(theirs, rel={"float32": 1e-3, "float16": 1e-2}[precision])


def test_dropout_leaves_the_device_s_generator_alone(make, accelerator):
    module = torch if accelerator.type == "cpu" else torch.get_device_module(accelerator)
    distiller = make(accelerator, dropout=True)
    before = module.get_rng_state()
    distiller.step()
    assert torch.equal(module.get_rng_state(), before)


@pytest.mark.parametrize("words", ["in_use", "all", "frozen"])
def test_a_student_of_the_teacher_s_layers_trains_there_and_opens_anywhere(
    words, model, texts, tiny, accelerator, tmp_path
):
    teacher = model(layers=3).to(accelerator)
    student = from_layers(teacher, (0, 2), heads_off=[(0, 1)])
    assert next(student.parameters()).device.type == accelerator.type
    training = TrainingConfig(steps=STEPS, batch_size=10, learning_rate=3e-3, train_embeddings=words)
    distiller = Distiller(teacher, {"a": Arm(student, mixture())}, texts(), training, cache_folder=tmp_path / "answers")
    list(distiller)
    trained = distiller.finish()["a"]
    save(trained, tmp_path / "student", tiny("bert").tokenizer)
    again = open_for(tmp_path / "student", "single_label")
    held_out = Evaluator(texts(), teacher)
    ours, theirs = held_out.logits(trained), held_out.logits(again)
    assert ours.device.type == "cpu"
    torch.testing.assert_close(ours, theirs, rtol=1e-3, atol=1e-3)


@pytest.fixture
def make_run(model, tiny, texts, tmp_path, accelerator):
    teacher = tmp_path / "teacher"
    save(model(layers=3), teacher, tiny("bert").tokenizer)
    student = StudentPlan(depth=2, width=16, heads=2)

    def made(name, steps, arms=None, precision="float32"):
        arms = arms or {"distilled": ArmPlan(student, mixture(0.9, 4.0)), "control": ArmPlan(student, CONTROL)}
        training = TrainingConfig(steps=steps, batch_size=10, learning_rate=3e-3, dropout=True, precision=precision)
        plan = RunPlan(
            name, "single_label", (str(teacher),), arms, training, measure_every=50, device=str(accelerator.type)
        )
        return Run.create(tmp_path / "runs" / name, plan, texts(), texts())

    return made


def assert_one_end(run, other, data, exact):
    """The last losses and the finished students' logits agree.

    Weights are not compared on a GPU: its sums are not always taken in one order, and AdamW makes steps of full length out of the
    rounding of a gradient that is 0, as a key's bias has it, which no logit depends on.
    """
    rel = 1e-4 if exact else 0.05
    for arm in run.plan.arms:
        ours, theirs = ([line["arms"] for line in each.metrics()[0] if "arms" in line][-1] for each in (run, other))
        assert ours[arm]["loss"] == pytest.approx(theirs[arm]["loss"], rel=rel)
        students = [open_for(each.student_folder(arm), "single_label") for each in (run, other)]
        logits, expected = (Evaluator(data).logits(student) for student in students)
        assert (logits - expected).abs().max() <= rel * expected.abs().max()


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_a_run_paused_watched_and_resumed_ends_as_one_that_was_never_cut(
    make_run, precision, accelerator, exact, texts, monkeypatch
):
    monkeypatch.setattr("core.runs.process.probe.LOOK_SECONDS", 0.0)
    arms = {
        "distilled": ArmPlan(StudentPlan(layers=(0, 2)), Objective((Soft(), Hidden()))),
        "control": ArmPlan(StudentPlan(depth=2, width=16, heads=2, words="teacher"), CONTROL),
    }
    whole, cut = (make_run(name, 20, arms, precision) for name in ("whole", "cut"))
    cut.watch("the king sings of cats")
    assert Session(whole).train() == "finished"
    assert Session(cut).train(steps=7) == "paused"
    assert Session(cut).train() == "finished"
    assert cut.watched()["step"] == 20
    assert_one_end(cut, whole, texts(), exact)
    teacher = open_for(cut.plan.teachers[0], "single_label", accelerator)
    kept = student_at(cut, "distilled", 0, 20, teacher)
    assert next(kept.parameters()).device.type == "cpu"


def until(condition, seconds=PATIENCE):
    """Waits for a condition, and fails if it does not come."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def test_a_killed_worker_s_run_goes_on_from_its_checkpoint(make_run, accelerator, exact, texts, tmp_path):
    if accelerator.type == "pretend":
        pytest.skip("another process does not know the pretend device")
    run, whole = make_run("killed", LONG), make_run("whole", LONG)
    run_queue = RunQueue(tmp_path / "runs", slots=1, options={"checkpoint_seconds": 0.1})
    try:
        run_queue.submit("killed")
        until(lambda: run_queue.view("killed").status.done >= 40)
        os.kill(run_queue._workers[0].pid, signal.SIGKILL)
        until(lambda: run_queue.view("killed").state == "interrupted")
        assert run.checkpoints and 0 < run.status().done < LONG
        run_queue.resume("killed")
        until(lambda: run_queue.view("killed").state in ("finished", "failed"))
        assert run_queue.view("killed").state == "finished", run_queue.view("killed").status.error
    finally:
        run_queue.close()
    assert [line["number"] for line in run.metrics()[0] if "arms" in line] == list(range(1, LONG + 1))
    assert Session(whole).train() == "finished"
    assert_one_end(run, whole, texts(), exact)
