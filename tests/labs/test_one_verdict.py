"""The same gains through every page that can judge them: one answer, in the same words."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

import lessons
from core.data import kinds
from core.distill.objectives.objective import CONTROL, mixture, stages_of, stages_to_list
from core.distill.objectives.recipes import RECIPES
from core.labs.distil.curves import conclusion
from core.labs.experiments.results import End
from core.labs.layer_surgery.bench import Mean
from core.labs.what_to_match.outcome import Outcome
from core.labs.worth_it.report import Report, Series
from core.measure.label_budgets import experiment
from core.measure.verdict import Comparison, over_seeds
from pages.kit import verdict

GAINS = {
    (0.10, 0.12, 0.04): "unclear",
    (0.06, 0.09, 0.03): "unclear",
    (0.05, 0.02, 0.04): "unclear",
    (0.10, 0.12, 0.11): "better",
    (-0.10, -0.12, -0.11): "worse",
    (0.30, 0.31): "too_few",
    (0.30,): "too_few",
}
ROWS = 300
CONTROLS = (0.50, 0.52, 0.48)


def distil(distilled: list[float], control: list[float], stages=None) -> Comparison:
    """The Distil page, from the lines of a run's metrics."""

    def scores(value: float) -> dict:
        return {"accuracy": value, "agreement": value, "rows": ROWS}

    lines = [
        {"seed": seed, "number": 9, "scores": {"distilled": scores(a), "control": scores(b), "teacher": scores(0.9)}}
        for seed, (a, b) in enumerate(zip(distilled, control, strict=True))
    ]
    stages = stages_to_list(stages_of(mixture(0.9))) if stages is None else stages
    return conclusion(lines, {"training": {"steps": 9}, "arms": {"distilled": {"stages": stages}}}).gain


def experiments(distilled: list[float], control: list[float]) -> Comparison:
    def end(values: list[float]) -> End:
        return End(tuple(values), (), (), ROWS)

    return end(distilled).compared_with(end(control))


def what_to_match(distilled: list[float], control: list[float]) -> Comparison:
    accuracy = {"logits": distilled, "control": control}
    return Outcome({"accuracy": accuracy}, list(range(len(control))), 0.9, ROWS).compare("logits")


def worth_it(distilled: list[float], control: list[float]) -> Comparison:
    seeds = tuple(range(len(control)))
    one, other = (Series(seeds, tuple(v), tuple(v), tuple(v)) for v in (distilled, control))
    teacher = Series((0,), (0.9,), (1.0,), (0.1,))
    report = Report("x", "", "x", "single_label", teacher, {"a": one, "b": other}, "b", ROWS, ROWS, 0.1)
    return report.compare("a")


def stored_experiment(distilled: list[float], control: list[float], monkeypatch) -> Comparison:
    runs = [
        {"labels": 250, "temperature": temperature, "seed": seed, "accuracy": value}
        for temperature, values in ((2.0, distilled), (None, control))
        for seed, value in enumerate(values)
    ]
    monkeypatch.setattr(kinds, "experiment", lambda: {"runs": runs, "teacher": {"accuracy": 0.9}})
    return experiment("accuracy").gains[0]


@pytest.mark.parametrize(("gains", "expected"), GAINS.items())
def test_every_page_gives_the_same_answer(gains, expected, monkeypatch):
    control = list(CONTROLS[: len(gains)])
    distilled = [base + gain for base, gain in zip(control, gains, strict=True)]
    found = {
        "distil": distil(distilled, control),
        "experiments": experiments(distilled, control),
        "what_to_match": what_to_match(distilled, control),
        "worth_it": worth_it(distilled, control),
        "stored": stored_experiment(distilled, control, monkeypatch),
    }
    assert {one.verdict for one in found.values()} == {expected}
    for language in lessons.LANGUAGES:
        page = SimpleNamespace(t=lessons.labels("distil", language))
        assert (
            len({verdict.sentence(page, one, "A", "B", "accuracy") for one in found.values()}) <= 2
        )  # rounding of shares


def test_layer_surgery_judges_over_texts_by_the_same_rule():
    gains = (0.10, 0.12, 0.04)
    one = over_seeds(gains, (0.0,) * 3, smaller_is_better=True)
    rise = Mean(one.mean, one.error, 3).change
    assert rise.verdict == one.verdict == "unclear" and rise.interval.low == pytest.approx(one.interval.low)
    assert Mean(0.5, 0.1, 32).change.verdict == "worse"  # a loss that rises


@pytest.mark.parametrize(
    ("name", "verdict_"), [("minilm", "not_meaningful"), ("hinton", "worse"), ("tinybert", "worse")]
)
def test_no_objective_is_blamed_for_a_head_that_it_does_not_train(name, verdict_):
    stages = stages_to_list(RECIPES[name].stages)
    assert distil([0.1, 0.11, 0.1], [0.6, 0.62, 0.61], stages).verdict == verdict_
    assert distil([0.1, 0.11, 0.1], [0.6, 0.62, 0.61], stages_to_list(stages_of(CONTROL))).verdict == "worse"


@pytest.mark.parametrize("language", lessons.LANGUAGES)
@pytest.mark.parametrize("unit", ["points", "nats", "ece"])
def test_every_verdict_has_its_words(language, unit):
    page = SimpleNamespace(t=lessons.labels("common", language))
    cases = [(), (0.3,), (0.3, 0.31), (0.1, 0.12, 0.11), (-0.1, -0.12, -0.11), (0.1, -0.1, 0.02)]
    said = set()
    for gains in cases:
        found = over_seeds(gains, (0.0,) * len(gains))
        text = verdict.sentence(page, found, "the distilled student", "the control", "accuracy", unit)
        assert "{" not in text and "nan" not in text and text.count("**") == 2
        said.add(text)
    blind = over_seeds((0.1, 0.1, 0.2), (0.5, 0.5, 0.5), meaningful=False)
    said.add(verdict.sentence(page, blind, "the distilled student", "the control", "accuracy", unit))
    assert len(said) == len(cases) + 1
