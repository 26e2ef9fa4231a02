"""What masking selects, what becomes of it, and what it must never touch."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.theory.masking import (
    IGNORED,
    KEPT,
    MASKED,
    NOT_SELECTED,
    RANDOM,
    coverage,
    expected_coverage,
    mask_tokens,
    static_masks,
)

MASK_ID, VOCABULARY = 3, 1000


def text(*shape, seed=0):
    """Ids from 10 on, so that neither [MASK] nor a special token is among them."""
    return torch.randint(10, VOCABULARY, shape, generator=torch.Generator().manual_seed(seed))


def nothing_special(input_ids):
    return torch.zeros_like(input_ids, dtype=torch.bool)


def mask(input_ids, special=None, seed=0, **options):
    special = nothing_special(input_ids) if special is None else special
    generator = torch.Generator().manual_seed(seed)
    return mask_tokens(input_ids, MASK_ID, VOCABULARY, special, generator=generator, **options)


def within_five_sigma(count, trials, probability):
    return abs(count - trials * probability) <= 5 * math.sqrt(trials * probability * (1 - probability))


@pytest.mark.parametrize("probability, shares", [(0.15, (0.8, 0.1, 0.1)), (0.4, (0.5, 0.2, 0.3))])
def test_proportions(probability, shares):
    counts = mask(text(200, 500), probability=probability, shares=shares).counts()
    assert within_five_sigma(counts["selected"], 200 * 500, probability)
    for name, share in zip(("masked", "random", "kept"), shares, strict=True):
        assert within_five_sigma(counts[name], counts["selected"], share), name
    assert counts["masked"] + counts["random"] + counts["kept"] == counts["selected"]


def test_each_action_does_what_it_says():
    input_ids = text(100, 200)
    drawn = mask(input_ids, probability=0.5, shares=(0.4, 0.3, 0.3))
    assert (drawn.input_ids[drawn.action == MASKED] == MASK_ID).all()
    for action in (KEPT, NOT_SELECTED):
        assert torch.equal(drawn.input_ids[drawn.action == action], input_ids[drawn.action == action])
    selected = drawn.action != NOT_SELECTED
    assert torch.equal(drawn.labels[selected], input_ids[selected])
    assert (drawn.labels[~selected] == IGNORED).all()


def test_random_words_come_from_the_whole_vocabulary():
    words = mask(text(100, 400), probability=1.0, shares=(0.0, 1.0, 0.0)).input_ids
    assert words.min() == 0 and words.max() == VOCABULARY - 1
    assert within_five_sigma(int((words < 500).sum()), words.numel(), 0.5)


def test_specials_are_never_selected():
    input_ids = text(50, 40)
    special = nothing_special(input_ids)
    special[:, 0] = special[:, -5:] = True
    drawn = mask(input_ids, special.long(), probability=1.0)  # Hugging Face gives 0 and 1, not False and True
    assert torch.equal(drawn.action == NOT_SELECTED, special)
    assert torch.equal(drawn.input_ids[special], input_ids[special])


def test_probability_zero_selects_nothing():
    assert mask(text(50, 40), probability=0.0).counts() == {"selected": 0, "masked": 0, "random": 0, "kept": 0}


def test_same_seed_same_draw():
    first, again, other = (mask(text(4, 50), seed=seed) for seed in (7, 7, 8))
    for name in ("input_ids", "labels", "action"):
        assert torch.equal(getattr(first, name), getattr(again, name))
    assert not torch.equal(first.action, other.action)


def test_input_is_left_alone():
    input_ids = text(4, 50)
    before = input_ids.clone()
    mask(input_ids, probability=1.0)
    assert torch.equal(input_ids, before)


def pieces(words, seed):
    """Word ids of [CLS], `words` words of 1 to 4 pieces, [SEP], as `[position]`."""
    lengths = torch.randint(1, 5, (words,), generator=torch.Generator().manual_seed(seed))
    return torch.cat((torch.tensor([-1]), torch.arange(words).repeat_interleave(lengths), torch.tensor([-1])))


def test_whole_words_are_selected_at_the_rate_of_words():
    word_ids = torch.arange(300).repeat_interleave(4).expand(100, -1)
    selected = mask(text(100, 1200), word_ids=word_ids).action.ne(NOT_SELECTED).view(100, 300, 4)
    assert torch.equal(selected.all(-1), selected.any(-1))
    assert within_five_sigma(int(selected.all(-1).sum()), 100 * 300, 0.15)


def test_pieces_of_a_word_draw_their_own_action():
    word_ids = torch.arange(500).repeat_interleave(2)
    action = mask(text(1000), word_ids=word_ids, probability=1.0, shares=(0.5, 0.0, 0.5)).action.view(500, 2)
    assert within_five_sigma(int((action[:, 0] == action[:, 1]).sum()), 500, 0.5)


def test_positions_without_a_word_draw_for_themselves():
    word_ids = torch.full((10_000,), -1)
    selected = mask(text(10_000), word_ids=word_ids, probability=0.5).action != NOT_SELECTED
    assert within_five_sigma(int(selected.sum()), 10_000, 0.5)


@settings(max_examples=40, deadline=None)
@given(words=st.integers(1, 30), seed=st.integers(0, 10**6), probability=st.floats(0, 1))
def test_a_word_is_never_split(words, seed, probability):
    word_ids = pieces(words, seed)
    special = word_ids < 0
    action = mask(text(len(word_ids)), special, seed=seed, word_ids=word_ids, probability=probability).action
    for word in range(words):
        assert (action[word_ids == word] != NOT_SELECTED).unique().numel() == 1
    assert (action[special] == NOT_SELECTED).all()


@pytest.mark.parametrize("probability", [-0.1, 1.1, math.nan])
def test_refuses_impossible_probabilities(probability):
    with pytest.raises(ValueError, match="probability"):
        mask(text(5), probability=probability)


@pytest.mark.parametrize(
    "shares", [(0.8, 0.1, 0.2), (1.2, -0.1, -0.1), (0.8, 0.2), (0.5, 0.2, 0.2, 0.1), (0.5, math.nan, 0.5)]
)
def test_refuses_impossible_shares(shares):
    with pytest.raises(ValueError, match="shares"):
        mask(text(5), shares=shares)


def test_static_masks_are_a_few_draws_made_once():
    input_ids = text(60)
    arguments = (input_ids, MASK_ID, VOCABULARY, nothing_special(input_ids))
    copies, again = static_masks(10, *arguments, seed=4), static_masks(10, *arguments, seed=4)
    assert all(torch.equal(a.input_ids, b.input_ids) for a, b in zip(copies, again, strict=True))
    assert len({tuple(copy.action.tolist()) for copy in copies}) == 10
    assert not torch.equal(copies[0].action, static_masks(1, *arguments, seed=5)[0].action)
    options = static_masks(2, *arguments, probability=1.0, shares=(1.0, 0.0, 0.0))
    assert all((copy.input_ids == MASK_ID).all() for copy in options)


def test_reusing_static_masks_teaches_no_new_position():
    input_ids = text(2000)
    special = nothing_special(input_ids)
    copies = static_masks(3, input_ids, MASK_ID, VOCABULARY, special)
    assert coverage(copies * 4, special)[2:] == [coverage(copies, special)[-1]] * 10


def test_coverage_follows_its_expectation():
    input_ids = text(20_000)
    special = nothing_special(input_ids)
    special[::2] = True  # half of the positions can never be a target, and must not count as missed
    covered = coverage(static_masks(8, input_ids, MASK_ID, VOCABULARY, special), special)
    assert len(covered) == 8
    for k, share in enumerate(covered, start=1):
        assert within_five_sigma(share * 10_000, 10_000, 1 - 0.85**k)


def test_coverage_of_known_draws():
    input_ids = text(4)
    special = torch.tensor([True, False, False, False])
    all_of_them = mask(input_ids, special, probability=1.0)
    none_of_them = mask(input_ids, special, probability=0.0)
    assert coverage([none_of_them, all_of_them, none_of_them], special) == [0.0, 1.0, 1.0]


def test_expected_coverage():
    assert expected_coverage(0.15, 0) == 0
    assert expected_coverage(0.5, 3) == 0.875


def test_actions_are_told_apart():
    assert len({NOT_SELECTED, MASKED, RANDOM, KEPT}) == 4
