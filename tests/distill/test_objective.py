"""Objectives as data, and each recipe against its source, written out by formula."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch.nn import functional as F

from core.build.train.student import LAYERS
from core.distill.forward import FeatureRequest, Shape, asked_labels, forward, shape_of
from core.distill.objectives import layer_maps
from core.distill.objectives.layer_maps import USUAL
from core.distill.objectives.losses import bernoulli_hard_loss, bernoulli_soft_loss
from core.distill.objectives.objective import (
    CONTROL,
    Objective,
    Stage,
    mixture,
    stages_from_list,
    stages_of,
    stages_to_list,
)
from core.distill.objectives.recipes import RECIPES
from core.distill.objectives.schedules import Schedule, at
from core.distill.objectives.terms import (
    KINDS,
    AttentionKL,
    AttentionScores,
    Cls,
    Cosine,
    Embedding,
    Hard,
    Hidden,
    LossContext,
    Matching,
    Soft,
    ValueRelation,
)
from core.errors import LabError
from core.labs.distil.pair import kept_of
from core.labs.distil.setup import Setup, rule_layers
from core.models.card import catalog

EVERYTHING = FeatureRequest(
    True, frozenset(range(-1, 4)), frozenset(range(4)), frozenset(range(4)), frozenset(range(4))
)  # of a model of four layers
FIRST_TWO = FeatureRequest(True, frozenset({-1, 0, 1}), frozenset({0, 1}), frozenset({0, 1}), frozenset({0, 1}))


@pytest.fixture
def lesson_of(model, texts):
    """Teacher of four layers, student of two, three texts of different lengths: what they computed, and their lesson."""
    batch = texts().batch(torch.tensor([0, 9, 33]))
    teacher, student = model(layers=4, seed=1), model(layers=2, seed=2)
    theirs = forward(teacher, batch, "single_label", EVERYTHING)
    ours = forward(student, batch, "single_label", FIRST_TWO)

    def make(progress=0.0):
        return LossContext(
            "single_label", batch.labels, progress, shape_of(student), shape_of(teacher), lambda _, states: states
        )

    return ours, theirs, make


def total(recipe, stage, lesson_of):
    ours, theirs, make = lesson_of
    return RECIPES[recipe].stages[stage].objective.losses(ours, theirs, make())[0]


def softened_kl(ours, theirs, temperature):
    p, q = (theirs.logits / temperature).softmax(-1), (ours.logits / temperature).softmax(-1)
    return (p * (p.log() - q.log())).sum() / len(p)


def test_hinton(lesson_of):
    ours, theirs, make = lesson_of
    expected = 2**2 * softened_kl(ours, theirs, 2) + 0.5 * F.cross_entropy(ours.logits, make().labels)
    torch.testing.assert_close(total("hinton", 0, lesson_of), expected)


def test_distilbert(lesson_of):
    ours, theirs, make = lesson_of
    real, ones = ours.real, torch.ones(int(ours.real.sum()))
    cosine = F.cosine_embedding_loss(ours.hidden[1][real], theirs.hidden[3][real], ones)
    expected = 5 * 4 * softened_kl(ours, theirs, 2) + 2 * F.cross_entropy(ours.logits, make().labels) + cosine
    torch.testing.assert_close(total("distilbert", 0, lesson_of), expected)
    assert layer_maps.layers(RECIPES["distilbert"].starts_from, 6, 12) == (0, 2, 4, 7, 9, 11)


def test_tinybert(lesson_of):
    """Equations 7 to 10, with g(1) = 2 and g(2) = 4 for two of four layers (counted from 1)."""
    ours, theirs, _ = lesson_of
    real, tokens = ours.real, int(ours.real.sum())
    pairs = (real[:, None, :, None] & real[:, None, None, :]).float()
    expected = 0.0
    for student, teacher in ((-1, -1), (0, 1), (1, 3)):
        difference = (ours.hidden[student] - theirs.hidden[teacher])[real]
        expected += (difference**2).sum() / (tokens * 32)
        if student >= 0:
            squares = (ours.scores[student] - theirs.scores[teacher]) ** 2 * pairs
            expected += squares.sum() / (pairs.sum() * 4)
    torch.testing.assert_close(total("tinybert", 0, lesson_of), expected)
    soft_cross_entropy = -(theirs.logits.softmax(-1) * ours.logits.log_softmax(-1)).sum(-1).mean()
    entropy = torch.special.entr(theirs.logits.softmax(-1)).sum(-1).mean()
    torch.testing.assert_close(total("tinybert", 1, lesson_of), soft_cross_entropy - entropy)


def test_minilm(lesson_of):
    """Equations 6, 9 and 10, text by text: 1/(A_h·|x|) ΣΣ KL of attention and of value relations, last layers only."""
    ours, theirs, _ = lesson_of
    expected, tokens = 0.0, int(ours.real.sum())
    for text, real in enumerate(ours.real):
        n = int(real.sum())
        for student, teacher in (
            (ours.scores[1], theirs.scores[3]),
            *[[v @ v.mT / 8**0.5 for v in (ours.values[1], theirs.values[3])]],
        ):
            q, p = (scores[text, :, :n, :n].softmax(-1) for scores in (student, teacher))
            expected += (p * (p.log() - q.log())).sum() / (4 * tokens)
    torch.testing.assert_close(total("minilm", 0, lesson_of), expected)


def test_pkd(lesson_of):
    """The authors' code: (1 − α)·CE + α·T²·KLDiv(mean) + β·MSE of normalised [CLS] states of all layers but the last."""
    ours, theirs, make = lesson_of
    temperature = 10
    kl = softened_kl(ours, theirs, temperature) / 3  # KLDivLoss(reduction="mean") divides by the three classes too
    patience = F.mse_loss(F.normalize(ours.cls[0], dim=-1), F.normalize(theirs.cls[1], dim=-1))
    expected = 0.5 * F.cross_entropy(ours.logits, make().labels) + 0.5 * temperature**2 * kl + 100 * patience
    torch.testing.assert_close(total("pkd", 0, lesson_of), expected)
    assert RECIPES["pkd"].stages[0].objective.terms[2].pairs(Shape(6, 8, 2), Shape(12, 8, 2)) == tuple(
        (layer - 1, 2 * layer - 1) for layer in (1, 2, 3, 4, 5)
    )  # layers {2, 4, 6, 8, 10} of twelve, counted from 1


def test_recipes_name_sources_and_survive_json():
    for name, recipe in RECIPES.items():
        assert recipe.name == name and "20" in recipe.source
        written = json.loads(json.dumps(recipe.to_dict()))
        assert stages_from_list(written["stages"]) == recipe.stages


def test_every_term_survives_json():
    terms = (
        Soft(weight=Schedule(1.0, 0.0), temperature=Schedule(8.0, 1.0, "cosine"), direction="jsd", beta=0.3),
        Matching(weight=0.5),
        Hard(weight=0.25),
        Hidden(layers=((0, 1), (1, 3)), shared=False),
        Embedding(),
        AttentionScores(layers="last"),
        AttentionKL(),
        ValueRelation(heads=2),
        Cosine(),
        Cls(normalised=False),
    )
    assert {term.kind for term in terms} == set(KINDS)
    stages = (Stage(Objective(terms), 0.25), Stage(CONTROL, 0.75))
    assert stages_from_list(json.loads(json.dumps(stages_to_list(stages)))) == stages


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"hard"}))
def test_a_student_that_is_its_teacher_has_nothing_to_learn(model, texts, kind):
    network, batch = model(layers=3).double(), texts().batch(torch.tensor([1, 8, 30]))
    term = KINDS[kind](**({"layers": "uniform"} if kind not in ("soft", "matching", "embedding") else {}))
    ours, theirs = term.needs(shape_of(network), shape_of(network))
    lesson = LossContext(
        "single_label", batch.labels, 0, shape_of(network), shape_of(network), lambda _, states: states
    )
    with torch.no_grad():
        taught = forward(network, batch, "single_label", theirs)
    loss = term.loss(forward(network, batch, "single_label", ours), taught, lesson)
    loss.backward()
    largest = max(p.grad.abs().max().item() for p in network.parameters() if p.grad is not None)
    assert abs(loss.item()) < 1e-12 and largest < 1e-10


def test_schedules_move_weight_and_temperature(lesson_of):
    ours, theirs, make = lesson_of
    objective = Objective((Soft(weight=Schedule(1, 0), temperature=Schedule(8, 2), scaled=False),))
    half, named = objective.losses(ours, theirs, make(0.5))
    torch.testing.assert_close(named["soft"], softened_kl(ours, theirs, 5))
    torch.testing.assert_close(half, 0.5 * named["soft"])
    assert objective.losses(ours, theirs, make(1.0))[0] == 0
    assert at(3.0, 0.7) == 3.0 and at(Schedule(0, 1, "cosine"), 0.5) == pytest.approx(0.5)
    assert at(Schedule(0, 1, "cosine"), 0.1) < 0.1 < at(Schedule(0, 1, "cosine"), 0.9)


def test_two_terms_of_a_kind_keep_their_names(lesson_of):
    ours, theirs, make = lesson_of
    objective = Objective((Soft(temperature=1.0), Hard(), Soft(temperature=4.0)))
    assert set(objective.losses(ours, theirs, make())[1]) == {"soft", "hard", "soft_2"} == set(objective.names)


def test_mixture_leaves_out_what_weighs_nothing():
    assert (
        mixture(1.0).names == ("soft",) and mixture(0.0).names == ("hard",) and mixture(0.3).names == ("soft", "hard")
    )


def test_labels_are_asked_for_in_the_order_of_the_logits(model, texts, task):
    network, batch = model(task), texts(task).at_epoch(0).batch(torch.tensor([2, 17, 30]))
    logits = forward(network, batch, task, FeatureRequest(logits=True)).logits
    labels = asked_labels(batch, task)
    assert len(logits) == len(labels)
    if task in ("masked_words", "token_labels"):
        plain = network(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
        at_labels = torch.cat([plain[i, batch.labels[i] != -100] for i in range(3)])
        torch.testing.assert_close(logits, at_labels)


def test_several_labels_are_independent_choices():
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(5, 3, generator=generator) for _ in range(2))
    p, q = (teacher / 2).sigmoid(), (student / 2).sigmoid()
    by_hand = (p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()).sum(-1)
    torch.testing.assert_close(bernoulli_soft_loss(student, teacher, 2.0, reduction="none"), 4 * by_hand)
    torch.testing.assert_close(bernoulli_soft_loss(student, teacher, 2.0), 4 * by_hand.mean())
    torch.testing.assert_close(bernoulli_soft_loss(student, teacher, 2.0, reduction="mean"), 4 * by_hand.mean() / 3)
    labels = torch.tensor([[1, 0, 1], [0, 0, 0], [1, 1, 1], [0, 1, 0], [-1, -1, -1]])
    expected = F.binary_cross_entropy_with_logits(student[:4], labels[:4].float()) * 3
    torch.testing.assert_close(bernoulli_hard_loss(student, labels), expected)
    unknown = torch.full((5, 3), -1)
    assert bernoulli_hard_loss(student, unknown) == 0
    with pytest.raises(ValueError, match="do not fit"):
        bernoulli_hard_loss(student, labels[:, :2])


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("temperature", [4.0, 8.0, 20.0])
def test_t_squared_keeps_the_gradient(several, temperature):
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(200, 8, generator=generator) for _ in range(2))
    loss = KINDS["soft"](temperature=temperature)
    lengths = []
    for term in (loss, Soft(temperature=2 * temperature)):
        learning = student.clone().requires_grad_()
        lesson = LossContext("multi_label" if several else "single_label", None, 0, None, None, None)
        value = term.loss(_logits(learning), _logits(teacher), lesson)
        lengths.append(torch.autograd.grad(value, learning)[0].norm().item())
    assert lengths[0] == pytest.approx(lengths[1], rel=0.1)


def _logits(tensor):
    from core.distill.forward import Features

    return Features(torch.ones(1, 1, dtype=torch.bool), logits=tensor)


@pytest.mark.parametrize(
    "rule, expected",
    [
        ("uniform", (1, 3, 5)),
        ("spread", (0, 3, 5)),
        ("first", (0, 1, 2)),
        ("last", (3, 4, 5)),
        ("every_other", (0, 2, 4)),
        ((5, 0), (5, 0)),
    ],
)
def test_layer_maps(rule, expected):
    assert layer_maps.layers(rule, 3, 6) == expected


def test_tinyberts_map_and_a_map_that_does_not_divide():
    assert layer_maps.uniform(4, 12) == (2, 5, 8, 11)
    for students, teachers in ((4, 6), (5, 12), (1, 3), (6, 6)):
        found = layer_maps.uniform(students, teachers)
        assert len(set(found)) == students and found[-1] == teachers - 1
        assert len(set(layer_maps.spread(students, teachers))) == students
    assert layer_maps.pairs("last_only", 3, 6) == ((2, 5),)
    assert layer_maps.pairs("all_but_last", 3, 6) == ((0, 1), (1, 3))
    assert layer_maps.pairs("pkd_last", 3, 6) == ((0, 3), (1, 4))
    assert layer_maps.pairs("all_but_last", 6, 12) == tuple(
        enumerate((1, 3, 5, 7, 9))
    )  # layers 2, 4, ..., 10, as PKD-Skip says
    assert layer_maps.pairs("pkd_last", 6, 12) == tuple(enumerate((6, 7, 8, 9, 10)))  # layers 7 to 11


def test_where_a_student_comes_from():
    """A card counts from 1; a student whose card says nothing is taken to be made as Distil makes one."""
    assert layer_maps.made_from(None, 3, 6) == ((1, 3, 5), False)
    assert layer_maps.made_from(None, 4, 12) == ((2, 5, 8, 11), False)
    assert (
        layer_maps.made_from(None, 3, 6)[0]
        == rule_layers(USUAL, 3, 6)
        == kept_of("", 6)
        == Setup(start="layers", keep=kept_of("", 6)).resolve().student.layers
    )
    assert layer_maps.made_from(None, 6, 3)[0] == (0, 0, 1, 1, 2, 2)
    assert layer_maps.made_from([1, 4, 6], 3, 6) == ((0, 3, 5), True)
    for wrong in ([2, 4], [0, 2, 4], [2, 4, 7], "246", [2, 4, "6"], None):
        assert layer_maps.made_from(wrong, 3, 6) == ((1, 3, 5), False)


def test_the_shipped_student_says_where_it_comes_from():
    for name in ("minilm-student", "minilm-control"):
        told = next(card for card in catalog() if card.name == name).metrics["layer_map"]
        assert layer_maps.made_from(told, 3, 6) == (LAYERS, True)


@pytest.mark.parametrize(
    "make",
    [
        lambda: layer_maps.by_hand((), 6),
        lambda: layer_maps.by_hand((1, 1), 6),
        lambda: layer_maps.by_hand((6,), 6),
        lambda: layer_maps.by_hand((-1,), 6),
        lambda: layer_maps.every_other(4, 6),
        lambda: layer_maps.uniform(7, 6),
        lambda: layer_maps.pairs(((0, 6),), 3, 6),
        lambda: layer_maps.pairs(((3, 0),), 3, 6),
    ],
)
def test_layers_that_do_not_exist_are_refused(make):
    with pytest.raises(LabError) as error:
        make()
    assert error.value.code == "bad_layers"


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.inf, math.nan, Schedule(4.0, 0.0)])
def test_impossible_temperatures_are_refused(temperature):
    with pytest.raises(LabError) as error:
        Soft(temperature=temperature)
    assert error.value.code == "bad_temperature"


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf, Schedule(1.0, -1.0)])
def test_impossible_weights_are_refused(weight):
    with pytest.raises(LabError) as error:
        Hard(weight=weight)
    assert error.value.code == "bad_weight"


@pytest.mark.parametrize("term", [AttentionScores(), AttentionKL(), ValueRelation()])
def test_terms_by_head_refuse_other_heads(term):
    with pytest.raises(LabError) as error:
        Objective((term,)).check(Shape(2, 32, 2), Shape(4, 32, 4))
    assert error.value.code == "different_heads"
    ValueRelation(heads=8).check(Shape(2, 32, 2), Shape(4, 64, 4))
    with pytest.raises(LabError) as error:
        ValueRelation(heads=3).check(Shape(2, 32, 2), Shape(4, 64, 4))
    assert error.value.code == "heads_do_not_divide"


def test_stages_must_fill_the_run():
    with pytest.raises(ValueError, match="sum to 1"):
        stages_of([Stage(CONTROL, 0.5)])
    assert stages_of(CONTROL) == (Stage(CONTROL),)
