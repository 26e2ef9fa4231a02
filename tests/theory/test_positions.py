"""Position encodings against the papers' formulas and against transformers' own code."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding, apply_rotary_pos_emb
from transformers.models.t5.modeling_t5 import T5Attention

from core.theory.attention import scaled_dot_product_attention
from core.theory.positions import (
    alibi,
    alibi_slopes,
    clipped_relative_positions,
    order_error,
    relative_bias,
    relative_bucket,
    relative_positions,
    rotary,
    similarity_by_distance,
    sinusoidal_encoding,
)


def draw(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def self_attention(x):
    return scaled_dot_product_attention(x, x, x).context


@pytest.mark.parametrize("base", [10000.0, 50.0])
def test_sinusoids_are_the_papers_formula(base):
    encoding = sinusoidal_encoding(40, 6, base)
    expected = [
        [f(position / base ** (2 * i / 6)) for i in range(3) for f in (math.sin, math.cos)] for position in range(40)
    ]
    torch.testing.assert_close(encoding, torch.tensor(expected))


def test_sinusoids_stay_exact_far_out():
    encoding = sinusoidal_encoding(100_000, 4)
    assert encoding[-1, 2].item() == pytest.approx(math.sin(99_999 / 100), abs=1e-6)


@pytest.mark.parametrize("length, width, base", [(0, 4, 1e4), (5, 3, 1e4), (5, 0, 1e4), (5, 4, 0.0), (5, 4, math.inf)])
def test_sinusoids_refuse_impossible_sizes(length, width, base):
    with pytest.raises(ValueError):
        sinusoidal_encoding(length, width, base)


def test_sinusoid_similarity_depends_on_distance_only():
    similarity = similarity_by_distance(sinusoidal_encoding(50, 16))
    frequency = torch.tensor([10000 ** (-i / 8) for i in range(8)])
    expected = (torch.arange(50)[:, None] * frequency).cos().sum(-1)
    torch.testing.assert_close(similarity.dot, expected, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(similarity.cosine, expected / 8, atol=1e-5, rtol=1e-4)  # every encoding has length √8


def test_similarity_by_distance_averages_all_pairs_of_a_distance():
    similarity = similarity_by_distance(torch.tensor([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]]))
    torch.testing.assert_close(similarity.dot, torch.tensor([23 / 3, 3.0, 3.0]))
    torch.testing.assert_close(similarity.cosine, torch.tensor([1.0, 0.5**1.5, 0.5**0.5]))
    assert similarity_by_distance(torch.zeros(2, 4)).cosine.tolist() == [0, 0]


@pytest.mark.parametrize("base", [10000.0, 500.0])
@pytest.mark.parametrize("start", [0, 17])
def test_rotary_equals_llama(base, start):
    config = LlamaConfig(
        hidden_size=32, num_attention_heads=4, rope_parameters={"rope_type": "default", "rope_theta": base}
    )
    query, key = draw(2, 4, 9, 8, seed=1), draw(2, 4, 9, 8, seed=2)
    positions = torch.arange(start, start + 9)
    cos, sin = LlamaRotaryEmbedding(config)(query, positions[None])
    for ours, theirs in zip((query, key), apply_rotary_pos_emb(query, key, cos, sin), strict=True):
        torch.testing.assert_close(rotary(ours, base, positions), theirs, atol=1e-5, rtol=1e-5)


def test_rotary_starts_at_zero_and_keeps_lengths():
    x = draw(3, 6, 8)
    turned = rotary(x)
    torch.testing.assert_close(turned[:, 0], x[:, 0])
    torch.testing.assert_close(turned.norm(dim=-1), x.norm(dim=-1))
    torch.testing.assert_close(turned, rotary(x, positions=torch.arange(6)))
    assert not torch.allclose(turned[:, 1:], x[:, 1:])
    with pytest.raises(ValueError, match="even"):
        rotary(draw(3, 5))


def test_rotary_scores_are_constant_along_diagonals():
    query, key = draw(3, 8, seed=1), draw(3, 8, seed=2)
    queries, keys = (rotary(one[:, None].expand(-1, 12, -1)) for one in (query, key))
    scores = queries @ keys.mT
    assert scores.shape == (3, 12, 12)
    torch.testing.assert_close(scores[:, 1:, 1:], scores[:, :-1, :-1], atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(scores[:, 4, 4], (query * key).sum(-1))
    far = rotary(query, positions=torch.tensor([105.0])) * rotary(key, positions=torch.tensor([101.0]))
    torch.testing.assert_close(scores[:, 5, 1], far.sum(-1), atol=1e-5, rtol=1e-4)
    assert scores[0, 0].std() > 0.1


def test_alibi_slopes_of_the_paper():
    assert alibi_slopes(8).tolist() == [2**-i for i in range(1, 9)]
    torch.testing.assert_close(alibi_slopes(16), torch.tensor([2 ** (-i / 2) for i in range(1, 17)]))
    assert alibi_slopes(1).tolist() == [2**-8]


@pytest.mark.parametrize("heads", [3, 6, 12, 20])
def test_alibi_slopes_for_other_numbers_as_in_the_authors_code(heads):
    def slopes(n):  # get_slopes of ofirpress/attention_with_linear_biases, written as there
        if math.log2(n).is_integer():
            start = 2 ** (-(2 ** -(math.log2(n) - 3)))
            return [start * start**i for i in range(n)]
        closest = 2 ** math.floor(math.log2(n))
        return slopes(closest) + slopes(2 * closest)[0::2][: n - closest]

    torch.testing.assert_close(alibi_slopes(heads), torch.tensor(slopes(heads)))


def test_alibi_bias():
    bias = alibi(4, 8)
    assert bias.shape == (8, 4, 4)
    assert bias[0, 3].tolist() == [-1.5, -1.0, -0.5, 0.0] and bias[1, 0].tolist() == [0, -0.25, -0.5, -0.75]
    causal = alibi(4, 8, causal=True)
    past = torch.ones(4, 4).tril().bool()
    assert torch.equal(causal[:, past], bias[:, past]) and (causal[:, ~past] == -math.inf).all()
    with pytest.raises(ValueError):
        alibi(4, 0)


def test_relative_positions_are_key_minus_query():
    assert relative_positions(3).tolist() == [[0, 1, 2], [-1, 0, 1], [-2, -1, 0]]
    assert clipped_relative_positions(4, 2)[0].tolist() == [0, 1, 2, 2]
    assert clipped_relative_positions(4, 2)[3].tolist() == [-2, -2, -1, 0]
    assert not clipped_relative_positions(4, 0).any()
    with pytest.raises(ValueError):
        clipped_relative_positions(4, -1)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("buckets, max_distance", [(32, 128), (8, 20), (64, 512), (4, 3)])
def test_relative_bucket_equals_t5(bidirectional, buckets, max_distance):
    distance = torch.arange(-1200, 1201)
    theirs = T5Attention._relative_position_bucket(distance, bidirectional, buckets, max_distance)
    ours = relative_bucket(distance, buckets, max_distance, bidirectional)
    assert torch.equal(ours, theirs)
    assert ours.min() == 0 and ours.max() == buckets - 1


@pytest.mark.parametrize(
    "buckets, max_distance, bidirectional", [(31, 128, True), (2, 128, True), (32, 8, True), (1, 9, False)]
)
def test_relative_bucket_refuses_too_few(buckets, max_distance, bidirectional):
    with pytest.raises(ValueError):
        relative_bucket(torch.arange(3), buckets, max_distance, bidirectional)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_relative_bias_reads_the_table(bidirectional):
    table = draw(8, 3)
    bias = relative_bias(30, table, 20, bidirectional)
    assert bias.shape == (3, 30, 30)
    bucket = relative_bucket(torch.tensor(4 - 25), 8, 20, bidirectional)
    assert torch.equal(bias[:, 25, 4], table[bucket])
    bucket = relative_bucket(torch.tensor(2), 8, 20, bidirectional)
    assert torch.equal(bias[:, 4, 6], table[bucket])


def test_attention_without_positions_does_not_know_the_order():
    hidden, permutation = draw(2, 7, 8), torch.tensor([3, 1, 6, 0, 2, 5, 4])
    assert order_error(self_attention, hidden, permutation) < 1e-5
    assert order_error(lambda x: self_attention(x + sinusoidal_encoding(7, 8)), hidden, permutation) > 0.1
    assert order_error(lambda x: self_attention(rotary(x)), hidden, permutation) > 0.1


def test_order_error_is_the_largest_difference():
    hidden = torch.tensor([[1.0], [5.0], [2.0]])
    error = order_error(lambda x: x * torch.tensor([[1.0], [2.0], [3.0]]), hidden, torch.tensor([1, 2, 0]))
    assert error == max(abs(5 - 10), abs(4 - 6), abs(3 - 1))


@pytest.mark.parametrize("permutation", [[0, 1], [0, 0, 1], [1, 2, 3]])
def test_order_error_refuses_what_is_no_permutation(permutation):
    with pytest.raises(ValueError, match="each of 0 to 2 once"):
        order_error(self_attention, draw(3, 4), torch.tensor(permutation))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), width=st.integers(1, 8), at=st.floats(0, 500), apart=st.floats(-50, 50))
def test_rotary_score_depends_on_the_difference_only(seed, width, at, apart):
    query, key = draw(1, 2 * width, seed=seed).double(), draw(1, 2 * width, seed=seed + 1).double()

    def score(i, j):
        return rotary(query, positions=torch.tensor([i])) @ rotary(key, positions=torch.tensor([j])).T

    torch.testing.assert_close(score(at + apart, at), score(apart, 0.0), atol=2e-3, rtol=1e-4)
