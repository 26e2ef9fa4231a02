"""Heads switched off in the weights: as if their output were zero, for good, whatever the student learns."""

from __future__ import annotations

import json

import pytest
import torch

from core.distill.distiller import Arm, Distiller, TrainingConfig
from core.distill.heads import layers_of, switch_off
from core.distill.objectives.objective import Objective
from core.distill.objectives.terms import AttentionScores, Hard, Hidden, Soft, ValueRelation
from core.distill.students import from_layers, open_for, save
from core.errors import LabError
from core.models.families import bert_like
from core.runs.card import write_card
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.trace.interventions import AblateHead
from core.trace.observe import observing

IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 9, 8, 3, 0]])
INPUTS = {"input_ids": IDS, "attention_mask": (IDS != 0).long()}
EVERYTHING = Objective((Soft(), Hard(), Hidden(), AttentionScores(), ValueRelation()))


def silenced(model) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """W_V's rows and W_O's columns by layer and head, flattened: `[head, number]` each."""
    count = model.config.num_attention_heads
    found = []
    for layer in layers_of(model):
        value, output = layer.attention.self.value, layer.attention.output.dense.weight
        rows = torch.cat((value.weight, value.bias[:, None]), dim=1)
        found.append((rows.reshape(count, -1), output.T.reshape(count, -1)))
    return found


@pytest.mark.parametrize("family", bert_like())
@torch.no_grad()
def test_a_head_off_is_a_head_whose_output_is_zero(tiny, family):
    teacher = tiny(family).model
    student = from_layers(teacher, (0, 2), [(2, 1), (0, 3), (1, 0)]).eval()  # layer 1 goes, and its head with it
    plain = from_layers(teacher, (0, 2)).eval()
    whole = plain(**INPUTS).logits
    with observing([AblateHead(0, 3), AblateHead(1, 1)]):
        expected = plain(**INPUTS).logits
    torch.testing.assert_close(student(**INPUTS).logits, expected, atol=1e-5, rtol=1e-5)
    assert (expected - whole).abs().max() > 0.01


def test_it_stays_off_through_training_with_every_loss_and_afterwards(model, texts, tmp_path):
    teacher = model(layers=3)
    student = from_layers(teacher, (0, 2), [(0, 1), (2, 3)])
    switch_on = from_layers(teacher, (0, 2))
    training = TrainingConfig(steps=10, batch_size=10, learning_rate=3e-3, weight_decay=0.1, dropout=True)
    list(Distiller(teacher, {"a": Arm(student, EVERYTHING), "b": Arm(switch_on, EVERYTHING)}, texts(), training))
    save(student, tmp_path)
    again = open_for(tmp_path, "single_label")
    for place, head in ((0, 1), (1, 3)):
        for values, columns in (silenced(student)[place], silenced(again)[place]):
            assert not values[head].any() and not columns[head].any()
            others = [number for number in range(4) if number != head]
            assert values[others].any(dim=1).all()
    start = from_layers(teacher, (0, 2), [(0, 1), (2, 3)])
    moved = (silenced(student)[0][0][0] - silenced(start)[0][0][0]).abs().max()
    assert moved > 1e-4  # the others did learn


@pytest.mark.parametrize("head", [(3, 0), (0, 4), (-1, 0), (0, -1)])
def test_heads_that_do_not_exist_are_refused(tiny, head):
    with pytest.raises(LabError) as error:
        from_layers(tiny("bert").model, (0, 1), [head])
    assert error.value.code == "bad_heads"
    with pytest.raises(LabError) as error:
        switch_off(from_layers(tiny("bert").model, (0, 1, 2)), {head[0]: [head[1]]})
    assert error.value.code == "bad_heads"


@pytest.mark.parametrize("family", ["albert", "modernbert", "gpt2"])
def test_other_families_are_refused_in_a_sentence(tiny, family):
    assert from_layers(tiny(family).model, (0,)).config.num_hidden_layers == 1
    with pytest.raises(LabError) as error:
        from_layers(tiny(family).model, (0,), [(0, 1)])
    assert error.value.code == "not_bert_like"


def test_a_plan_keeps_them_and_older_plans_have_none(tiny, tmp_path):
    student = StudentPlan(layers=(0, 2), heads_off=((0, 1), (2, 3)))
    plan = RunPlan("cut", "masked_words", ("teacher",), {"a": ArmPlan(student, EVERYTHING)}, TrainingConfig(steps=3))
    written = json.loads(json.dumps(plan.to_dict()))
    assert RunPlan.from_dict(written) == plan
    teacher = tiny("bert").model
    made = student.build(teacher, "masked_words", seed=0)
    assert not silenced(made)[0][0][1].any() and not silenced(made)[1][0][3].any() and silenced(made)[0][0][0].any()
    write_card(tmp_path, made, plan, "a", 0, 3, {}, None)
    assert "its heads 0.1, 2.3 (layer.head) set to zero" in (tmp_path / "README.md").read_text(encoding="utf-8")
    del written["arms"]["a"]["student"]["heads_off"]
    assert RunPlan.from_dict(written).arms["a"].student.heads_off == ()
