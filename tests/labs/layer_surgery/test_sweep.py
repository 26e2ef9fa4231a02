"""The sweeps of layer surgery: every choice of layers and every head, measured once, as a single click would measure them."""

from __future__ import annotations

import threading
from itertools import combinations

import pytest

from core.background import sweep
from core.distill.objectives.layer_maps import CHOICES
from core.engine import Engine, default_setting
from core.errors import LabError
from core.labs.layer_surgery import surgery as study
from core.labs.layer_surgery import sweep as sweeps
from core.labs.layer_surgery.cut import Cut, make_cut

SETTING = default_setting()
SMALL = "minilm-student"


@pytest.fixture(scope="module")
def cuts(engine) -> sweeps.Cuts:
    return sweeps.every_cut(engine, SETTING, SMALL).wait()


@pytest.fixture(scope="module")
def heads(engine) -> sweeps.Importance:
    return sweeps.every_head(engine, SETTING, SMALL).wait()


def test_a_sweep_finds_what_single_cuts_cost(engine, cuts):
    assert cuts.every and len(cuts.costs) == 8
    fresh_engine = Engine()
    for keep in ((), (1,), (0, 2)):
        alone = study.cost(fresh_engine, SETTING, SMALL, Cut(keep))
        assert cuts.costs[keep].loss.mean == pytest.approx(alone.loss.mean, abs=1e-5)
    rises = [cost.rise.mean for cost in cuts.without]
    assert rises[cuts.cheapest] == min(rises) and rises[cuts.costliest] == max(rises)
    assert cuts.best(2) == min(combinations(range(3), 2), key=lambda keep: cuts.costs[keep].loss.mean)


def test_rules_are_compared_by_what_they_keep(cuts):
    for rule in CHOICES:
        for point in cuts.line(rule, "loss"):
            assert point.keep == CHOICES[rule](point.count, 3)
            assert point.value == cuts.costs[point.keep].loss.mean
    assert sweeps.rule_keeps("every_other", 3, 3) is None
    for one in cuts.rounds():
        losses = {rule: cuts.costs[keep].loss.mean for rule in sweeps.NAMED if (keep := cuts.by_rule(rule, one.count))}
        assert losses[one.rule] == min(losses.values()) == one.loss.mean
        assert one.lead.mean == pytest.approx(losses[one.second] - losses[one.rule])
    best = {point.count: point.value for point in cuts.best_line("top1")}
    assert best[2] == max(cuts.costs[keep].top1.mean for keep in cuts.of(2))


def test_head_importance_is_the_loss_without_the_head(engine, heads):
    assert heads.rise.shape == (3, 12)
    for head in ((0, 0), (2, 7)):
        alone = study.cost(Engine(), SETTING, SMALL, make_cut((0, 1, 2), [head]))
        assert float(heads.rise[head]) == pytest.approx(alone.rise.mean, abs=1e-5)
        assert float(heads.divergence[head]) == pytest.approx(alone.divergence.mean, abs=1e-5)
    ranked = [float(heads.rise[head]) for head in heads.order]
    assert ranked == sorted(ranked) and len(set(heads.order)) == 36
    assert heads.helped == sum(rise < 0 for rise in ranked) and heads.added(3) == pytest.approx(sum(ranked[:3]))
    counts = [count for count, _ in heads.together]
    assert counts[-1] == 36 and counts == sorted(set(counts))
    cut = make_cut((0, 1, 2), heads.order[: counts[1]])
    together = study.cost(Engine(), SETTING, SMALL, cut)
    assert heads.together[1][1].rise.mean == pytest.approx(together.rise.mean, abs=1e-5)
    assert heads.free() in [0, *counts]


def test_a_sweep_that_fails_tells_why_and_is_tried_again():
    tries = []

    def work(count):
        tries.append(1)
        count()
        if len(tries) == 1:
            raise LabError("busy")
        return "found"

    key = ("test", threading.get_ident(), id(tries))
    with pytest.raises(LabError):
        sweep(key, 1, work).wait()
    assert sweep(key, 1, work).wait() == "found"
    assert sweep(key, 1, work).result() == "found" and len(tries) == 2


def test_a_sweep_and_clicks_share_one_place_without_waiting_for_each_other(monkeypatch):
    """The click holds a cut's place in memory and needs the turn; a sweep that held the turn for that place would stop both."""
    monkeypatch.setattr("core.engine.PATIENCE_SECONDS", 8.0)
    narrow = Engine(slots=1)
    opened = study.table(narrow, SETTING, SMALL)
    asked = [keep for count in range(4) for keep in combinations(range(3), count)]
    found: dict[tuple[int, ...], float] = {}

    def click() -> None:
        for keep in asked:
            found[keep] = study.cost(narrow, SETTING, SMALL, Cut(keep)).loss.mean

    clicks = threading.Thread(target=click)
    going = sweeps.every_cut(narrow, SETTING, SMALL)
    clicks.start()
    cuts = going.wait()
    clicks.join(60)
    assert cuts.opened is opened and found == {keep: cuts.costs[keep].loss.mean for keep in asked}


def test_of_a_deep_model_only_what_the_rules_name_is_measured(monkeypatch):
    monkeypatch.setattr(sweeps, "MOST_LAYERS", 2)
    found = sweeps.every_cut(Engine(), SETTING, SMALL).wait()
    assert not found.every and set(found.costs) == {(), (0,), (2,), (0, 1), (1, 2), (0, 2), (0, 1, 2)}
    assert len(found.without) == 3 and len(found.rounds()) == 2 and len(found.line("spread", "divergence")) == 3
