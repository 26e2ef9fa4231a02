"""Texts, labels and batches: nothing lost, nothing padded for nothing, everything repeatable."""

from __future__ import annotations

import pytest
import torch

from core.distill.inputs.batching import plan
from core.distill.inputs.encoding import encode, masked
from core.distill.inputs.texts import UNLABELLED
from core.errors import LabError
from core.theory.masking import IGNORED


def test_a_batch_is_what_the_tokenizer_makes(tiny, texts, sentences):
    rows = [3, 40, 7]
    batch = texts().batch(torch.tensor(rows))
    plain = tiny("bert").tokenizer([sentences[row] for row in rows], padding=True, return_tensors="pt")
    assert torch.equal(batch.input_ids, plain["input_ids"]) and torch.equal(
        batch.attention_mask, plain["attention_mask"]
    )
    assert torch.equal(batch.labels, texts().labels[rows]) and batch.tokens == int(plain["attention_mask"].sum())


def test_pairs_keep_their_segments(tiny):
    pairs = [("the king", "a land"), ("cats", "dogs and cats")]
    batch = encode(tiny("bert").tokenizer, pairs, [0, 1]).batch(torch.tensor([0, 1]))
    columns = map(list, zip(*pairs, strict=True))
    plain = tiny("bert").tokenizer(*columns, padding=True, return_tensors="pt", return_token_type_ids=True)
    assert torch.equal(batch.segments, plain["token_type_ids"]) and batch.segments.any()


def test_a_words_first_piece_gets_its_label(tiny):
    texts = encode(tiny("bert").tokenizer, [["the", "kings", "sing"]], [[4, 5, 6]], "token_labels")
    pieces = tiny("bert").tokenizer.convert_ids_to_tokens(texts.ids.tolist())
    assert pieces[:4] == ["[CLS]", "the", "king", "##s"]
    assert texts.labels[:4].tolist() == [IGNORED, 4, 5, IGNORED] and texts.labels[-1] == IGNORED
    assert texts.asked.tolist() == [3]


@pytest.mark.parametrize("tokens", [None, 60])
def test_every_epoch_reads_every_text_once_in_another_order(texts, tokens):
    lengths = texts().lengths
    first, again, other = (plan(lengths, 7, 1, epoch, tokens) for epoch in (0, 0, 1))
    assert torch.cat(first).tolist() != torch.cat(plan(lengths, 7, 2, 0, tokens)).tolist()  # another seed
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert (
        torch.cat(first).sort().values.tolist() == list(range(len(lengths))) == torch.cat(other).sort().values.tolist()
    )
    assert torch.cat(first).tolist() != torch.cat(other).tolist()
    if tokens:
        assert all(len(rows) * int(lengths[rows].max()) <= tokens for rows in first)


def test_texts_of_like_length_stay_together(texts):
    lengths = texts().lengths
    padded = sum(len(rows) * int(lengths[rows].max()) for rows in plan(lengths, 8, 0, 0))
    at_random = sum(len(rows) * int(lengths[rows].max()) for rows in torch.arange(len(lengths)).split(8))
    assert padded < 1.12 * int(lengths.sum()) < at_random


def test_masks_change_with_the_epoch_and_repeat_with_the_seed(tiny, sentences):
    tokenizer = tiny("bert").tokenizer
    texts = masked(tokenizer, sentences, probability=0.3, seed=1)
    first, again, other = texts.at_epoch(0), masked(tokenizer, sentences, 0.3, 1).at_epoch(0), texts.at_epoch(1)
    assert torch.equal(first.ids, again.ids) and not torch.equal(first.labels, other.labels)
    asked = first.labels != IGNORED
    assert torch.equal(first.labels[asked], texts.ids[asked]) and 0.15 < asked.float().mean() < 0.35
    assert not torch.isin(texts.ids[asked], torch.tensor(tokenizer.all_special_ids)).any()
    assert texts.changes and not first.changes and first.asked.sum() == asked.sum()


def test_whole_words_are_masked_together(tiny):
    texts = masked(tiny("bert").tokenizer, ["the kings sing of kings"] * 50, 0.5, whole_words=True).at_epoch(0)
    asked = (texts.labels != IGNORED).view(50, -1)
    pieces = tiny("bert").tokenizer.convert_ids_to_tokens(tiny("bert").tokenizer("the kings sing of kings").input_ids)
    where = pieces.index("##s")
    assert torch.equal(asked[:, where], asked[:, where - 1]) and 0 < asked[:, where].float().mean() < 1


def test_labels_can_be_taken_away_and_texts_chosen(texts):
    few = texts().without_labels(range(10, 48))
    assert few.labelled == 10 and (few.labels[10:] == UNLABELLED).all() and texts().labelled == 48
    part = texts("token_labels").chosen([4, 2])
    assert torch.equal(part.batch(torch.tensor([1])).labels, texts("token_labels").batch(torch.tensor([2])).labels)
    with pytest.raises(ValueError, match="whole texts"):
        texts("token_labels").without_labels([0])


def test_nothing_to_read_is_said(tiny):
    for make in (encode, masked):
        with pytest.raises(LabError) as error:
            make(tiny("bert").tokenizer, [])
        assert error.value.code == "empty_data"
    with pytest.raises(ValueError, match="as many labels"):
        encode(tiny("bert").tokenizer, ["the king"], [0, 1])
