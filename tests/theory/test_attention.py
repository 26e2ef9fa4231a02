"""The attention of the textbook against PyTorch's, and what must hold for any attention."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from core.theory.attention import (
    attention_distance,
    attention_entropy,
    causal_mask,
    padding_mask,
    scaled_dot_product_attention,
)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def qkv():
    """Two sequences, three heads, five queries, seven keys, widths 8 and 6."""
    return draw(2, 3, 5, 8, seed=1), draw(2, 3, 7, 8, seed=2), draw(2, 3, 7, 6, seed=3)


@pytest.mark.parametrize("scale", [None, 1.0, 0.1])
def test_equals_pytorch(qkv, scale):
    expected = F.scaled_dot_product_attention(*qkv, scale=scale)
    torch.testing.assert_close(scaled_dot_product_attention(*qkv, scale=scale).context, expected)


def test_equals_pytorch_under_a_mask(qkv):
    mask = draw(2, 1, 5, 7, seed=4).masked_fill(draw(2, 1, 5, 7, seed=5) > 1, -math.inf)
    expected = F.scaled_dot_product_attention(*qkv, attn_mask=mask)
    torch.testing.assert_close(scaled_dot_product_attention(*qkv, mask).context, expected)


def test_steps_are_those_of_the_formula(qkv):
    query, key, value = qkv
    attention = scaled_dot_product_attention(query, key, value, mask=torch.full((5, 7), 3.0))
    torch.testing.assert_close(attention.scores, torch.einsum("bhqd,bhkd->bhqk", query, key) / 8**0.5)
    torch.testing.assert_close(attention.probabilities, attention.scores.softmax(-1))  # a constant mask changes nothing
    torch.testing.assert_close(attention.context, attention.probabilities @ value)


def test_a_query_without_any_key_gets_zeros_and_clean_gradients(qkv):
    query, key, value = (tensor.clone().requires_grad_() for tensor in qkv)
    mask = torch.zeros(5, 7)
    mask[2] = -math.inf
    attention = scaled_dot_product_attention(query, key, value, mask)
    assert not attention.probabilities[..., 2, :].any() and not attention.context[..., 2, :].any()
    torch.testing.assert_close(attention.probabilities[..., [0, 1, 3, 4], :].sum(-1), torch.ones(2, 3, 4))
    torch.testing.assert_close(attention.context, F.scaled_dot_product_attention(query, key, value, attn_mask=mask))
    gradients = torch.autograd.grad(attention.context.square().sum(), (query, key, value))
    assert all(gradient.isfinite().all() for gradient in gradients)


@pytest.mark.parametrize("dtype", [torch.bool, torch.long])
def test_refuses_a_mask_that_is_not_additive(qkv, dtype):
    with pytest.raises(ValueError, match="added to the scores"):
        scaled_dot_product_attention(*qkv, mask=torch.ones(5, 7, dtype=dtype))


def test_causal_mask_hides_the_future_only():
    assert causal_mask(3).tolist() == [[0, -math.inf, -math.inf], [0, 0, -math.inf], [0, 0, 0]]
    query, key, value = draw(6, 4, seed=1), draw(6, 4, seed=2), draw(6, 4, seed=3)
    expected = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    torch.testing.assert_close(scaled_dot_product_attention(query, key, value, causal_mask(6)).context, expected)


@pytest.mark.parametrize("dtype", [torch.long, torch.bool, torch.float32])
def test_padding_mask_takes_all_weight_from_padding(dtype):
    real = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    mask = padding_mask(real.to(dtype))
    assert mask.shape == (2, 1, 1, 4)
    x = draw(2, 3, 4, 8)
    probabilities = scaled_dot_product_attention(x, x, x, mask).probabilities
    assert torch.equal(probabilities > 0, (real == 1)[:, None, None, :].expand(2, 3, 4, 4))


def test_causal_and_padding_masks_add_up():
    total = causal_mask(3) + padding_mask(torch.tensor([[1, 1, 0]]))
    assert (total[0, 0] == 0).tolist() == [[True, False, False], [True, True, False], [True, True, False]]
    assert not total.isnan().any()


def test_entropy_of_known_patterns():
    one_key = torch.eye(4)
    alike = torch.full((4, 4), 0.25)
    assert attention_entropy(one_key).tolist() == [0, 0, 0, 0]
    torch.testing.assert_close(attention_entropy(alike), torch.full((4,), math.log(4)))
    torch.testing.assert_close(attention_entropy(alike, "bits"), torch.full((4,), 2.0))
    assert attention_entropy(torch.zeros(1, 4)).tolist() == [0]
    with pytest.raises(ValueError, match="bans"):
        attention_entropy(alike, "bans")


def test_distance_of_known_patterns():
    assert attention_distance(torch.eye(4)).tolist() == [0, 0, 0, 0]
    assert attention_distance(torch.eye(4).roll(1, dims=1)).tolist() == [1, 1, 1, 3]
    torch.testing.assert_close(attention_distance(torch.full((2, 3, 3), 1 / 3)), torch.tensor([[1, 2 / 3, 1]] * 2))
    with pytest.raises(ValueError, match="one sequence"):
        attention_distance(torch.full((2, 3), 1 / 3))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), queries=st.integers(1, 6), keys=st.integers(1, 6), size=st.floats(0.01, 100))
def test_probabilities_sum_to_one_and_context_stays_within_the_values(seed, queries, keys, size):
    value = draw(keys, 3, seed=seed + 1)
    attention = scaled_dot_product_attention(draw(queries, 4, seed=seed) * size, draw(keys, 4, seed=seed + 2), value)
    torch.testing.assert_close(attention.probabilities.sum(-1), torch.ones(queries))
    assert (attention.context <= value.amax(0) + 1e-5).all() and (attention.context >= value.amin(0) - 1e-5).all()
    assert (attention_entropy(attention.probabilities) <= math.log(keys) + 1e-5).all()
