"""Waves, the learned table, order surgery and relative schemes, against PyTorch and the shipped teacher."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from core.engine import Engine
from core.errors import LabError
from core.labs.positional_encoding import encodings as study
from core.labs.positional_encoding import order, relative
from core.models.families import FAMILIES
from core.theory.positions import sinusoidal_encoding

TEXT = "The dog chased the cat up the [MASK]."
LONG = "The old man gave his son a small dog."


@pytest.fixture(scope="module")
def table(engine, setting):
    return study.learned_table(engine, setting, setting.teacher)


def test_small_waves_are_drawn_as_they_are():
    found = study.waves(40, 64, 10_000)
    assert torch.equal(found.drawn, found.encoding)
    assert not found.shrunk
    assert found.rows == list(range(40)) and found.columns == list(range(64))


def test_large_waves_are_block_means_of_whole_pairs():
    found = study.waves(512, 384, 10_000)
    assert found.drawn.numel() <= study.MOST_ROWS * study.MOST_COLUMNS
    assert all(
        second == first + 1 and first % 2 == 0
        for first, second in zip(found.columns[::2], found.columns[1::2], strict=True)
    )
    begin, end, column = found.rows[3], found.rows[4], 5
    assert found.drawn[3, column] == pytest.approx(
        float(found.encoding[begin:end, found.columns[column]].mean()), abs=1e-6
    )
    fastest, slowest = found.drawn[:, 0].abs().mean(), found.drawn[:, -1].abs().mean()
    assert fastest < 0.2 < slowest  # samples instead of means would leave the fastest wave at full height


def test_clock_is_one_pair_of_the_encoding_and_its_matrix_leads_from_a_to_b():
    encoding = sinusoidal_encoding(50, 64)
    clock = study.clock(64, 10_000, 4, 6, 43)
    assert torch.allclose(clock.hands.float(), encoding[[6, 43]][:, 8:10], atol=1e-5)
    assert torch.allclose(clock.matrix @ clock.hands[0], clock.hands[1])
    later = study.clock(64, 10_000, 4, 7, 44)
    assert torch.allclose(clock.matrix, later.matrix)
    assert clock.period == pytest.approx(2 * math.pi / clock.frequency)


def test_dot_product_knows_the_distance_only():
    pair = study.compare_positions(64, 10_000, 6, 10, moved=333)
    assert pair.dot == pytest.approx(pair.dot_moved, abs=1e-4)
    assert pair.cosine == pytest.approx(
        float(F.cosine_similarity(*sinusoidal_encoding(11, 64)[[6, 10]], dim=0)), abs=1e-5
    )
    assert study.compare_positions(64, 10_000, 6, 11).dot != pytest.approx(pair.dot, abs=0.1)


def test_learned_table_is_the_models_own(engine, setting, table):
    config = engine.checkpoint(setting, setting.teacher).model.config
    assert table.table.shape == (config.max_position_embeddings, config.hidden_size)
    trace = engine.trace(setting, setting.teacher, TEXT)
    assert torch.allclose(trace.embeddings.position, table.table[: len(trace.tokens.pieces)])
    assert table.norms[7] == pytest.approx(float(table.table[7].norm()))
    assert table.next_cosine[7] == pytest.approx(
        float(F.cosine_similarity(table.table[7], table.table[8], dim=0)), abs=1e-5
    )
    assert table.highest_norm == pytest.approx(float(table.norms[table.largest_norm]))


def test_roberta_table_begins_after_its_two_spare_rows(tiny, monkeypatch):
    checkpoint = tiny("roberta")
    fake = Engine()
    monkeypatch.setattr(fake, "checkpoint", lambda setting, name: checkpoint)
    rows = study.position_table(fake, None, "roberta")
    whole = checkpoint.model.roberta.embeddings.position_embeddings.weight
    assert torch.equal(rows, whole[2:])


def test_a_rotary_model_has_no_table(tiny, monkeypatch):
    fake = Engine()
    assert FAMILIES["llama"].position == "rotary_emb"
    monkeypatch.setattr(fake, "checkpoint", lambda setting, name: tiny("llama"))
    with pytest.raises(LabError) as raised:
        study.position_table(fake, None, "llama")
    assert raised.value.code == "no_position_table"


def test_seams_and_untrained_rows_are_found(monkeypatch):
    torch.manual_seed(0)
    smooth = sinusoidal_encoding(300, 64) + 0.01 * torch.randn(300, 64)
    smooth[150:] = smooth[150:].flip(1)  # a seam at 149|150
    smooth[280:285] = torch.randn(5, 64) @ torch.diag(torch.randn(64).sign())
    monkeypatch.setattr(study, "position_table", lambda *_: smooth)
    found = study.learned_table.__wrapped__(None, None, "made")
    assert 149 in found.seams
    assert {281, 282, 283} & set(found.untrained)
    assert not set(found.untrained) & set(range(10, 140))


def test_path_finds_the_clock_that_was_put_in():
    torch.manual_seed(0)
    places = torch.arange(200.0)
    hidden = torch.stack([(places * 2 * math.pi / 8).sin(), (places * 2 * math.pi / 8).cos()], dim=1)
    rows = hidden @ torch.linalg.qr(torch.randn(32, 2))[0].T + 0.05 * torch.randn(200, 32)
    found = study.path(rows, 20)
    assert found.axes == (0, 1) and found.goes_round(0)
    assert found.periods[0] == pytest.approx(8, rel=0.05)
    assert found.turns[0] == pytest.approx(6, rel=0.05)
    assert found.share_of((0, 1)) > 0.9
    assert (found.first, found.last) == (20, 67)


def test_orders_move_words_and_leave_special_tokens(engine, setting):
    tokens = engine.tokens(setting, setting.teacher, TEXT)
    last = len(tokens.pieces) - 1
    assert order.default_swap(tokens, ["dog", "cat"]) == [2, 5]
    assert len(order.default_swap(tokens)) == 2
    swapped = order.new_order(tokens, "swap", [2, 5])
    assert [tokens.pieces[i] for i in swapped][1:6] == ["the", "cat", "chased", "the", "dog"]
    for way in order.WAYS:
        moves = order.new_order(tokens, way, [2, 3, 5], seed=3)
        assert sorted(moves) == list(range(last + 1)) and moves[0] == 0 and moves[last] == last
    assert order.new_order(tokens, "swap", []) == tuple(range(last + 1))
    assert order.new_order(tokens, "shuffle", seed=1) != order.new_order(tokens, "shuffle", seed=2)
    assert order.new_order(tokens, "reverse")[1] == last - 1


@pytest.mark.parametrize("way", order.WAYS)
def test_only_positions_make_order_matter(engine, setting, way):
    tokens = engine.tokens(setting, setting.teacher, TEXT)
    moves = order.new_order(tokens, way, [2, 5], seed=1)
    found = order.surgery(engine, setting, setting.teacher, TEXT, moves)
    assert found.with_positions[-1] > 0.05
    assert found.without_positions.max() < 1e-4
    assert found.other_way.max() < 1e-4
    assert found.order_matters
    assert torch.allclose(found.by_token.amax(dim=1), found.with_positions)
    assert found.moved_places == {p for p, source in enumerate(moves) if tokens.ids[source] != tokens.ids[p]}
    layers = engine.checkpoint(setting, setting.teacher).model.config.num_hidden_layers
    assert len(found.with_positions) == layers + 1


def test_prediction_follows_the_mask_wherever_it_moves(engine, setting):
    tokens = engine.tokens(setting, setting.teacher, TEXT)
    moves = order.new_order(tokens, "reverse")
    bare = order.prediction(engine, setting, setting.teacher, TEXT, moves, positions=False)
    assert bare.moved < 1e-4 and bare.best_before == bare.best_after
    own = order.prediction(engine, setting, setting.teacher, TEXT, moves, positions=True)
    assert own.moved > 0.01
    trace = engine.trace(setting, setting.teacher, TEXT)
    place = tokens.pieces.index("[MASK]")
    assert own.before.max() == pytest.approx(float(trace.logits[place].softmax(-1).max()), abs=1e-5)
    with pytest.raises(LabError) as raised:
        order.prediction(engine, setting, setting.teacher, LONG, range(12), positions=True)
    assert raised.value.code == "no_mask"


@pytest.fixture(scope="module")
def scores(engine, setting):
    effect = relative.position_effect(engine, setting, setting.teacher, LONG)
    layer, head = relative.strongest_head(effect)
    assert effect[layer, head] == effect.max()
    return relative.head_scores(engine, setting, setting.teacher, LONG, layer, head)


def test_learned_positions_add_up_to_the_models_own_scores(engine, setting, scores):
    found = relative.add(scores, "learned")
    assert torch.allclose(scores.words + found.added, scores.own, atol=1e-4)
    assert torch.allclose(found.after, found.own, atol=1e-5)
    assert scores.check < 1e-4
    assert torch.allclose(scores.words, scores.query @ scores.key.T * scores.scale, atol=1e-4)
    query, key = relative.default_cell(scores)
    assert relative.cell(scores, found, query, key).added == pytest.approx(float(found.added[scores.pairs].max()))


def test_t5_has_one_number_a_bucket_the_mean_of_what_it_imitates(scores):
    found = relative.add(scores, "t5", relative.Knobs(buckets=8, furthest=32))
    own = scores.own - scores.words
    for bucket in found.index.unique():
        there = found.index == bucket
        assert found.added[there].unique().numel() == 1
        kept = there & scores.pairs
        if kept.any():
            assert found.added[there][0] == pytest.approx(float(own[kept].mean()), abs=1e-3)
    assert found.explained == pytest.approx(1, abs=1e-6)
    assert relative.add(scores, "t5").fit >= found.fit - 1e-6  # more buckets never fit worse
    assert relative.add(scores, "learned").explained < 1


def test_shaw_adds_a_product_with_the_query_and_clips(scores):
    found = relative.add(scores, "shaw", relative.Knobs(clip=2))
    assert found.index.min() == -2 and found.index.max() == 2
    far = found.added[0, 4:]
    assert torch.allclose(far, far[0].expand_as(far), atol=1e-4)  # one query, one clipped distance, one number
    assert found.fit > 0
    stacked = torch.stack([scores.query[i] for i in range(4, 8)])
    ahead = torch.stack([found.added[i, i + 1] for i in range(4, 8)])
    vector = torch.linalg.lstsq(stacked, ahead[:, None]).solution
    assert torch.allclose(stacked @ vector, ahead[:, None], atol=1e-2)


def test_alibi_is_slope_times_distance_and_hides_the_future_if_asked(scores):
    found = relative.add(scores, "alibi")
    assert found.added[3, 8] == pytest.approx(-5 * found.slope, rel=1e-5) == found.added[8, 3]
    causal = relative.add(scores, "alibi", relative.Knobs(causal=True))
    assert causal.added[3, 8] == -math.inf and causal.after[3, 8] == 0
    assert math.isfinite(causal.lowest) and causal.fit is None
    assert torch.allclose(causal.after.sum(-1), torch.ones(len(causal.after)))
    assert found.steepest >= found.slope >= found.flattest


def test_rotary_keeps_the_diagonal_and_the_slide_keeps_the_score(scores):
    found = relative.add(scores, "rotary")
    assert found.added.diagonal().abs().max() < 1e-3  # no distance, no turn
    assert found.added.abs().max() > 0.1
    slid = relative.slide(scores, 5, 2, 100, 10_000)
    assert slid.here == pytest.approx(float(scores.words[5, 2] + found.added[5, 2]), abs=1e-3)
    assert slid.difference < 1e-9 and abs(slid.apart - slid.here) > 1e-3
    assert float(slid.curve[slid.distances.index(-3)]) == pytest.approx(slid.here, abs=1e-9)
    assert float(slid.curve[slid.distances.index(0)]) == pytest.approx(float(scores.words.new_tensor(
        float(scores.query[5] @ scores.key[2]) * scores.scale)), abs=1e-4)  # fmt: skip


def test_one_word_does_not_break_the_schemes(engine, setting):
    assert relative.position_effect(engine, setting, setting.teacher, "Dog").isfinite().all()
    scores = relative.head_scores(engine, setting, setting.teacher, "Dog", 0, 0)
    for scheme in relative.SCHEMES:
        found = relative.add(scores, scheme)
        assert found.after.isfinite().all()
