"""Soft labels, losses and gradients of one gap, against PyTorch and the shipped models."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

import lessons
from core.charts.figures import percent
from core.engine import ENGINE, default_setting
from core.errors import LabError
from core.labs.temperature import figures as plots
from core.labs.temperature import formulas, gradients, losses, tables
from core.labs.temperature import soft_labels as study
from core.theory.temperature import TEMPERATURES

TEXT = "The doctor told the [MASK] to rest for a week."


@pytest.fixture(scope="module")
def gap() -> study.MaskedPosition:
    """The shipped teacher and student on one sentence; the true word is not the teacher's first choice by assumption."""
    setting = default_setting()
    return study.with_truth(ENGINE, setting, study.open_gap(ENGINE, setting, TEXT, 5), "patient")


@pytest.fixture
def small() -> study.MaskedPosition:
    """A gap of 40 words with drawn logits, large enough to have bands and a tail."""
    draw = torch.Generator().manual_seed(0)
    teacher, student = 3 * torch.randn(2, 40, generator=draw)
    return study.MaskedPosition(teacher, student, 7, lambda ids: [f"w{int(id)}" for id in ids])


def test_the_gap_holds_what_the_models_say(gap):
    setting = default_setting()
    model = ENGINE.checkpoint(setting, setting.teacher)
    ids = model.tokenizer(TEXT, return_tensors="pt")
    assert ids["input_ids"][0, 5] == model.tokenizer.mask_token_id
    with torch.no_grad():
        torch.testing.assert_close(gap.teacher, model.model(**ids).logits[0, 5], rtol=1e-4, atol=1e-4)
    assert gap.word(gap.truth) == "patient" and gap.words == len(model.tokenizer)
    assert not gap.identical


def test_without_a_true_word_the_teachers_first_choice_stands_in():
    setting = default_setting()
    opened = study.open_gap(ENGINE, setting, TEXT, 5)
    assert opened.truth == int(opened.teacher.argmax())


@pytest.mark.parametrize("word", ["playgroundsss", "two words", "🙂", "[MASK]", "[PAD]", "`", "don't", ""])
def test_a_label_must_be_one_token(gap, word):
    if word == "`":  # a backtick is a token of its own
        assert study.with_truth(ENGINE, default_setting(), gap, word).truth
        return
    with pytest.raises(LabError) as caught:
        study.with_truth(ENGINE, default_setting(), gap, word)
    assert caught.value.code == "not_one_token" and "`" not in caught.value.details["word"]


@pytest.mark.parametrize(("word", "piece"), [(" Patient ", "patient"), ("##ing", "##ing"), ("2010", "2010")])
def test_words_are_read_as_the_model_reads_them(gap, word, piece):
    changed = study.with_truth(ENGINE, default_setting(), gap, word)
    assert changed.word(changed.truth) == piece


@pytest.mark.parametrize("temperature", [0.25, 1, 4, 20])
def test_soft_label_against_pytorch(gap, temperature):
    label = study.soft_label(gap.teacher, temperature)
    p = (gap.teacher.double() / temperature).softmax(-1)
    assert label.entropy == pytest.approx(float(torch.distributions.Categorical(p).entropy()), rel=1e-6, abs=1e-9)
    assert label.effective == pytest.approx(math.exp(label.entropy))
    assert label.top == pytest.approx(float(p.max()), rel=1e-6)
    assert label.dark == pytest.approx(1 - float(p.max()), rel=1e-6, abs=1e-12)
    assert label.best == pytest.approx(float(p.topk(10).values.sum()), rel=1e-6)
    assert label.best + label.tail == pytest.approx(1) and len(label.bands) == 5
    assert label.kept == gap.words


def test_a_changed_order_is_noticed(monkeypatch, small):
    """The check must be able to fail: a 'softening' that flips one pair loses a rank."""

    def flipped(logits, temperature):
        p = (logits / temperature).softmax(-1)
        best = p.topk(2).indices
        p[best] = p[best.flip(0)]
        return p

    monkeypatch.setattr(study, "soften", flipped)
    assert study.soft_label(small.teacher, 2).kept < small.words


def test_most_mass_leaves_the_best_words_of_a_vocabulary_but_not_ten_classes(gap):
    view = study.view(gap, 8)
    assert view.teacher.tail > 0.8 > view.before.tail
    assert view.few.top > 10 * view.teacher.top
    assert view.few.tail == 0 and len(view.few.bands) == 2
    p = (gap.teacher.double() / 8).softmax(-1)[gap.truth]
    assert view.probability == pytest.approx(float(p), rel=1e-5)
    assert math.exp(view.distance / 8) * view.teacher.top == pytest.approx(float(p), rel=1e-4)


def test_entropy_rises_with_temperature(gap):
    values = study.entropies(gap.teacher)
    assert values == sorted(values) and values[-1] < study.most(gap)


def test_ranks_reach_from_the_first_word_to_the_last(gap):
    ranks, probabilities = study.ranked(gap.teacher, 2)
    p = (gap.teacher.double() / 2).softmax(-1)
    assert ranks[0] == 1 and ranks[-1] == gap.words and 100 < len(ranks) < 300
    assert probabilities[0] == pytest.approx(float(p.max())) and probabilities[-1] == pytest.approx(float(p.min()))
    assert probabilities == sorted(probabilities, reverse=True)


def test_words_shown_include_both_models_and_the_truth(gap):
    shown = study.words_at(gap, 2).words
    assert shown[0] == gap.word(int(gap.teacher.argmax()))
    assert {gap.word(int(gap.student.argmax())), "patient"} <= set(shown) and len(shown) == len(set(shown))


def test_fewer_classes_keep_the_truth(gap):
    few = gap.only(10)
    assert few.words == 10 and few.word(few.truth) == "patient"
    rare = study.MaskedPosition(gap.teacher, gap.student, int(gap.teacher.argmin()), gap.spell)
    assert rare.only(10).word(rare.only(10).truth) == rare.word(rare.truth)
    assert rare.only(10).words == 10


@pytest.mark.parametrize("scaled", [True, False])
def test_losses_against_pytorch(gap, scaled):
    log_s = F.log_softmax(gap.student.double()[None] / 4, dim=-1)
    log_t = F.log_softmax(gap.teacher.double()[None] / 4, dim=-1)
    kl = float(F.kl_div(log_s, log_t, reduction="batchmean", log_target=True))
    ce = float(F.cross_entropy(gap.student.double()[None], torch.tensor([gap.truth])))
    found = losses.losses(gap, 4, 0.3, scaled=scaled)
    assert found.divergence == pytest.approx(kl)
    assert found.soft == pytest.approx(kl * (16 if scaled else 1))
    assert found.hard == pytest.approx(ce) and found.probability == pytest.approx(math.exp(-ce))
    assert found.mixed == pytest.approx(0.3 * found.soft + 0.7 * ce)
    by_mean = losses.losses(gap, 4, 0.3, scaled=scaled, reduction="mean")
    assert by_mean.soft == pytest.approx(found.soft / gap.words)
    reverse = float(F.kl_div(log_t, log_s, reduction="batchmean", log_target=True))
    assert losses.losses(gap, 4, direction="reverse", scaled=False).soft == pytest.approx(reverse)
    assert losses.losses(gap, 4, direction="jsd", scaled=False).soft < math.log(2)


def test_the_curve_holds_the_same_losses(gap):
    soft, hard, mixed = losses.over_temperatures(gap, 0.5, "forward", True, "batchmean")
    index = TEMPERATURES.index(4)
    found = losses.losses(gap, 4)
    assert (soft[index], hard[index], mixed[index]) == (found.soft, found.hard, found.mixed)


def test_codebases_print_what_their_code_would(gap):
    """Each formula written out once more, as the codebase has it (distillation.md, A0)."""
    rows = lessons.table("temperature", "codebases")
    found = dict(zip([row["name"] for row in rows], losses.compared(gap, rows, 2, 0.3).printed, strict=True))
    s, t = gap.student.double()[None], gap.teacher.double()[None]
    log_s, p_t = F.log_softmax(s / 2, -1), F.softmax(t / 2, -1)
    ce = -(p_t * log_s).sum()
    kl = F.kl_div(log_s, p_t, reduction="batchmean")
    hard = F.cross_entropy(s, torch.tensor([gap.truth]))
    mixture = torch.stack([F.softmax(s, -1), F.softmax(t, -1)]).mean(0).log()
    jsd = 0.5 * (
        F.kl_div(mixture, F.softmax(t, -1), reduction="sum") + F.kl_div(mixture, F.softmax(s, -1), reduction="sum")
    )
    expected = {
        "Hinton et al. 2015": (4 * ce, 0.3 * 4 * ce + 0.7 * hard),
        "DistilBERT": (4 * kl, 5 * 4 * kl + 2 * hard),
        "TextBrewer": (ce, ce),
        "TinyBERT": ((-p_t * log_s).mean(), (-p_t * log_s).mean()),
        "PKD": (4 * kl / gap.words, 0.3 * 4 * kl / gap.words + 0.7 * hard),
        "torchdistill": (4 * kl, 0.7 * hard + 0.3 * 4 * kl),
        "Keras example (early)": (kl, 0.1 * hard + 0.9 * kl),
        "PyTorch tutorial": (ce * 4, 0.25 * 4 * ce + 0.75 * hard),
        "TRL, GKD": (jsd, jsd),
        "DistillKit": (4 * kl, 0.3 * 4 * kl + 0.7 * hard),
    }
    assert expected.keys() == found.keys()
    for name, values in expected.items():
        assert found[name].soft == pytest.approx(float(values[0]), rel=1e-6), name
        assert found[name].total == pytest.approx(float(values[1]), rel=1e-6), name
    assert losses.compared(gap, rows, 2, 0.3).factor > 1e4  # a vocabulary's size lies between them


def test_pushes_are_minus_the_gradients(gap):
    student = gap.student.double().requires_grad_()
    soft = 9 * F.kl_div((student / 3).log_softmax(-1), (gap.teacher.double() / 3).softmax(-1), reduction="sum")
    (soft_gradient,) = torch.autograd.grad(soft, student)
    hard = F.cross_entropy(student[None], torch.tensor([gap.truth]))
    (hard_gradient,) = torch.autograd.grad(hard, student)
    found = gradients.pushes(gap, 3)
    torch.testing.assert_close(found.soft, -soft_gradient[found.ids])
    torch.testing.assert_close(found.hard, -hard_gradient[found.ids])
    assert found.soft.tolist() == sorted(found.soft.tolist(), reverse=True)
    assert found.hard_up == 1 and found.soft_up == int((soft_gradient < 0).sum())
    cosine = F.cosine_similarity(soft_gradient, hard_gradient, dim=0)
    assert found.agreement == pytest.approx(float(cosine))
    assert found.ids[found.truth] == gap.truth and found.ids[found.riser] != gap.truth
    plain = gradients.pushes(gap, 3, scaled=False)
    torch.testing.assert_close(plain.soft, found.soft / 9)


def test_the_riddle_has_one_right_answer(gap):
    asked = gradients.riddle(gap, 2)
    rises = [p > q for p, q in zip(asked.teacher, asked.student, strict=True)]
    assert rises.count(True) == 1 and rises.index(True) == asked.answer
    assert gap.truth not in asked.ids and len(set(asked.ids)) == 3
    twin = study.MaskedPosition(gap.teacher, gap.teacher, gap.truth, gap.spell)
    assert twin.identical and gradients.riddle(twin, 2) is None


def test_gradients_follow_hinton(gap):
    found = gradients.gradients(gap)
    assert found.worst < 1e-4  # autograd against (q − p)/T
    torch.testing.assert_close(found.scaled / found.unscaled, torch.tensor(TEMPERATURES) ** 2)
    assert found.slope_unscaled == pytest.approx(found.slope_scaled - 2, abs=1e-5) and abs(found.slope_scaled) < 0.5
    assert found.doubling == 2
    assert found.centred[-1] > 0.9 and found.centred[-1] >= found.raw[-1]
    assert float(found.scaled[-1]) == pytest.approx(found.limit, rel=0.5)
    wide = gradients.gradients(gap, [100, 200])
    assert float(wide.scaled[-1]) == pytest.approx(wide.limit, rel=0.03) and wide.centred[-1] > 0.999


def test_with_ten_classes_the_square_holds_sooner(gap):
    few, all_words = gradients.gradients(gap.only(10)), gradients.gradients(gap)
    assert few.classes == 10 and few.shrinks < all_words.shrinks
    assert few.hard_over(True) < all_words.hard_over(True)


def test_mistakes_do_what_the_page_says(gap):
    unplugged = losses.consequence(gap, "unplugged").numbers
    assert unplugged["hard"] == unplugged["hard_fake"] and unplugged["mixed"] != pytest.approx(unplugged["mixed_fake"])
    bare = losses.consequence(gap, "bare_logits").numbers
    assert math.isnan(bare["wrong"]) and bare["right"] == pytest.approx(losses.losses(gap, 2, scaled=False).soft)
    leak = losses.consequence(gap, "leak").leak
    assert leak.loss[-1] == pytest.approx(0, abs=1e-9) and leak.gradient[-1] == pytest.approx(0, abs=1e-9)
    assert float(leak.loss[0]) == pytest.approx(losses.losses(gap, 2).soft)
    assert (leak.loss.diff() < 0).all()
    assert losses.consequence(gap, "logits_as_labels").message.startswith("ValueError")
    with pytest.raises(ValueError, match="no mistake"):
        losses.consequence(gap, "other")


def test_tables_hold_the_figures_numbers(gap):
    labels = lessons.labels("temperature", "en").group("bars")
    words = study.words_at(gap, 2)
    table = tables.behind(plots.word_bars(words.words, words.teacher, words.student, labels))
    assert table["at"].tolist() == words.words * 2
    assert table["value"].tolist() == pytest.approx([*words.teacher.tolist(), *words.student.tolist()])
    assert table["series"].unique().tolist() == ["Teacher", "Student"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.123, "0.123"), (0, "0"), (-2e-7, r"-2.00\times 10^{-7}"), (math.nan, r"\mathrm{nan}"), (30522, "30522")],
)
def test_numbers_in_formulas(value, text):
    assert formulas.number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, "50.0%"), (0.0091, "0.91%"), (0.000076, "0.0076%"), (3e-9, "3e-09"), (0, "0%")]
)
def test_small_shares_keep_two_digits(value, text):
    assert percent(value) == text


def test_the_loss_formula_shows_what_was_chosen():
    numbers = (0.05, 7.0, 3.9, 4, 0.5)
    whole = formulas.loss_formula(*numbers, "forward", True, "batchmean", 30522)
    assert r"T^2" in whole and "4^2" in whole and "30522" not in whole
    bare = formulas.loss_formula(*numbers, "reverse", False, "mean", 30522)
    assert "T^2" not in bare and r"\tfrac{1}{30522}" in bare and r"\mathrm{KL}(s" in bare
