"""The lesson on masked language modelling, against transformers, PyTorch and counting."""

from __future__ import annotations

import math

import pytest
import torch
from torch.nn import functional as F

from core.errors import LabError
from core.labs.mlm_masking import context as mlm_context
from core.labs.mlm_masking import gaps as mlm_masking
from core.labs.mlm_masking import masking as mlm_draws
from core.theory.masking import IGNORED

TEXT = "The doctor told the patient to rest for a week."
PIECES = "The gardener watered the sunflowers before breakfast."


@pytest.fixture(scope="module")
def logits_of(engine, setting):
    """`logits_of(name, ids)`: transformers' own output, `[position, vocabulary]`, without the lab's recorder."""

    @torch.no_grad()
    def run(name, ids, mask=None):
        model = engine.checkpoint(setting, name).model
        return model(input_ids=ids[None], attention_mask=mask).logits[0].float()

    return run


def hidden_ids(engine, setting, text, positions):
    ids = engine.tokens(setting, setting.teacher, text).ids.clone()
    ids[positions] = engine.checkpoint(setting, setting.teacher).tokenizer.mask_token_id
    return ids


def test_gap_losses_equal_cross_entropy(engine, setting, logits_of):
    positions = [2, 5]
    found = mlm_masking.fill_gaps(engine, setting, TEXT, positions)
    ids = hidden_ids(engine, setting, TEXT, positions)
    labels = torch.full_like(ids, IGNORED)
    labels[positions] = engine.tokens(setting, setting.teacher, TEXT).ids[positions]
    for name, mean in ((setting.teacher, found.teacher_loss), (setting.student, found.student_loss)):
        assert F.cross_entropy(logits_of(name, ids), labels).item() == pytest.approx(mean, abs=1e-4)
    for gap in found.gaps:
        probabilities = logits_of(setting.teacher, ids)[gap.position].softmax(-1)
        truth = labels[gap.position]
        assert gap.teacher.probability == pytest.approx(probabilities[truth].item(), rel=1e-4)
        assert gap.teacher.rank == (probabilities.argsort(descending=True) == truth).nonzero().item() + 1
        assert gap.teacher.best[0].id == probabilities.argmax().item()
        assert gap.teacher.loss == pytest.approx(-math.log(gap.teacher.probability))
        assert gap.shown == "[MASK]"
    assert [gap.truth for gap in found.gaps] == ["doctor", "patient"]


def test_no_gap_is_an_error(engine, setting):
    with pytest.raises(LabError) as error:
        mlm_masking.fill_gaps(engine, setting, TEXT, [])
    assert error.value.code == "no_mask"


def test_what_can_be_hidden(engine, setting):
    tokens = engine.tokens(setting, setting.teacher, "A [MASK] of tea")
    assert tokens.pieces[2] == "[MASK]"
    assert mlm_masking.maskable(engine, setting, tokens) == [1, 3, 4]
    assert mlm_masking.first_choice(tokens, [1, 3, 4], ["missing", "tea"]) == [4]
    assert mlm_masking.first_choice(tokens, [1, 3, 4]) == [4]
    assert mlm_masking.first_choice(tokens, []) == []


def test_pieces_of_a_word_are_one_group(engine, setting):
    tokens = engine.tokens(setting, setting.teacher, PIECES)
    groups = dict(zip(tokens.pieces, mlm_masking.groups_of(tokens), strict=True))
    assert groups["sun"] == groups["##flower"] == groups["##s"]
    assert len(set(mlm_masking.groups_of(tokens))) == len(tokens.pieces) - 2


def test_a_pair_costs_what_independence_leaves_out(engine, setting, logits_of):
    first, second = 2, 3
    for name, pair in zip(
        (setting.teacher, setting.student), mlm_masking.hide_pair(engine, setting, TEXT, first, second), strict=True
    ):
        truth = engine.tokens(setting, name, TEXT).ids
        both = logits_of(name, hidden_ids(engine, setting, TEXT, [first, second])).log_softmax(-1)
        one = logits_of(name, hidden_ids(engine, setting, TEXT, [second])).log_softmax(-1)
        independent = -both[first, truth[first]] - both[second, truth[second]]
        chained = -both[first, truth[first]] - one[second, truth[second]]
        assert pair.independent == pytest.approx(independent.item(), abs=1e-3)
        assert pair.chained == pytest.approx(chained.item(), abs=1e-3)
        assert pair.price == pytest.approx((independent - chained).item(), abs=1e-3)


def test_directions():
    assert [mlm_masking.direction(change) for change in (0.3, -0.3, 0.04, -0.04)] == [0, 1, 2, 2]


def test_a_draw_is_read_where_it_was_selected(engine, setting, logits_of):
    drawn = mlm_draws.draw(engine, setting, TEXT, mlm_draws.Masking(0.4), seed=3)
    again = mlm_draws.draw(engine, setting, TEXT, mlm_draws.Masking(0.4), seed=3)
    assert drawn.after == again.after and drawn.selected
    assert set(drawn.selected) <= set(drawn.candidates)
    found = mlm_draws.read_draw(engine, setting, TEXT, drawn)
    loss = F.cross_entropy(logits_of(setting.teacher, drawn.masked.input_ids), drawn.masked.labels)
    assert found.teacher_loss == pytest.approx(loss.item(), abs=1e-4)
    changed = [i for i, (a, b) in enumerate(zip(drawn.before, drawn.after, strict=True)) if a != b]
    assert set(changed) <= set(drawn.selected)


@pytest.mark.parametrize("whole", [False, True])
def test_many_draws_meet_the_expectation(engine, setting, whole):
    how = mlm_draws.Masking(0.3, mlm_draws.shares(60, 25), whole)
    assert how.shares == pytest.approx((0.6, 0.1, 0.3))
    tokens = engine.tokens(setting, setting.teacher, PIECES)
    candidates = mlm_masking.maskable(engine, setting, tokens)
    expected = mlm_draws.expectation(tokens, candidates, how)
    draws = 20_000
    counts = mlm_draws.many_draws(engine, setting, PIECES, how, draws, seed=1).double()
    for column, name in enumerate(("selected", "masked", "random", "kept")):
        error = expected.std[name] / math.sqrt(draws)
        assert counts[:, column].mean().item() == pytest.approx(expected.mean[name], abs=5 * error)
        assert counts[:, column].std().item() == pytest.approx(expected.std[name], rel=0.05)
    assert expected.chances.sum().item() == pytest.approx(1)
    assert len(expected.chances) == len(candidates) + 1
    for number, chance in enumerate(expected.chances.tolist()):
        share = (counts[:, 0] == number).double().mean().item()
        assert share == pytest.approx(chance, abs=5 * math.sqrt(chance * (1 - chance) / draws) + 1e-9)


def test_without_whole_words_the_count_is_binomial(engine, setting):
    tokens = engine.tokens(setting, setting.teacher, PIECES)
    candidates = mlm_masking.maskable(engine, setting, tokens)
    n, p = len(candidates), 0.15
    expected = mlm_draws.expectation(tokens, candidates, mlm_draws.Masking(p))
    assert expected.chances.tolist() == pytest.approx(
        [math.comb(n, k) * p**k * (1 - p) ** (n - k) for k in range(n + 1)]
    )
    assert expected.std["selected"] == pytest.approx(math.sqrt(n * p * (1 - p)))


def test_three_sights_differ_only_in_what_is_shown(engine, setting):
    seen = mlm_draws.three_sights(engine, setting, TEXT, 2, seed=0)
    assert {gap.truth for gap in seen.values()} == {"doctor"}
    assert seen["masked"].shown == "[MASK]" and seen["kept"].shown == "doctor"
    assert seen["random"].shown.isalpha() and seen["random"].shown not in ("doctor", "[MASK]")
    assert seen["masked"].teacher == mlm_masking.fill_gaps(engine, setting, TEXT, [2]).gaps[0].teacher
    assert seen["kept"].teacher.shown == pytest.approx(seen["kept"].teacher.probability)


def test_nothing_masked_is_the_loss_on_the_input_itself(engine, setting, logits_of):
    tokens = engine.tokens(setting, setting.teacher, TEXT)
    labels = torch.where(tokens.special, IGNORED, tokens.ids)
    loss = F.cross_entropy(logits_of(setting.student, tokens.ids), labels)
    assert mlm_draws.copying(engine, setting, TEXT).student_loss == pytest.approx(loss.item(), abs=1e-4)


@pytest.mark.parametrize(("copies", "expected"), [(1, 0.15), (10, 1 - 0.85**10), (None, 1 - 0.85**40)])
def test_coverage_over_the_epochs(engine, setting, copies, expected):
    long = "The cat sat by the old red door and looked at the rain. " * 12
    seen = mlm_draws.epochs_of(engine, setting, long, 0.15, 40, copies, seed=1)
    positions, epochs = seen.targets.shape
    assert epochs == len(seen.covered) == 40 and seen.draws == (copies or 40)
    assert seen.expected[-1] == pytest.approx(expected)
    assert seen.covered[-1] == pytest.approx(expected, abs=5 * math.sqrt(expected * (1 - expected) / positions))
    assert seen.covered[-1] == pytest.approx(1 - seen.never / positions)
    assert ((seen.targets == 1).sum(-1) <= 1).all()
    first, again = (seen.targets == 1).long().cumsum(-1), seen.targets == 2
    assert (first[again] == 1).all()
    if copies:
        assert torch.equal(seen.targets[:, copies] > 0, seen.targets[:, 0] > 0)


def test_left_only_equals_a_causal_mask(engine, setting):
    position = 2
    sides = mlm_context.both_sides_and_left(engine, setting, setting.teacher, TEXT, position)
    whole = mlm_masking.fill_gaps(engine, setting, TEXT, [position]).gaps[0].teacher
    assert sides.both == whole
    weights = sides.traces[1].probabilities
    assert weights.triu(1).abs().max() == 0 and sides.traces[0].probabilities.triu(1).max() > 0.01
    # what stands to the right cannot matter any more
    other = mlm_context.both_sides_and_left(
        engine, setting, setting.teacher, "The doctor told a lie, said the king.", position
    )
    assert sides.left.loss == pytest.approx(other.left.loss, abs=1e-4)
    assert abs(sides.both.loss - other.both.loss) > 1e-3


def test_influences_equal_an_attention_mask(engine, setting, logits_of):
    position, name = 2, setting.student
    found = mlm_context.influences(engine, setting, name, TEXT, position)
    ids = hidden_ids(engine, setting, TEXT, [position])
    truth = engine.tokens(setting, name, TEXT).ids[position]
    whole = logits_of(name, ids)[position].log_softmax(-1)[truth]
    for one in (found[0], found[3], found[-1]):
        mask = torch.ones_like(ids)[None]
        mask[0, list(one.positions)] = 0
        without = logits_of(name, ids, mask)[position].log_softmax(-1)[truth]
        assert one.change == pytest.approx((without - whole).item(), abs=1e-3)
    assert [one.word for one in found] == "the told the patient to rest for a week .".split()
    assert abs(mlm_context.strongest(found).change) == max(abs(one.change) for one in found)


def test_influences_take_words_as_a_whole_and_only_the_nearest(engine, setting):
    words = {one.word: one for one in mlm_context.influences(engine, setting, setting.student, PIECES, 2)}
    assert len(words["sunflowers"].positions) == 3
    long = "one two three four five six seven eight nine ten " * 5
    found = mlm_context.influences(engine, setting, setting.student, long, 2)
    assert len(found) == mlm_context.MOST_WORDS
    assert max(max(one.positions) for one in found) <= mlm_context.MOST_WORDS + 2


def test_the_lens_ends_with_the_model_and_begins_without_the_sentence(engine, setting):
    for name in (setting.teacher, setting.student):
        layers = engine.checkpoint(setting, name).model.config.num_hidden_layers
        seen = mlm_context.lens(engine, setting, name, TEXT, 2)
        said, trace = mlm_context.ask(engine, setting, name, TEXT, 2)
        assert seen.layers == layers and len(seen.best) == layers + 1
        assert seen.rank[-1] == said.rank and seen.probability[-1] == pytest.approx(said.probability, rel=1e-3)
        assert [guess.id for guess in seen.best[-1]] == [guess.id for guess in said.best[:4]]
        p = trace.logits[2].double().softmax(-1)
        assert seen.entropy[-1] == pytest.approx(-(p * p.log()).sum().item(), abs=1e-3)
        assert all(entropy <= mlm_context.most_possible(seen) for entropy in seen.entropy)
        other = mlm_context.lens(engine, setting, name, "We ate bread and butter for breakfast.", 2)
        assert [guess.id for guess in other.best[0]] == [guess.id for guess in seen.best[0]]
        favourites = [row[0].id for row in seen.best]
        assert all(id_ == favourites[-1] for id_ in favourites[seen.decided :])
        assert seen.decided == 0 or favourites[seen.decided - 1] != favourites[-1]


def test_the_papers_tables_match_their_recipes():
    assert list(mlm_draws.BERT_TABLE_8) == list(mlm_draws.RECIPES)
    for name, shares in mlm_draws.RECIPES.items():
        assert [round(100 * share) for share in shares] == [int(part) for part in name.split("-")]
    assert mlm_draws.largest_differences() == pytest.approx((0.6, 0.6, 0.9))
