"""What the page on layer outputs computes, against the model itself and against formulas written another way."""

from __future__ import annotations

import itertools
from types import SimpleNamespace

import pytest
import torch

from core.distill.heads import layers_of
from core.engine import Engine, Setting, card, default_setting
from core.errors import LabError
from core.labs.layer_outputs import cka as matching
from core.labs.layer_outputs import heads
from core.labs.layer_outputs import hidden_states as study

TEXT = "We sat on the bank of the river near the bank with the money."


@pytest.fixture(scope="module")
def both(engine: Engine) -> study.Pair:
    return study.read(engine, default_setting(), TEXT)


def _states(engine: Engine, name: str) -> torch.Tensor:
    """Hidden states as transformers gives them, `[layer + 1, position, width]`."""
    checkpoint = engine.checkpoint(default_setting(), name)
    inputs = checkpoint.tokenizer(TEXT, return_tensors="pt")
    with torch.no_grad():
        return torch.cat(checkpoint.model(**inputs, output_hidden_states=True).hidden_states)


def test_similarity_is_the_models(engine, both):
    for name, trace in zip((default_setting().teacher, default_setting().student), both.traces.values(), strict=True):
        states = _states(engine, name)
        found = study.similarity(trace, both.shown(special=False))
        i, j = 4, 10  # the two banks, [CLS] left out
        expected = torch.cosine_similarity(states[:, 5], states[:, 11], dim=-1)
        assert torch.allclose(found.grid[:, i, j], expected, atol=1e-5)
        inner = states[:, 1:-1]
        pairs = [
            torch.cosine_similarity(inner[:, a], inner[:, b], dim=-1) for a, b in itertools.combinations(range(15), 2)
        ]
        assert torch.allclose(found.mean, torch.stack(pairs).mean(0), atol=1e-5)
        parts = study.cosine_parts(trace, 2, 5, 11)
        assert parts.cosine == pytest.approx(float(expected[2]), abs=1e-5)
        assert parts.dot / (parts.first * parts.second) == pytest.approx(parts.cosine)


def test_the_pair_of_interest(both):
    assert [both.pieces[place] for place in study.interesting_pair(both)] == ["bank", "bank"]
    found = study.similarity(both.teacher, both.shown(special=False))
    course = study.course(found, list(range(1, 16)), (5, 11))
    assert course.grows == (course.end - course.mean_end > course.start - course.mean_start)
    assert course.numbers["lead_end"] == pytest.approx(float(found.grid[-1, 4, 10] - found.mean[-1]))


def test_a_part_of_a_grid():
    grid = torch.arange(16.0).view(4, 4)
    assert study.part(grid, [3, 5, 7, 9], [5, 9]).tolist() == [[5.0, 7.0], [13.0, 15.0]]


def test_specials_stay_out_unless_asked_for(engine, both):
    assert both.shown(special=False).tolist() == list(range(1, len(both.pieces) - 1))
    assert both.shown(special=True).tolist() == list(range(len(both.pieces)))
    assert study.read(engine, default_setting(), "cat").shown(special=False).tolist() == [0, 1, 2]


def test_motion(engine, both):
    states = _states(engine, default_setting().teacher)
    assert torch.allclose(study.motion(both.teacher, "norm"), states.norm(dim=-1), atol=1e-4)
    change = (states[3] - states[2]).norm(dim=-1) / states[2].norm(dim=-1)
    assert torch.allclose(study.motion(both.teacher, "change")[2], change, atol=1e-4)
    cosine = torch.cosine_similarity(states[3], states[2], dim=-1)
    assert torch.allclose(study.motion(both.teacher, "cosine")[2], cosine, atol=1e-5)
    share = both.teacher.layers[2].attention_output.norm(dim=-1) / states[2].norm(dim=-1)
    assert torch.allclose(study.motion(both.teacher, "attention")[2], share, atol=1e-4)
    most = study.largest(study.motion(both.teacher, "change"))
    assert most.value == pytest.approx(float(study.motion(both.teacher, "change").max()))


def test_plane_is_the_best_one(both):
    """Its share of the variance is that of the two largest singular values, and no other plane's is larger."""
    seen = study.plane(both, together=False)
    rows = both.teacher.hidden.flatten(0, 1)
    values = torch.linalg.svdvals((rows - rows.mean(0)).double()) ** 2
    assert seen.teacher_kept == pytest.approx(float(values[:2].sum() / values.sum()), abs=1e-4)
    joint = study.plane(both, together=True)
    assert joint.together and joint.teacher_kept <= seen.teacher_kept + 1e-5
    assert joint.teacher.shape == (len(both.teacher.layers) + 1, len(both.pieces), 2)
    unit = study.plane(both, unit=True, fitted=[5, 11])
    assert unit.teacher_kept > study.plane(both, unit=True).teacher_kept  # two tokens fit a plane better than all


@pytest.mark.parametrize(
    "teacher, student", [("minilm-teacher", "minilm-student"), ("sentiment-teacher", "sentiment-student")]
)
def test_a_shipped_student_stands_beside_the_layers_that_it_was_made_from(engine, teacher, student):
    """Training moved its weights little: those of each layer still point where the teacher's of that layer do."""
    both = study.read(engine, Setting(teacher, student), TEXT)

    def weights(name: str) -> torch.Tensor:
        layers = layers_of(engine.checkpoint(Setting(teacher, student), name).model)
        return torch.stack([torch.cat([p.flatten() for p in layer.parameters() if p.ndim == 2]) for layer in layers])

    alike = torch.cosine_similarity(weights(student)[:, None], weights(teacher)[None], dim=-1)
    assert tuple(alike.argmax(1).tolist()) == both.made_from and alike.amax(1).min() > 0.9


def test_layer_grid_and_its_control(both):
    positions = both.shown(special=False)
    found = matching.layer_grid(both, positions)
    x, y = both.teacher.hidden[3, positions].double(), both.student.hidden[2, positions].double()
    x, y = x - x.mean(0), y - y.mean(0)
    by_definition = (y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm())
    assert float(found.measured[3, 2]) == pytest.approx(float(by_definition), abs=1e-6)
    assert float(matching.cka_parts(x, y).cka) == pytest.approx(float(by_definition), abs=1e-6)
    pictures = matching.gram(x) * matching.gram(y)
    assert float(pictures.sum()) == pytest.approx(float(by_definition), abs=1e-6)
    assert (found.control < found.measured).all() and (found.control > 0.2).all()  # few tokens: high for no reason
    assert found.best == found.measured.argmax(0).tolist()
    assert torch.equal(found.view("above"), found.measured - found.control)


def test_the_control_falls_with_more_tokens(engine):
    words = "red house green tree old man small boy tall girl long road deep lake high hill cold rain warm sun"
    both = study.read(engine, default_setting(), words + " " + " ".join(reversed(words.split())))
    steps = matching.growth(both, both.shown(special=False), 2, 2)
    assert steps.counts[-1] == len(both.shown(special=False))
    assert steps.control[-1] < steps.control[1] < steps.control[0] + 1e-9
    assert steps.measured[-1] > steps.control[-1]


def test_the_answer_follows_from_the_numbers():
    made = [0, 2, 4, 6]
    for best, answer in ((2, 0), (4, 1), (6, 2), (3, 3), (0, 3)):
        assert matching.guess_answer([0, 1, best, 5], made, 6, 2) == answer
    assert matching.guess_answer([0, 1, 2, 3], [0, 1, 2, 3], 3, 2) is None  # same number and origin are one layer


def test_head_divergence_is_pytorchs(both):
    teacher, student = both.teacher.layers[2].probabilities, both.student.layers[1].probabilities
    found = heads.head_divergence(teacher, student)
    kl = torch.nn.functional.kl_div(student[4].log(), teacher[7], reduction="sum") / teacher.shape[1]
    assert float(found[4, 7]) == pytest.approx(float(kl), rel=1e-4)
    terms = heads.largest_terms(teacher[7, 3], student[4, 3], count=len(both.pieces))
    row = torch.nn.functional.kl_div(student[4, 3].log(), teacher[7, 3], reduction="sum")
    assert sum(term.part for term in terms) == pytest.approx(float(row), rel=1e-4)
    assert heads.head_divergence(teacher, teacher).diagonal().abs().max() < 1e-6


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 6), (6, 6)])
def test_assignment_is_the_cheapest(shape):
    for seed in range(5):
        cost = torch.rand(shape, generator=torch.Generator().manual_seed(seed))
        found = heads.assignment(cost)
        cheapest = min(
            sum(float(cost[row, column]) for row, column in enumerate(columns))
            for columns in itertools.permutations(range(shape[1]), shape[0])
        )
        assert len(set(found)) == shape[0]
        assert sum(float(cost[row, column]) for row, column in enumerate(found)) == pytest.approx(cheapest, abs=1e-5)


def test_assignment_with_too_few_columns_serves_every_row():
    found = heads.assignment(torch.rand(6, 4))
    assert len(found) == 6 and set(found) == {0, 1, 2, 3}


def test_a_model_matches_itself_head_by_head(engine):
    name = default_setting().teacher
    both = study.read(engine, Setting(name, name), TEXT)
    match = heads.match_heads(both.teacher, both.student, 1, 1)
    assert match.one_to_one == match.closest == match.same == list(range(card(name).heads))
    assert match.kept == card(name).heads and match.mean(match.same) < 1e-6
    distance = heads.distance_by_layer(both.teacher, both.student, 3)
    assert distance.best == 3
    assert all(one <= same + 1e-6 for one, same in zip(distance.one_to_one, distance.same, strict=True))


def test_texts_that_cannot_be_compared(engine, family_folder):
    with pytest.raises(LabError) as error:
        study.read(engine, default_setting(), "  ")
    assert error.value.code == "empty_text"
    with pytest.raises(LabError) as error:
        study.read(engine, Setting(default_setting().teacher, str(family_folder("bert"))), "the dogs sing")
    assert error.value.code == "different_tokens"


def test_one_token_is_too_few():
    trace = SimpleNamespace(tokens=SimpleNamespace(pieces=("hello",)))
    with pytest.raises(LabError) as error:
        study.read(SimpleNamespace(trace=lambda *_: trace), default_setting(), "hello")
    assert error.value.code == "too_few_tokens"


def test_other_shapes(engine, family_folder):
    """A pair of other width, depth and heads goes through every computation."""
    bert, albert = str(family_folder("bert")), str(family_folder("albert"))
    both = study.read(engine, Setting(bert, albert), "the king rules a land")
    assert both.made_from == (0, 1, 2) and not both.recorded
    assert study.plane(both).teacher.isfinite().all()
    assert matching.layer_grid(both, both.shown(False)).measured.shape == (4, 4)
    assert heads.match_heads(both.teacher, both.student, 2, 2).divergence.shape == (4, 4)
