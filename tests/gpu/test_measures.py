"""What is measured of models on the accelerator: int8 on the CPU all the same, and numbers equal to the CPU's."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from torch import nn

from core.distill.evaluation import Evaluator
from core.labs.layer_surgery.bench import Table
from core.labs.layer_surgery.cut import Cut, whole
from core.labs.what_to_match.layer_costs import best_matrices, looked_at
from core.labs.worth_it.predictions import answers, quality
from core.measure import int8
from core.measure.calibration import reliability
from core.measure.latency import latencies
from core.measure.similarity import cka_grid
from core.models import load
from core.theory.attention import attention_distance, padding_mask
from core.theory.masking import mask_tokens
from core.theory.positions import relative_bias, rotary

CLOSE = {"rtol": 1e-3, "atol": 1e-3}
"""Both in float32, through the two or three layers of a tiny model with large weights."""


def seeded(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.skipif(not int8.available(), reason="this build of torch has no int8 kernels")
def test_int8_is_on_the_cpu_and_the_model_stays_where_it_is(model, texts, accelerator):
    plain = model().to(accelerator)
    small = int8.quantized(plain)
    assert {parameter.device.type for parameter in plain.parameters()} == {accelerator.type}
    assert {parameter.device.type for parameter in small.parameters()} == {"cpu"}
    assert not any(isinstance(module, nn.Linear) for module in small.modules())
    held_out = Evaluator(texts(), plain)
    torch.testing.assert_close(held_out.logits(small), held_out.logits(int8.quantized(model())), rtol=0, atol=0)
    times = latencies({"plain": plain, "int8": small}, texts().batch(torch.arange(4)), rounds=2)
    assert all(one.median > 0 for one in times.values())


def test_scores_of_a_model_there_are_those_of_the_same_here(model, texts, task, accelerator):
    data = texts(task)
    here, there = Evaluator(data, model(task, seed=1)), Evaluator(data, model(task, seed=1).to(accelerator))
    ours, theirs = there.scores(model(task).to(accelerator)), here.scores(model(task))
    assert (ours.rows, ours.accuracy, ours.agreement) == pytest.approx((theirs.rows, theirs.accuracy, theirs.agreement))
    assert (ours.loss, ours.divergence) == pytest.approx((theirs.loss, theirs.divergence), rel=1e-3)
    asked = [answers(model(task).to(device), data) for device in (accelerator, "cpu")]
    assert quality(*asked).agreement == 1 and asked[0].said.device.type == "cpu"


def test_calibration_takes_tensors_of_any_device(accelerator):
    probabilities, labels = seeded(40, 5).softmax(-1), torch.arange(40) % 5
    ours = reliability(probabilities.to(accelerator), labels.to(accelerator))
    theirs = reliability(probabilities, labels)
    assert ours.ece == pytest.approx(theirs.ece) and torch.equal(ours.count, theirs.count)


def test_cka_takes_tensors_of_any_device(accelerator):
    ours, theirs = ([state.to(device) for state in seeded(3, 12, 8)] for device in (accelerator, "cpu"))
    torch.testing.assert_close(cka_grid(ours, ours[:2]), cka_grid(theirs, theirs[:2]))


def test_masks_drawn_for_tensors_there_are_those_drawn_here(accelerator):
    ids, words = torch.arange(5, 45).view(2, 20), torch.arange(40).view(2, 20) // 2
    special = ids % 10 == 0

    def drawn(device, word_ids):
        moved = [tensor.to(device) for tensor in (ids, special)]
        grouped = None if word_ids is None else word_ids.to(device)
        generator = torch.Generator().manual_seed(3)
        return mask_tokens(moved[0], 4, 50, moved[1], 0.4, word_ids=grouped, generator=generator)

    for grouped in (None, words):
        ours, theirs = drawn(accelerator, grouped), drawn("cpu", grouped)
        for name in ("input_ids", "labels", "action"):
            there = getattr(ours, name)
            assert there.device.type == accelerator.type and torch.equal(there.cpu(), getattr(theirs, name))


def test_formulas_stay_on_the_device_of_what_they_are_given(accelerator):
    attention_mask = torch.tensor([[1, 1, 0]])
    cases = {
        "padding_mask": lambda on: padding_mask(attention_mask.to(on)),
        "relative_bias": lambda on: relative_bias(6, seeded(32, 4).to(on)),
        "attention_distance": lambda on: attention_distance(seeded(2, 5, 5).softmax(-1).to(on)),
    }
    if accelerator.type != "mps":  # the angles are computed in float64, which it lacks
        cases["rotary"] = lambda on: rotary(seeded(5, 8).to(on))
    for name, formula in cases.items():
        ours = formula(accelerator)
        assert ours.device.type == accelerator.type, name
        torch.testing.assert_close(ours.cpu(), formula("cpu"), **CLOSE)


def test_layer_surgery_costs_there_what_it_costs_here(family_folder, accelerator):
    here, there = (Table(load(family_folder("bert"), device), nullcontext) for device in ("cpu", accelerator))
    ours, theirs = (
        [table.judged(table.answered(_through(table, cut))) for cut in (whole(3), Cut((0, 2), ((2, 1),)))]
        for table in (there, here)
    )
    for one, other in zip(ours, theirs, strict=True):
        assert (one.loss.mean, one.rise.mean) == pytest.approx((other.loss.mean, other.rise.mean), rel=1e-3, abs=1e-3)


def _through(table, cut):
    states = table.states[0]
    for layer in cut.keep:
        states = table.through(layer, states, cut.heads(layer))
    return states


def test_layers_are_compared_on_the_cpu(model, texts, accelerator):
    batch = texts().batch(torch.arange(6))
    ours, theirs = (looked_at(model(layers=3).to(device), batch) for device in (accelerator, "cpu"))
    for part in ("hidden", "scores", "values"):
        for layer, tensor in getattr(theirs, part).items():
            torch.testing.assert_close(getattr(ours, part)[layer], tensor, **CLOSE)
    assert best_matrices(ours, ours).device.type == "cpu"
