"""The 16 kinds: soft labels, the two maps, and the stored experiment, against the models and against plain formulas."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers

from core.data import kinds as data
from core.data.kinds import KINDS, definitions, teacher_logits
from core.engine import default_setting, models_for
from core.errors import LabError
from core.labs.temperature import supersenses as kinds
from core.measure import label_budgets as kinds_experiment
from core.measure.label_budgets import experiment, reliability_of
from core.measure.verdict import over_seeds
from core.models import catalog

TEXT = "the bark of a tree used as medicine"
INSTALLED = {card.name for card in catalog()}
needs_pair = pytest.mark.skipif(not {"kinds-teacher", "kinds-student"} <= INSTALLED, reason="the pair is not installed")
stored = pytest.mark.skipif(not (data.FOLDER / data.RESULTS).exists(), reason="the experiment is not stored")


@pytest.fixture(scope="module")
def found(engine):
    return kinds.verdict(engine, default_setting(), TEXT)


@needs_pair
@torch.no_grad()
def test_the_verdict_is_what_plain_transformers_says(found):
    for name, ours in (("kinds-teacher", found.teacher), ("kinds-student", found.student)):
        folder = next(card.folder for card in catalog() if card.name == name)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float32).eval()
        inputs = transformers.AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt")
        assert torch.allclose(ours, model(**inputs).logits[0], atol=1e-4)
        assert ours.shape == (len(KINDS),)


@needs_pair
@pytest.mark.parametrize("temperature", [0.5, 1, 4, 20])
def test_the_view_is_a_softmax_in_an_order_that_stays(found, temperature):
    seen = kinds.view(found, temperature)
    soft = (found.teacher.double() / temperature).softmax(-1)
    assert torch.allclose(seen.teacher, soft.sort(descending=True).values)
    assert seen.order == kinds.view(found, 1).order
    assert seen.order[0] == KINDS[int(found.teacher.argmax())]
    assert seen.dark == pytest.approx(1 - float(soft.max()))
    assert seen.dark_before == pytest.approx(1 - float(found.teacher.double().softmax(-1).max()))
    assert seen.effective == pytest.approx(math.exp(-float((soft * soft.log()).sum())))
    assert seen.order[seen.said] == KINDS[int(found.student.argmax())]
    assert torch.allclose(
        seen.student,
        torch.stack([(found.student.double() / temperature).softmax(-1)[KINDS.index(k)] for k in seen.order]),
    )


@needs_pair
def test_the_opening_definition_is_split_by_the_shipped_teacher(found):
    """The lab opens on a soft label worth looking at: no kind has nine tenths, and the runners-up make sense."""
    seen = kinds.view(found, 1)
    assert float(seen.teacher[0]) < 0.9
    assert {"substance", "plant"} <= set(seen.order[:3])


@needs_pair
def test_a_chosen_pair_is_used_where_it_fits():
    standard = default_setting()
    assert models_for(standard, "kinds") == ("kinds-teacher", "kinds-student")
    both = replace(standard, teacher="kinds-student", student="kinds-student")
    assert models_for(both, "kinds") == ("kinds-student", "kinds-student")


def test_without_a_pair_it_says_which_is_missing(monkeypatch):
    monkeypatch.setattr("core.engine.catalog", lambda: [card for card in catalog() if card.task != "kinds"])
    with pytest.raises(LabError) as error:
        models_for(default_setting(), "kinds")
    assert error.value.code == "missing_pair" and error.value.details == {"role": "teacher"}


def test_the_confusion_map_counts():
    found = kinds.confusion()
    labels = [one.kind for one in definitions("test")]
    said = teacher_logits("test").argmax(-1).tolist()
    counted = np.zeros((len(KINDS), len(KINDS)))
    for true, other in zip(labels, said, strict=True):
        counted[true, other] += 1
    assert np.allclose(found.shares.numpy(), counted / counted.sum(1, keepdims=True))
    assert found.count.tolist() == counted.sum(1).tolist()
    assert found.accuracy == pytest.approx(np.trace(counted) / counted.sum())
    one, other, share = found.pair
    apart = counted / counted.sum(1, keepdims=True)
    np.fill_diagonal(apart, 0)
    assert share == pytest.approx(apart.max()) and apart[KINDS.index(one), KINDS.index(other)] == pytest.approx(share)


def test_similarity_leaves_the_first_choice_out():
    found = kinds.similarity(2)
    logits, labels = teacher_logits("test").double(), torch.tensor([one.kind for one in definitions("test")])
    right = logits.argmax(-1) == labels
    assert found.accuracy == 1 and int(found.count.sum()) == int(right.sum())
    assert torch.allclose(found.shares.diagonal(), torch.zeros(len(KINDS), dtype=torch.float64))
    assert torch.allclose(found.shares.sum(1), torch.ones(len(KINDS), dtype=torch.float64))
    kind = KINDS.index("plant")
    rows = (logits[right & (labels == kind)] / 2).softmax(-1)
    rows[:, kind] = 0
    assert torch.allclose(found.shares[kind], (rows / rows.sum(1, keepdim=True)).mean(0))


def test_soft_labels_find_likeness_that_a_reader_would():
    """Dark knowledge that can be read: at T = 2, right answers lean towards related kinds."""
    found = kinds.similarity(2)
    assert found.nearest("food") in {"plant", "substance", "animal"}
    assert found.nearest("plant") in {"animal", "food", "substance"}
    assert found.nearest("location") in {"artifact", "body", "attribute", "phenomenon"}


def test_missing_data_is_named(tmp_path):
    for read in (lambda: definitions("test", tmp_path), lambda: teacher_logits("test", tmp_path)):
        with pytest.raises(LabError) as error:
            read()
        assert error.value.code == "missing_data"
    with pytest.raises(LabError):
        data.experiment(tmp_path)


@stored
@pytest.mark.parametrize("measure", kinds_experiment.MEASURES)
def test_the_experiment_is_summed_up_over_its_seeds(measure):
    runs = data.experiment()["runs"]
    found = experiment(measure)
    seeds = sorted({row["seed"] for row in runs})
    assert found.seeds == len(seeds) >= 5
    assert [arm.labels for arm in found.alone] == [250, 1000, 4000, len(definitions("transfer"))]
    assert [arm.temperature for arm in found.warmed] == [1, 2, 4, 8]
    for arm in (*found.alone, *found.distilled, *found.warmed):
        values = [r[measure] for r in runs if (r["labels"], r["temperature"]) == (arm.labels, arm.temperature)]
        assert sorted(arm.values) == sorted(values) and len(values) == len(seeds)
        assert arm.mean == pytest.approx(np.mean(values)) and arm.std == pytest.approx(np.std(values, ddof=1))
    for gain, one, other in zip(found.gains, found.alone, found.distilled, strict=True):
        differences = np.array(other.values) - np.array(one.values)
        assert gain.mean == pytest.approx(differences.mean())
        assert gain.error == pytest.approx(differences.std(ddof=1) / math.sqrt(len(seeds)))


def test_the_size_of_a_gain_follows_the_verdict():
    def gain(*differences):
        return over_seeds(differences, [0.0] * len(differences))

    assert kinds_experiment.size_of(gain(0.10, 0.12, 0.04)) == 0  # nine points, but not clear
    sizes = [kinds_experiment.size_of(gain(d, d + 0.001, d - 0.001)) for d in (-0.2, 0.01, 0.1, 0.3)]
    assert sizes == [0, 0, 1, 2]


@stored
def test_bins_of_all_seeds_together_keep_the_calibration():
    """Pooled bins hold every prediction, and one seed's bins give back its stored error."""
    runs = data.experiment()["runs"]
    pooled = reliability_of(1000, None)
    assert int(pooled.count.sum()) == len(definitions("test")) * experiment("ece").seeds
    row = runs[0]
    count, right, sure = (
        np.array([v or 0 for v in row[name]], dtype=float) for name in ("count", "right", "confidence")
    )
    assert (count * abs(right - sure)).sum() / count.sum() == pytest.approx(row["ece"], abs=2e-4)
    assert reliability_of(0, None).ece == pytest.approx(data.experiment()["teacher"]["ece"], abs=2e-4)
    with pytest.raises(ValueError):
        reliability_of(77, None)


@stored
def test_what_the_course_says_of_few_labels_holds():
    """The claim that everything hangs on: with few labels the teacher helps, far beyond the spread."""
    found = experiment("accuracy")
    assert all(gain.verdict == "better" and gain.mean > 5 * gain.error for gain in found.gains[:2])
    assert found.gains[0].mean > found.gains[-1].mean
