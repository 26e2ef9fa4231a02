"""Corpora as token ids: split by document, cut, and batched."""

from __future__ import annotations

import numpy as np
import torch

from core.build.text import encoding
from core.build.text.corpora import Document, natural


def test_pages_of_one_file_share_its_fate():
    pages = [Document("movie_reviews", f"cv{number}.txt#{page}", ()) for number in range(300) for page in range(3)]
    assert all(len({page.held_out for page in pages[start : start + 3]}) == 1 for start in range(0, 900, 3))
    assert 0.01 < np.mean([page.held_out for page in pages]) < 0.1


def test_tokenised_words_become_text():
    words = ["I", "do", "n't", "(", "really", ")", "stop", ",", "it", "'s", "fun", "."]
    assert natural(words) == "I don't (really) stop, it's fun."


def test_sequences_stay_within_their_length_and_split(corpora, tokenizer):
    encoded = corpora["masc_tagged"]
    train, kept = encoded.sequences(False), encoded.sequences(True)
    assert len(train) + len(kept) == len(encoded.held_out) and kept
    for row in train + kept:
        assert len(row) <= encoding.LONGEST
        assert row[0] == tokenizer.cls_token_id and row[-1] == tokenizer.sep_token_id


def test_batches_hold_every_sequence_once(corpora, tokenizer):
    rows = corpora["masc_tagged"].sequences(False)
    found = list(encoding.batches(rows, tokenizer, tokens=200, seed=3))
    assert sum(len(batch.input_ids) for batch in found) == len(rows)
    assert max(batch.input_ids.numel() for batch in found) <= 200
    again = list(encoding.batches(rows, tokenizer, tokens=200, seed=3))
    assert all(torch.equal(a.input_ids, b.input_ids) for a, b in zip(found, again, strict=True))
    other = next(iter(encoding.batches(rows, tokenizer, tokens=200, seed=4)))
    assert not torch.equal(found[0].labels, other.labels)
