"""The page on self-attention: habits, steps, damage and the toy, against PyTorch and the models themselves."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from core.engine import Engine, Setting
from core.errors import LabError
from core.labs.self_attention import ablations as breaking
from core.labs.self_attention import figures as plots
from core.labs.self_attention import formulas
from core.labs.self_attention import heads as study
from core.labs.self_attention import toy as toys
from core.trace import AblateHead, NoScaling, Trace, UniformAttention

TEXT = "The boy kicked the ball and the dog ran after it."


@pytest.fixture(scope="module")
def trace(engine: Engine, setting: Setting) -> Trace:
    return engine.trace(setting, setting.teacher, TEXT)


def shifted(offset: int, length: int = 6) -> torch.Tensor:
    """Every query looks only `offset` tokens further; where there is none, at itself."""
    keys = [i + offset if 0 <= i + offset < length else i for i in range(length)]
    return F.one_hot(torch.tensor(keys), length).float()


@pytest.mark.parametrize(("offset", "kind"), [(-1, "previous"), (1, "following"), (0, "itself")])
def test_a_habit_is_named_after_where_the_weight_goes(offset: int, kind: str) -> None:
    found = study.habits(shifted(offset), torch.zeros(6, dtype=torch.bool))
    assert found.kind() == kind
    assert float(getattr(found, kind)) == 1.0
    assert float(found.entropy) == 0.0 and float(found.in_view) == 1.0
    assert float(found.distance) == pytest.approx(abs(offset) * 5 / 6)


def test_uniform_and_resting_heads_are_named_too() -> None:
    special = torch.tensor([True, False, False, False, False, True])
    even = study.habits(torch.full((6, 6), 1 / 6), special)
    assert (
        even.kind() == "broad" and float(even.in_view) == pytest.approx(6) and float(even.evenness) == pytest.approx(1)
    )
    assert float(even.special) == pytest.approx(2 / 6)
    resting = torch.full((6, 6), 0.05)
    resting[:, 5] = 0.75
    assert study.habits(resting, special).kind() == "special"
    half = 0.45 * shifted(-1) + 0.45 * shifted(1) + 0.1 * torch.full((6, 6), 1 / 6)
    assert study.habits(half, special).kind() == "mixed"


def test_a_single_token_has_habits_without_dividing_by_zero() -> None:
    found = study.habits(torch.ones(1, 1), torch.tensor([True]))
    assert all(bool(torch.isfinite(value)) for value in vars(found).values())


def test_the_first_head_on_the_screen_has_a_pattern_among_words(trace: Trace) -> None:
    layer, head = study.most_telling_head(trace)
    found = study.habits(trace.probabilities, trace.tokens.special)
    assert found.special[layer, head] < 0.5
    assert study.DECIDED <= found.evenness[layer, head] < 0.5
    query = study.telling_query(trace.probabilities[layer, head], trace.tokens.special)
    assert not trace.tokens.special[query]


def test_a_telling_query_is_not_wholly_decided() -> None:
    pattern = torch.tensor([[0.0, 0.0, 1.0], [0.4, 0.0, 0.6], [0.0, 0.99, 0.01]])
    assert study.telling_query(pattern, torch.zeros(3, dtype=torch.bool)) == 1


def test_the_drawn_map_names_what_it_leaves_out() -> None:
    pattern = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.1, 0.8]])
    special = torch.tensor([True, False, False])
    drawn = study.drawn_map(pattern, special, hide_special=True, threshold=0.15)
    assert drawn.positions == [1, 2]
    assert drawn.hidden == pytest.approx((0.5 + 0.1) / 2)
    assert drawn.faint == pytest.approx(0.1 / 2)
    assert drawn.weights.isnan().tolist() == [[False, False], [True, False]]
    assert drawn.weights[0].tolist() == pytest.approx([0.3, 0.2])  # as the model used them, not rescaled
    assert drawn.cell(2, 1) == (1, 0) and drawn.cell(0, 1) is None
    assert study.drawn_map(pattern, torch.ones(3, dtype=torch.bool), hide_special=True).positions == [0, 1, 2]


def test_steps_equal_pytorch_and_the_model(trace: Trace) -> None:
    for layer, head, query in ((0, 0, 1), (1, 8, 5), (5, 11, 0)):
        row, seen = study.steps(trace, layer, head, query), trace.layers[layer]
        expected = F.scaled_dot_product_attention(seen.query[head, query][None], seen.key[head], seen.value[head])
        assert torch.allclose(row.context, expected[0], atol=1e-5)
        assert torch.allclose(row.dots / math.sqrt(row.width), row.scores, atol=1e-5)
        assert torch.allclose(row.exponentials / row.total, trace.probabilities[layer, head, query], atol=1e-5)
        assert torch.allclose(row.parts.sum(0), seen.context[head, query], atol=1e-5)
        assert row.by_root and row.width == 32 and row.difference < 1e-5


def test_a_causal_model_scores_the_future_with_minus_infinity(tiny) -> None:
    from core.trace import trace as trace_text

    row = study.steps(trace_text(tiny("gpt2"), "the king rules a land"), 0, 1, 2)
    assert row.scores.isinf().tolist() == [False, False, False] + [True] * (len(row.scores) - 3)
    assert row.weights[3:].sum() == 0 and row.difference < 1e-5


def test_the_joined_heads_through_w_o_are_what_the_layer_adds(engine: Engine, setting: Setting, trace: Trace) -> None:
    dense = engine.checkpoint(setting, setting.teacher).model.bert.encoder.layer[2].attention.output.dense
    joined = trace.layers[2].context.transpose(0, 1).flatten(1)  # [query, head * d_v]
    assert torch.allclose(dense(joined), trace.layers[2].attention_output, atol=1e-4)
    sizes = study.joining(trace, 2, 5)
    assert (sizes.heads * sizes.head_width, sizes.width) == tuple(dense.weight.shape)
    assert sizes.output_norm == pytest.approx(float(trace.layers[2].attention_output[5].norm()))


def test_formulas_hold_the_numbers_and_no_foreign_command(trace: Trace) -> None:
    row = study.steps(trace, 1, 8, 5)
    tokens = list(trace.tokens.pieces)
    assert f"{float(row.dots[6]):.2f}" in formulas.dot(row, tokens, 5, 6)
    assert rf"\sqrt{{{row.width}}}" in formulas.scaled(row, tokens, 5, 6)
    assert f"{float(row.weights[6]):.3f}" in formulas.softmax(row, tokens, 5, 6)
    assert f"{float(row.context[0]):.2f}" in formulas.weighted_sum(row, tokens, 5)
    tokens[5] = r"}\href{javascript:alert(1)}{x"
    everything = formulas.projections(row, tokens, 5, 6) + formulas.weighted_sum(row, tokens, 5)
    assert "href" not in everything and "q_{6}" in everything
    assert formulas.number(-0.001) == "0.00" and formulas.number(-math.inf) == r"-\infty"


def test_figures_show_the_numbers_and_no_markup(trace: Trace) -> None:
    row = study.steps(trace, 1, 8, 5)
    tokens = ["<b>", *trace.tokens.pieces[1:]]
    figure = plots.over_keys(tokens, row.weights, 3, "#000000", {"values": "a"})
    assert list(figure.data[0].y) == pytest.approx(row.weights.tolist())
    assert figure.layout.xaxis.ticktext[0] == "&lt;b>"
    products = plots.dot_product(row.query, row.keys[6], {"query": "q", "key": "k", "product": "p", "dimension": "d"})
    assert sum(products.data[2].y) == pytest.approx(float(row.dots[6]), abs=1e-4)


# Broken


def test_damage_is_the_intervention_that_its_name_says() -> None:
    assert breaking.damage("no_scaling", None, 0, 6, 12) == (NoScaling(None),)
    assert breaking.damage("uniform", 3, 0, 6, 12) == (UniformAttention(3),)
    assert breaking.damage("head", 2, 7, 6, 12) == (AblateHead(2, 7),)
    assert breaking.damage("heads", 1, 0, 6, 3) == tuple(AblateHead(1, head) for head in range(3))
    assert len(breaking.damage("heads", None, 0, 6, 12)) == 72


def test_hidden_word_is_the_texts_own_mask_or_a_word(engine: Engine, setting: Setting) -> None:
    for text, expected in ((TEXT, "ball"), ("The [MASK] ran.", "[MASK]"), ("a b", None)):
        tokens = engine.tokens(setting, setting.teacher, text)
        position = breaking.hidden_position(engine, setting, setting.teacher, tokens)
        assert position in breaking.words_of(tokens)
        assert expected in (None, tokens.pieces[position])


def broken(engine: Engine, setting: Setting, *interventions) -> breaking.Ablation:
    tokens = engine.tokens(setting, setting.teacher, TEXT)
    position = breaking.hidden_position(engine, setting, setting.teacher, tokens)
    ids = breaking.with_hidden(engine, setting, setting.teacher, tokens, position)
    before, after = (
        engine.trace(setting, setting.teacher, TEXT, ids=ids, interventions=each) for each in ((), interventions)
    )
    true_id = int(tokens.ids[position])
    found = breaking.compare(engine, setting, setting.teacher, before, after, position, true_id)
    log_before, log_after = (each.logits[position].double().log_softmax(-1) for each in (before, after))
    kl = float((log_before.exp() * (log_before - log_after)).sum())
    assert found.divergence == pytest.approx(kl, rel=1e-5, abs=1e-5)
    assert found.true_after == pytest.approx(float(log_after.exp()[true_id]), abs=1e-6)
    assert found.before[0] == pytest.approx(float(log_before.exp().max()), abs=1e-6)
    return found


def test_without_damage_nothing_moves(engine: Engine, setting: Setting) -> None:
    found = broken(engine, setting)
    assert found.divergence == pytest.approx(0, abs=1e-6) and found.direction == 2
    assert found.first_before == found.first_after and torch.equal(found.before, found.after)


def test_without_the_scale_attention_becomes_sharper(engine: Engine, setting: Setting) -> None:
    found = broken(engine, setting, NoScaling())
    assert found.direction == 0 and found.divergence > 0.01
    assert found.entropy_after[0] < found.entropy_before[0]


def test_uniform_attention_reaches_the_ceiling(engine: Engine, setting: Setting) -> None:
    found = broken(engine, setting, UniformAttention())
    assert found.direction == 1
    assert found.entropy_after.tolist() == pytest.approx([found.ceiling] * len(found.entropy_after), abs=1e-5)


def test_the_sweep_is_one_ablation_a_head(engine: Engine, setting: Setting) -> None:
    tokens = engine.tokens(setting, setting.student, TEXT)
    position = breaking.hidden_position(engine, setting, setting.student, tokens)
    ids = breaking.with_hidden(engine, setting, setting.student, tokens, position)
    numbers = breaking.sweep(engine, setting, setting.student, TEXT, ids, position)
    assert numbers.shape == (3, 12) and bool((numbers >= -1e-6).all())
    before = engine.trace(setting, setting.student, TEXT, ids=ids)
    after = engine.trace(setting, setting.student, TEXT, ids=ids, interventions=(AblateHead(1, 4),))
    found = breaking.compare(engine, setting, setting.student, before, after, position, int(tokens.ids[position]))
    assert float(numbers[1, 4]) == pytest.approx(found.divergence, abs=1e-6)
    most = breaking.leader(numbers)
    assert float(numbers[most.layer, most.head]) == most.value == float(numbers.max())
    assert most.idle == int((numbers < breaking.IDLE).sum())
    assert breaking.sweep(engine, setting, setting.student, TEXT, ids, position) is numbers


# The toy


def toy(**options) -> toys.Toy:
    return toys.attention(*(toys.checked(name, rows) for name, rows in toys.START.items()), **options)


def test_the_toy_equals_pytorch() -> None:
    found = toy()
    expected = F.scaled_dot_product_attention(found.query, found.key, found.value)
    assert torch.allclose(found.output, expected, atol=1e-6)
    assert torch.allclose(found.weights.sum(-1), torch.ones(3))
    causal = toy(causal=True)
    expected = F.scaled_dot_product_attention(
        *(part[None] for part in (causal.query, causal.key, causal.value)), is_causal=True
    )
    assert torch.allclose(causal.output, expected[0], atol=1e-6)
    assert causal.scores[0, 1] == -math.inf


def test_swapping_tokens_swaps_rows_unless_a_causal_mask_looks_at_the_order() -> None:
    swapped = toy(swapped=True)
    assert swapped.equivariant and torch.allclose(swapped.output, toy().output[[2, 1, 0]], atol=1e-6)
    assert not toy(swapped=True, causal=True).equivariant


def test_a_matrix_survives_the_address() -> None:
    start = toys.START["x"]
    rows = [[0.5, -1, 2, 100], [0, 0, 0, 0], [1e-3, 7, 8, 9]]
    assert toys.read(toys.written(rows), start) == rows
    for hostile in ("", "garbage", "1~2_3~4", "nan~0~0~0_0~0~0~0_0~0~0~0", "1e9~0~0~0_0~0~0~0_0~0~0~0"):
        assert toys.read(hostile, start) == start


@pytest.mark.parametrize(("cell", "code"), [(None, "empty_cell"), (math.nan, "empty_cell"), (101.0, "large_cell")])
def test_a_bad_cell_is_named(cell: float | None, code: str) -> None:
    with pytest.raises(LabError) as caught:
        toys.checked("W_K", [[1, 2], [3, cell]])
    assert caught.value.code == code
    assert {"matrix": "W_K", "row": 2, "column": 2}.items() <= caught.value.details.items()
