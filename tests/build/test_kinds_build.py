"""How the kinds' data is chosen and split, and how a classifier is fine-tuned and goes on after a kill."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional as F

from core.build.text import kinds_data, near_copies
from core.build.train import classifier
from core.data.kinds import KINDS, PARTS, Definition, definitions


def test_overlap_counts_words_without_digits_and_case():
    one, other = near_copies.words("A town of 1,200"), near_copies.words("a town of 900!")
    assert one == other == {"a", "town", "of"}
    assert near_copies.overlap(one, near_copies.words("a city of glass")) == near_copies.Fraction(2, 5)


def test_groups_are_those_of_comparing_every_pair():
    """The prefix filter finds what the slow way finds."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(list("abcdefghijk"), rng.integers(2, 7), replace=False)) for _ in range(120)]
    found = near_copies.groups(texts)
    expected = list(range(len(texts)))
    for i, j in combinations(range(len(texts)), 2):
        if near_copies.overlap(near_copies.words(texts[i]), near_copies.words(texts[j])) >= near_copies.OVERLAP:
            old, new = expected[i], expected[j]
            expected = [new if group == old else group for group in expected]
    pairs = combinations(range(len(texts)), 2)
    assert all((found[i] == found[j]) == (expected[i] == expected[j]) for i, j in pairs)
    assert 1 < len(set(found)) < len(texts)


@pytest.fixture
def made_up():
    rng = np.random.default_rng(1)
    words = [f"{a}{b}" for a in "bcdfgklmnprst" for b in ("an", "el", "or", "ist", "ume", "ock")]
    found = [
        Definition(" ".join(rng.choice(words, 6, replace=False)), str(number), int(rng.integers(len(KINDS))))
        for number in range(400)
    ]
    twins = [replace(one, text=one.text + " 1234", word="twin") for one in found[:60]]
    near = [replace(one, text=one.text + " indeed", word="near") for one in found[60:160]]
    astray = [replace(one, kind=(one.kind + 1) % len(KINDS), word="astray") for one in found[160:180]]
    return [*found, *twins, *near, *astray]


def test_no_near_copy_crosses_parts_and_none_is_double(made_up, monkeypatch):
    monkeypatch.setattr(kinds_data, "SIZES", {"test": 80, "validation": 40, "transfer": 150})
    monkeypatch.setattr(kinds_data, "HELD_OUT", (made_up[70].text,))
    parts = kinds_data.split(made_up)
    assert [len(parts[part]) >= size for part, size in kinds_data.SIZES.items()] == [True] * 3
    rows = [(part, near_copies.words(one.text)) for part in PARTS for one in parts[part]]
    for (part, words), (other_part, others) in combinations(rows, 2):
        share = len(words & others) / len(words | others)
        assert share < 1
        assert part == other_part or share < near_copies.OVERLAP
    texts = {one.text for part in PARTS for one in parts[part]}
    assert not texts & {one.text for one in made_up[160:180]}  # filed under two kinds
    assert made_up[70].text in {one.text for one in parts["test"]}


def test_the_shipped_test_texts_have_no_near_copy_among_the_others():
    """Every test definition against the whole table, through the words that few share."""
    held = definitions("test")
    others = [one for part in ("teacher", "transfer") for one in definitions(part)]
    holders: dict[str, list[int]] = {}
    sets = [near_copies.words(one.text) for one in others]
    for i, words in enumerate(sets):
        for word in words:
            holders.setdefault(word, []).append(i)
    rng = np.random.default_rng(0)
    for number in rng.choice(len(held), 60, replace=False):
        words = near_copies.words(held[number].text)
        # Two texts that share 60 % of their words share one of the rarest 40 %.
        rarest = sorted(words, key=lambda word: len(holders.get(word, ())))[: int(0.4 * len(words)) + 1]
        near = {i for word in rarest for i in holders.get(word, ())}
        assert all(near_copies.overlap(words, sets[i]) < near_copies.OVERLAP for i in near), held[number].text


def test_the_same_parts_make_the_same_bytes(tmp_path, made_up, monkeypatch):
    monkeypatch.setattr(kinds_data, "_licence", lambda: "licence")
    parts = dict.fromkeys(PARTS, made_up[:10])
    kinds_data.write(parts, tmp_path / "a")
    kinds_data.write(parts, tmp_path / "b")
    table = (tmp_path / "a" / kinds_data.TABLE).read_bytes()
    assert table == (tmp_path / "b" / kinds_data.TABLE).read_bytes()
    assert len(gzip.decompress(table).splitlines()) == 41
    assert definitions("test", tmp_path / "a") == tuple(made_up[:10])


@pytest.fixture
def base(family_folder, tmp_path):
    model = transformers.BertForMaskedLM.from_pretrained(family_folder("bert"))
    model.save_pretrained(tmp_path / "base")
    return tmp_path / "base"


ROWS = [[2, 5 + i % 3, 9, 8 + i % 5, 3] for i in range(60)]
LABELS = torch.tensor([i % 3 for i in range(60)])
SCHEDULE = classifier.Schedule(epochs=6, peak=5e-3, batch_tokens=60, bfloat16=False)


def loss_of(logits, texts):
    return F.cross_entropy(logits, LABELS[texts])


def test_a_classifier_keeps_the_encoder_and_its_embeddings(base):
    model = classifier.classifier(base, ["a", "b", "c"])
    encoder = transformers.BertModel.from_pretrained(base, add_pooling_layer=False)
    theirs = encoder.state_dict()
    assert all(torch.equal(tensor, model.bert.state_dict()[name]) for name, tensor in theirs.items())
    assert model.config.id2label == {0: "a", 1: "b", 2: "c"}
    small = classifier.shallower(model, (0, 2))
    assert small.config.num_hidden_layers == 2
    ours, whole = small.state_dict(), model.state_dict()
    assert torch.equal(
        ours["bert.encoder.layer.1.output.dense.weight"], whole["bert.encoder.layer.2.output.dense.weight"]
    )


def test_fine_tuning_learns_keeps_the_words_and_resumes(base, tmp_path, monkeypatch):
    model = classifier.classifier(base, ["a", "b", "c"])
    before = model.get_input_embeddings().weight.clone()
    classifier.fit(tmp_path / "whole", model, ROWS, loss_of, SCHEDULE)
    assert torch.equal(model.get_input_embeddings().weight, before)
    accuracy = (classifier.logits_of(model, ROWS).argmax(-1) == LABELS).float().mean()
    assert accuracy > 0.9
    assert classifier.finished(tmp_path / "whole") and not classifier.finished(tmp_path / "nothing")

    class KilledError(Exception):
        pass

    calls = []

    def dies(logits, texts):
        calls.append(1)
        if len(calls) == 17:
            raise KilledError
        return loss_of(logits, texts)

    monkeypatch.setattr(classifier, "SAVE_SECONDS", 0)
    killed = classifier.classifier(base, ["a", "b", "c"])
    with pytest.raises(KilledError):
        classifier.fit(tmp_path / "killed", killed, ROWS, dies, SCHEDULE)
    resumed = classifier.classifier(base, ["a", "b", "c"], seed=9)
    classifier.fit(tmp_path / "killed", resumed, ROWS, loss_of, SCHEDULE)
    for ours, theirs in zip(resumed.parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_batches_hold_every_text_once_within_their_size():
    rows = [[0] * (3 + i % 11) for i in range(200)]
    found = list(classifier.batch_indices(rows, 80, np.random.default_rng(0)))
    assert sorted(np.concatenate(found).tolist()) == list(range(200))
    assert max(len(batch) * max(len(rows[i]) for i in batch) for batch in found) <= 80
    assert len(found) < 24  # like lengths together: 1,600 tokens need 20
