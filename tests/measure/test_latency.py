"""Latency: every model is passed as often, in turns, alone; and the quartiles and ratios are those of the passes."""

from __future__ import annotations

import time
from contextlib import contextmanager
from statistics import median

import pytest
import torch

from core.distill.inputs.encoding import masked
from core.engine import Engine
from core.errors import LabError
from core.measure.latency import WARM_UP, Latency, faster, latencies


@pytest.fixture(scope="module")
def batch(tiny):
    texts = masked(tiny("bert").tokenizer, ["the king rules a land", "the queen sings of cats and dogs"], 0.5)
    return texts.at_epoch(0).batch(torch.tensor([0, 1]))


def test_models_take_turns_and_each_round_is_alone(tiny, batch):
    seen, shares = [], []
    models = {name: tiny(name).model for name in ("bert", "distilbert")}
    hooks = [
        model.register_forward_hook(lambda *_, name=name: seen.append(name))
        for name, model in ((name, model.base_model) for name, model in models.items())
    ]

    @contextmanager
    def alone():
        seen.append("(")
        yield
        seen.append(")")

    found = latencies(models, batch, "masked_words", alone, shares.append, rounds=4)
    for hook in hooks:
        hook.remove()
    assert seen == ["(", "bert", "distilbert", ")"] * (4 + WARM_UP)
    assert all(len(one.milliseconds) == 4 and one.texts == 2 for one in found.values())
    for one in found.values():  # what the core spent on a pass is part of what the clock says
        assert all(0 < spent <= elapsed for spent, elapsed in zip(one.milliseconds, one.elapsed, strict=True))
    assert shares == sorted(shares) and shares[-1] == 1.0


def test_a_slow_machine_stops_early_but_not_too_early(tiny, batch):
    found = latencies({"bert": tiny("bert").model}, batch, "masked_words", rounds=20, longest=0.0)
    assert len(found["bert"].milliseconds) == 9


def test_one_round_has_no_spread(tiny, batch):
    with pytest.raises(ValueError, match="two rounds"):
        latencies({"bert": tiny("bert").model}, batch, "masked_words", rounds=1)


def test_waiting_for_a_core_is_not_counted(tiny, batch):
    model = tiny("bert").model
    hook = model.base_model.register_forward_hook(lambda *_: time.sleep(0.05))
    found = latencies({"bert": model}, batch, "masked_words", rounds=3)["bert"]
    hook.remove()
    assert found.by_the_clock > 50 and min(found.elapsed) - max(found.milliseconds) > 0


def test_quartiles_and_throughput():
    found = Latency(8, (4.0, 1.0, 3.0, 2.0, 100.0))
    assert (found.low, found.median, found.high) == (2.0, 3.0, 4.0)
    assert found.median == median(found.milliseconds)
    assert found.per_second == pytest.approx(8 / 0.003)


def test_ratios_are_taken_round_by_round():
    """A disturbance that doubles both models' time in some rounds leaves the ratio as it is."""
    quiet = (1.0, 1.1, 0.9, 1.0)
    noise = (1, 10, 1, 10)
    one = Latency(1, tuple(q * n for q, n in zip(quiet, noise, strict=True)))
    other = Latency(1, tuple(2 * q * n for q, n in zip(quiet, noise, strict=True)))
    ratio = faster(one, other)
    assert (ratio.low, ratio.median, ratio.high) == pytest.approx((2, 2, 2)) and ratio.sign == 1
    assert faster(other, one).sign == -1
    assert faster(one, Latency(1, (2.0, 5.0, 2.0, 5.0))).sign == 0


def test_alone_keeps_all_other_passes_of_an_engine_out(monkeypatch):
    monkeypatch.setattr("core.engine.PATIENCE_SECONDS", 0.05)
    engine = Engine(slots=3)
    with engine.alone(), pytest.raises(LabError) as error, engine.turn():
        pass
    assert error.value.code == "busy"
    with engine.turn(), pytest.raises(LabError), engine.alone():
        pass
    with engine.alone():  # what was held by the failed attempt is free again
        pass
