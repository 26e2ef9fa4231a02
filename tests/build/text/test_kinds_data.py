"""How the definitions are chosen and split, and near-copies found."""

from __future__ import annotations

import gzip
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from core.build.text import kinds_data, near_copies
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
