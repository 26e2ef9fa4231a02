"""The losses against PyTorch's, against each other, and at their limits."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from core.distill.objectives.losses import hard_loss, matching_loss, mixed_loss, soft_cross_entropy, soft_loss
from core.theory.temperature import entropy, soften

DIRECTIONS = ["forward", "reverse", "jsd"]


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 2


@pytest.fixture
def pair():
    """Student and teacher logits, `[6 examples, 10 classes]`."""
    return draw(6, 10, seed=1), draw(6, 10, seed=2)


def gradient(loss, student, *arguments, **options):
    student = student.clone().requires_grad_()
    return torch.autograd.grad(loss(student, *arguments, **options), student)[0]


def kl(p, q):
    """KL(p ‖ q) as the sum in the textbook."""
    return (p * (p / q).log()).sum(-1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
def test_forward_equals_pytorch(pair, temperature):
    student, teacher = pair
    log_s, t = (student / temperature).log_softmax(-1), (teacher / temperature).softmax(-1)
    cells = F.kl_div(log_s, t, reduction="none")  # [example, class]
    expected = {"batchmean": F.kl_div(log_s, t, reduction="batchmean"), "mean": cells.mean(), "sum": cells.sum()}
    for reduction, value in expected.items():
        ours = soft_loss(student, teacher, temperature, scaled=False, reduction=reduction)
        torch.testing.assert_close(ours, value)
        scaled = soft_loss(student, teacher, temperature, reduction=reduction)
        torch.testing.assert_close(scaled, value * temperature**2)


def test_directions_are_the_textbooks(pair):
    student, teacher = pair
    s, t = soften(student, 2.0), soften(teacher, 2.0)
    m = 0.3 * t + 0.7 * s
    expected = {"forward": kl(t, s), "reverse": kl(s, t), "jsd": 0.3 * kl(t, m) + 0.7 * kl(s, m)}
    for direction, rows in expected.items():
        ours = soft_loss(student, teacher, 2.0, direction=direction, beta=0.3, reduction="none")
        torch.testing.assert_close(ours, 4 * rows)
    assert not torch.isclose(expected["forward"].mean(), expected["reverse"].mean(), rtol=0.01)


def test_reverse_is_forward_with_the_roles_exchanged(pair):
    student, teacher = pair
    torch.testing.assert_close(soft_loss(student, teacher, direction="reverse"), soft_loss(teacher, student))


def test_forward_covers_and_reverse_seeks():
    teacher = torch.tensor([5.0, 5.0, -5.0])
    one_peak, too_wide = torch.tensor([5.0, -5.0, -5.0]), torch.tensor([0.0, 0.0, 0.0])
    assert soft_loss(too_wide, teacher) < soft_loss(one_peak, teacher)
    assert soft_loss(one_peak, teacher, direction="reverse") < soft_loss(too_wide, teacher, direction="reverse")


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("temperature", [0.5, 1.0, 8.0])
def test_a_student_equal_to_its_teacher_has_nothing_to_learn(pair, direction, temperature):
    teacher = pair[1]
    # One number added to all logits of a row leaves the probabilities as they are.
    for student in (teacher, teacher + 3):
        assert soft_loss(student, teacher, temperature, direction=direction).item() == pytest.approx(0, abs=1e-4)
        assert gradient(soft_loss, student, teacher, temperature, direction=direction).abs().max() < 1e-5


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0])
@pytest.mark.parametrize("scaled", [True, False])
def test_soft_cross_entropy_is_kl_plus_the_teachers_entropy(pair, temperature, scaled):
    student, teacher = pair
    offset = entropy(soften(teacher, temperature)) * (temperature**2 if scaled else 1)
    cross_entropy = soft_cross_entropy(student, teacher, temperature, scaled, reduction="none")
    torch.testing.assert_close(
        cross_entropy, soft_loss(student, teacher, temperature, scaled, reduction="none") + offset
    )
    torch.testing.assert_close(
        gradient(soft_cross_entropy, student, teacher, temperature, scaled),
        gradient(soft_loss, student, teacher, temperature, scaled),
        atol=1e-6,
        rtol=1e-4,
    )


def test_soft_cross_entropy_equals_pytorch_with_probabilities(pair):
    student, teacher = pair
    torch.testing.assert_close(soft_cross_entropy(student, teacher), F.cross_entropy(student, teacher.softmax(-1)))
    assert soft_cross_entropy(teacher, teacher) > 0.5


def test_mean_also_divides_by_the_classes(pair):
    for loss in (soft_loss, soft_cross_entropy):
        torch.testing.assert_close(loss(*pair), 10 * loss(*pair, reduction="mean"))
        torch.testing.assert_close(loss(*pair), loss(*pair, reduction="sum") / 6)


def test_batchmean_averages_over_all_leading_axes():
    student, teacher = draw(2, 5, 10, seed=1), draw(2, 5, 10, seed=2)
    flat = soft_loss(student.flatten(0, 1), teacher.flatten(0, 1))
    torch.testing.assert_close(soft_loss(student, teacher), flat)
    rows = soft_loss(student, teacher, reduction="none")
    assert rows.shape == (2, 5)
    torch.testing.assert_close(rows.mean(), flat)
    pytorchs = F.kl_div(student.log_softmax(-1), teacher.softmax(-1), reduction="batchmean")
    torch.testing.assert_close(pytorchs, 5 * flat)  # it divides by the batch only


def test_t_squared_keeps_the_size_of_the_gradient():
    student, teacher = draw(64, 100, seed=1) / 2, draw(64, 100, seed=2) / 2
    norms = [gradient(soft_loss, student, teacher, t).norm(dim=-1).mean() for t in (4.0, 8.0, 32.0)]
    assert max(norms) / min(norms) < 1.1
    unscaled = [gradient(soft_loss, student, teacher, t, scaled=False).norm(dim=-1).mean() for t in (8.0, 16.0)]
    assert unscaled[0] / unscaled[1] == pytest.approx(4, rel=0.05)


def test_at_high_temperature_it_matches_centred_logits(pair):
    student, teacher = (tensor.double() for tensor in pair)
    difference = (student - student.mean(-1, keepdim=True)) - (teacher - teacher.mean(-1, keepdim=True))
    expected = difference.square().sum(-1).mean() / (2 * 10)  # Hinton et al., section 2.1
    torch.testing.assert_close(soft_loss(student, teacher, 1e4), expected, rtol=1e-3, atol=0)
    torch.testing.assert_close(matching_loss(student, teacher), expected)
    torch.testing.assert_close(
        gradient(soft_loss, student, teacher, 1e4), gradient(matching_loss, student, teacher), rtol=1e-2, atol=1e-6
    )


def test_matching_does_not_see_a_constant_added_to_all_logits(pair):
    student, teacher = pair
    torch.testing.assert_close(matching_loss(student + 5, teacher), matching_loss(student, teacher))
    with pytest.raises(ValueError, match="differ"):
        matching_loss(student, teacher[:, :9])


def test_jsd_at_one_half_is_symmetric_and_bounded(pair):
    student, teacher = pair
    torch.testing.assert_close(
        soft_loss(student, teacher, direction="jsd"), soft_loss(teacher, student, direction="jsd")
    )
    opposite = torch.tensor([200.0, 0.0]), torch.tensor([0.0, 200.0])
    assert soft_loss(*opposite, direction="jsd").item() == pytest.approx(math.log(2))
    assert soft_loss(*opposite).item() == pytest.approx(200)
    skewed = -(0.1 * math.log(0.1) + 0.9 * math.log(0.9))
    assert soft_loss(*opposite, direction="jsd", beta=0.1).item() == pytest.approx(skewed)


def test_jsd_tends_to_the_two_kls_at_its_ends(pair):
    student, teacher = (tensor.double() for tensor in pair)
    near = 1e-5
    low = soft_loss(student, teacher, direction="jsd", beta=near) / near
    high = soft_loss(student, teacher, direction="jsd", beta=1 - near) / near
    torch.testing.assert_close(low, soft_loss(student, teacher), rtol=0.01, atol=0)
    torch.testing.assert_close(high, soft_loss(student, teacher, direction="reverse"), rtol=0.01, atol=0)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_half_precision_logits_over_a_large_vocabulary(direction):
    student, teacher = (draw(4, 50_000, seed=seed) * 5 for seed in (1, 2))
    student[:, 7], teacher[:, 8] = 6e4, -6e4
    half = student.half(), teacher.half()
    ours = soft_loss(*half, temperature=2.0, direction=direction)
    assert ours.dtype == torch.float32
    exact = soft_loss(*(tensor.double() for tensor in half), temperature=2.0, direction=direction)
    torch.testing.assert_close(ours.double(), exact, rtol=1e-4, atol=1e-4)
    assert gradient(soft_loss, half[0], half[1], 2.0, direction=direction).isfinite().all()


def test_half_precision_cross_entropies():
    logits = torch.tensor([[6e4, -6e4]], dtype=torch.float16)
    assert soft_cross_entropy(logits, -logits).item() == pytest.approx(119_936, rel=1e-3)
    assert hard_loss(logits, torch.tensor([1])).item() == pytest.approx(119_936, rel=1e-3)


def test_hard_loss_equals_pytorch_and_ignores():
    logits, labels = draw(2, 5, 10), torch.tensor([[3, -100, 0, 9, -100], [-100, -100, 1, -100, 2]])
    expected = F.cross_entropy(logits.flatten(0, 1), labels.flatten())
    torch.testing.assert_close(hard_loss(logits, labels), expected)
    assert not gradient(hard_loss, logits, labels)[labels == -100].any()


def test_nothing_to_learn_is_zero_and_not_nan():
    logits, labels = draw(3, 10), torch.full((3,), -100)
    assert hard_loss(logits, labels) == 0 and not gradient(hard_loss, logits, labels).any()
    empty = torch.zeros(0, 10)
    for reduction in ("batchmean", "mean", "sum"):
        assert soft_loss(empty, empty, reduction=reduction) == 0


def test_mixed_loss_weighs_the_soft_part():
    soft, hard = torch.tensor(2.0), torch.tensor(10.0)
    assert mixed_loss(soft, hard, 0.25) == 8
    assert mixed_loss(soft, hard, 1.0) == 2 and mixed_loss(soft, hard, 0.0) == 10


@pytest.mark.parametrize("soft_weight", [-0.1, 1.1, math.nan])
def test_mixed_loss_refuses_impossible_weights(soft_weight):
    with pytest.raises(ValueError, match="weight of the soft loss"):
        mixed_loss(torch.tensor(1.0), torch.tensor(1.0), soft_weight)


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": math.nan}, "temperature"),
        ({"direction": "backward"}, "direction"),
        ({"reduction": "average"}, "reduction"),
        ({"direction": "jsd", "beta": 0.0}, "'forward' or 'reverse'"),
        ({"direction": "jsd", "beta": 1.0}, "'forward' or 'reverse'"),
        ({"direction": "jsd", "beta": math.nan}, "beta"),
    ],
)
def test_soft_loss_refuses_impossible_options(pair, options, complaint):
    with pytest.raises(ValueError, match=complaint):
        soft_loss(*pair, **options)


def test_refuses_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="vocabularies"):
        soft_loss(draw(2, 10), draw(2, 11))
    with pytest.raises(ValueError, match="vocabularies"):
        soft_cross_entropy(draw(1, 10), draw(2, 10))  # would broadcast
    with pytest.raises(ValueError, match="do not fit"):
        hard_loss(draw(2, 3, 10), torch.zeros(3, 2, dtype=torch.long))


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    temperature=st.floats(0.1, 20),
    direction=st.sampled_from(DIRECTIONS),
    beta=st.floats(0.01, 0.99),
)
def test_no_divergence_is_negative(seed, temperature, direction, beta):
    student, teacher = draw(4, 8, seed=seed), draw(4, 8, seed=seed + 1)
    rows = soft_loss(student, teacher, temperature, direction=direction, beta=beta, reduction="none")
    # At a low temperature two rows may agree to the last digit; rounding then leaves a hair below zero.
    assert (rows > -1e-6).all() and rows.isfinite().all()
