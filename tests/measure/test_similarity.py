"""What CKA must and must not notice."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from core.measure.similarity import best_layer_map, cka_grid, cosine_grid, linear_cka


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def rotation(width, seed=0):
    return torch.linalg.qr(draw(width, width, seed=seed))[0]


def feature_form(x, y):
    """The formula with the features' covariances, as Kornblith et al. write it for linear CKA."""
    x, y = x.double() - x.double().mean(0), y.double() - y.double().mean(0)
    return float((y.T @ x).norm() ** 2 / ((x.T @ x).norm() * (y.T @ y).norm()))


@pytest.mark.parametrize("examples, width", [(50, 8), (5, 30)])
def test_equals_the_formula_with_features(examples, width):
    x, y = draw(examples, width, seed=1) + 2, draw(examples, 12, seed=2)
    assert linear_cka(x, y) == pytest.approx(feature_form(x, y), abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), scale=st.floats(1e-3, 1e3), shift=st.floats(-100, 100))
def test_rotating_scaling_and_shifting_change_nothing(seed, scale, shift):
    x, y = draw(20, 6, seed=seed).double(), draw(20, 4, seed=seed + 1).double()
    turned = x @ rotation(6, seed).double() * scale + shift
    assert linear_cka(x, turned) == pytest.approx(1)
    assert linear_cka(turned, y) == pytest.approx(linear_cka(x, y), abs=1e-6)
    assert linear_cka(y, x) == pytest.approx(linear_cka(x, y))
    assert 0 <= linear_cka(x, y) <= 1


def test_stretching_one_direction_does_change_it():
    x = draw(200, 6)
    assert linear_cka(x, x * torch.tensor([30.0, 1, 1, 1, 1, 1])) < 0.8


def test_unrelated_representations_are_alike_only_if_examples_are_few():
    assert linear_cka(draw(2000, 16, seed=1), draw(2000, 16, seed=2)) < 0.05
    assert linear_cka(draw(12, 768, seed=1), draw(12, 768, seed=2)) > 0.95


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e6])
def test_a_constant_representation_is_like_nothing(constant):
    flat = torch.full((10, 4), constant)
    assert linear_cka(flat, draw(10, 4)) == 0
    assert linear_cka(flat, flat) == 0


def test_a_constant_with_a_rounded_mean_is_still_constant():
    flat = torch.full((7, 4), 0.1, dtype=torch.float64)
    assert (flat - flat.mean(0)).any()  # what is left is rounding, and it must not be compared
    assert linear_cka(flat, flat) == 0


def test_tiny_features_count_in_full():
    assert linear_cka(draw(10, 4) * 1e-10, draw(10, 4)) == pytest.approx(1)


def test_rounding_never_leads_past_one():
    states = draw(50, 9, 5)
    assert cka_grid(states, states).max() <= 1


def test_one_constant_feature_does_no_harm():
    x = draw(20, 4)
    assert linear_cka(x, torch.cat((x, torch.full((20, 1), 7.0)), dim=1)) == pytest.approx(1)


@pytest.mark.parametrize(
    "x, y, complaint",
    [
        (draw(1, 4), draw(1, 4), "at least 2"),
        (draw(5), draw(5), "example, feature"),
        (draw(5, 4), draw(6, 4), "same examples"),
        (draw(5, 4), torch.full((5, 4), math.nan), "finite"),
        (draw(5, 4), torch.full((5, 4), math.inf), "finite"),
    ],
)
def test_refuses_what_has_no_cka(x, y, complaint):
    with pytest.raises(ValueError, match=complaint):
        linear_cka(x, y)


def test_grid_holds_the_cka_of_each_pair_of_layers():
    teacher, student = [draw(30, 12, seed=seed) for seed in range(4)], draw(3, 30, 6, seed=9)
    grid = cka_grid(teacher, student)
    assert grid.shape == (4, 3)
    for i in range(4):
        for j in range(3):
            assert grid[i, j].item() == pytest.approx(linear_cka(teacher[i], student[j]))
    with pytest.raises(ValueError, match="at least one layer"):
        cka_grid([], student)


def test_best_layer_map_finds_the_layers_a_student_was_copied_from():
    teacher = [draw(200, 12, seed=seed) for seed in range(6)]
    student = [teacher[1] @ rotation(12), teacher[3] * 2, teacher[5] + 0.1 * draw(200, 12, seed=7)]
    assert best_layer_map(cka_grid(teacher, student)) == [1, 3, 5]


def test_best_layer_map_takes_the_first_of_equals():
    assert best_layer_map(torch.tensor([[0.2, 0.9], [0.7, 0.1], [0.7, 0.9]])) == [1, 0]


def test_cosine_grid_equals_pytorch():
    hidden = draw(2, 5, 8)
    expected = F.cosine_similarity(hidden[:, :, None], hidden[:, None], dim=-1)
    torch.testing.assert_close(cosine_grid(hidden), expected)
    torch.testing.assert_close(cosine_grid(hidden).diagonal(dim1=-2, dim2=-1), torch.ones(2, 5))


def test_cosine_of_a_zero_vector_is_zero():
    assert cosine_grid(torch.tensor([[0.0, 0.0], [3.0, 4.0]])).tolist() == [[0, 0], [0, 1]]
