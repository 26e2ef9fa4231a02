"""The students on their way: written once, opened in one way, whatever of them trains."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from core.distill.distiller import TrainingConfig
from core.distill.evaluation import Evaluator
from core.distill.inputs.words import WordsInUse
from core.distill.objectives.objective import CONTROL, mixture
from core.distill.students import save
from core.errors import LabError
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.process.session import Session
from core.runs.run import Run
from core.runs.snapshots import kept, student_at


@pytest.fixture
def run(model, tiny, texts, tmp_path):
    """A finished run that kept its students after the steps 1, 2, 4 and 6."""
    teacher = tmp_path / "teacher"
    save(model(layers=3), teacher, tiny("bert").tokenizer)
    student = StudentPlan(depth=2, width=16, heads=2)
    arms = {"distilled": ArmPlan(student, mixture(0.9, 4.0)), "control": ArmPlan(student, CONTROL)}
    training = TrainingConfig(steps=6, batch_size=10, learning_rate=3e-3)
    plan = RunPlan("a try", "single_label", (str(teacher),), arms, training, (3,), 10, 3)
    made = Run.create(tmp_path / "run", plan, texts(), texts())
    assert Session(made).train() == "finished"
    return made


def logits(student, texts):
    return Evaluator(texts()).logits(student)


def test_a_snapshot_is_the_student_of_its_step_in_half_precision(run, texts):
    assert run.snapshots("distilled") == [1, 2, 4, 6]
    states = [load_file(run.snapshot_file("distilled", 3, step)) for step in (1, 6)]
    assert {tensor.dtype for tensor in states[0].values() if tensor.is_floating_point()} == {torch.float16}
    first, last = (student_at(run, "distilled", 3, step) for step in (1, 6))
    assert {parameter.dtype for parameter in first.parameters()} == {torch.float32}
    assert not first.training and not any(parameter.requires_grad for parameter in first.parameters())
    for student, state in zip((first, last), states, strict=True):
        own = student.state_dict()
        assert all(torch.equal(own[name], tensor.to(own[name].dtype)) for name, tensor in state.items())
    assert not torch.allclose(logits(first, texts), logits(last, texts), atol=1e-3)


def test_words_in_use_are_read_as_they_were_written(run):
    student = student_at(run, "distilled", 3, 6)
    assert isinstance(student.get_input_embeddings(), WordsInUse)  # only some rows trained, so only those were kept
    other = student_at(run, "distilled", 3, 1)
    assert not torch.equal(student.get_input_embeddings().rows, other.get_input_embeddings().rows)


def test_one_model_takes_the_weights_of_any_step(run, texts):
    teacher = student_at(run, "control", 3, 1)  # a fresh student needs no more of a teacher than its vocabulary
    student = kept(run, "distilled", 3, teacher)
    assert kept(run, "distilled", 3, teacher) is student and student.size_bytes > 0
    for step in (6, 1, 4, 6):
        with student.at(step) as model:
            assert torch.equal(logits(model, texts), logits(student_at(run, "distilled", 3, step), texts))


def test_what_was_not_kept_or_cannot_be_read_is_said(run):
    with pytest.raises(LabError) as error:
        student_at(run, "distilled", 3, 3)
    assert error.value.code == "run_missing" and error.value.details["name"].endswith("0000003.safetensors")
    with pytest.raises(LabError) as error, kept(run, "control", 3, student_at(run, "control", 3, 1)).at(3):
        pass
    assert error.value.code == "run_missing"
    run.snapshot_file("distilled", 3, 4).write_bytes(b"nonsense")
    with pytest.raises(LabError) as error:
        student_at(run, "distilled", 3, 4)
    assert error.value.code == "broken_run"
