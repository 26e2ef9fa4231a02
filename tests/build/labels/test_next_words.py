"""What a language model expects while it writes, as labels for a masked model."""

from __future__ import annotations

import json
import random

import pytest
import torch

from core.build.labels import next_words
from core.build.labels.label import Label
from core.build.text import everyday


@pytest.fixture
def writing(larger_model, monkeypatch):
    for name, value in (("KNOWN", 0.0), ("CONTENT", 0.0), ("LEAST", 2), ("DRAWN", 10)):
        monkeypatch.setattr(next_words, name, value)
    return next_words.NextWords(larger_model)


def _written(writing, texts, seed=0):
    (pack,) = next_words.packs(texts, writing.larger.tokenizer)
    return list(writing.write(pack, torch.Generator().manual_seed(seed), random.Random(seed)))


@pytest.fixture(autouse=True)
def _small_packs(monkeypatch):
    monkeypatch.setattr(next_words, "TOGETHER", 3)


BEGINNINGS = ["the king", "the queen", "a king"]


@pytest.fixture
def _says_known_words(writing):
    """So that what it writes reads as it was written."""
    less = -20.0 * writing.larger.unknown
    hook = writing.larger.model.lm_head.register_forward_hook(lambda module, inputs, logits: logits + less)
    yield
    hook.remove()


@pytest.mark.usefixtures("_says_known_words")
def test_a_label_is_what_the_model_expects_after_what_stands(writing):
    larger = writing.larger
    found = [label for label in _written(writing, BEGINNINGS) if label.text.endswith("[MASK]")]
    assert {label.text for label in found} >= {f"{text} [MASK]" for text in BEGINNINGS}
    assert max(len(label.text.split()) for label in found) > 4  # it wrote on
    for label in found:
        ids = [*larger.context, *larger.tokenizer(label.text.removesuffix(" [MASK]")).input_ids]
        with torch.no_grad():
            p = larger.model(input_ids=torch.tensor([ids])).logits[0, -1].softmax(-1)
        p = torch.stack([p[larger.numbers[word]] for word in label.words])
        assert label.p == pytest.approx((p / p.sum()).tolist(), abs=0.02), label
        assert sum(label.p) == pytest.approx(1, abs=1e-3)


def test_words_of_a_finished_sentence_are_left_out_one_at_a_time(writing):
    ids = writing.larger.tokenizer("the king rules a land").input_ids
    found = {label.text: label for label in writing._whole(ids, None, random.Random(0))}
    assert found["the king rules a [MASK]."].words == ("land",)
    assert len(found) == 2 and all(label.p == (1.0,) for label in found.values())
    inner = next(text for text in found if not text.endswith("[MASK]."))
    assert inner.replace("[MASK]", found[inner].words[0]) == "the king rules a land."


def test_the_last_word_is_half_what_was_written_and_half_what_was_expected(writing):
    ids = writing.larger.tokenizer("the king rules a land").input_ids
    expected = Label("the king rules a [MASK]", ("the", "capital", "land"), (0.6, 0.3, 0.1))
    found = {label.text: label for label in writing._whole(ids, expected, random.Random(0))}
    assert dict(zip(*[getattr(found["the king rules a [MASK]."], name) for name in ("words", "p")], strict=True)) == {
        "land": pytest.approx(0.5 + 0.5 * 0.25),
        "capital": pytest.approx(0.5 * 0.75),
    }


@pytest.mark.usefixtures("_says_known_words")
def test_the_last_word_is_that_which_was_expected_there(writing):
    more = 21.0 * torch.nn.functional.one_hot(torch.tensor(writing.larger.stop), writing.larger.model.config.vocab_size)
    hook = writing.larger.model.lm_head.register_forward_hook(lambda module, inputs, logits: logits + more)
    found = [label for seed in range(30) for label in _written(writing, BEGINNINGS, seed)]
    hook.remove()
    expected = {label.text: label for label in found if label.text.endswith("[MASK]")}
    ends = [label for label in found if label.text.endswith("[MASK].") and label.text[:-1] in expected]
    assert len(ends) > 3
    for label in ends:
        mixed = next_words.ended(label.text, {label.words[0]: 1.0}, expected[label.text[:-1]], writing.uncommon)
        assert (label.words, label.p) == (mixed.words, mixed.p)


def test_a_sentence_ends_at_its_stop(writing, monkeypatch):
    larger = writing.larger
    monkeypatch.setattr(next_words, "DRAWN", 1)
    always = torch.zeros(larger.model.config.vocab_size)
    always[larger.stop] = 100.0
    hook = larger.model.lm_head.register_forward_hook(lambda module, inputs, logits: logits + always)
    found = _written(writing, BEGINNINGS)
    hook.remove()
    assert {label.text for label in found} == {"the [MASK].", "a [MASK]."}  # no word is likely before the stop


def test_places_where_no_known_word_is_expected_get_no_label(writing, monkeypatch):
    monkeypatch.setattr(next_words, "KNOWN", 1.1)
    assert not [label for label in _written(writing, BEGINNINGS) if label.text.endswith("[MASK]")]
    monkeypatch.setattr(next_words, "KNOWN", 0.0)
    monkeypatch.setattr(next_words, "CONTENT", 1.1)
    assert not [label for label in _written(writing, BEGINNINGS) if label.text.endswith("[MASK]")]


def test_near_copies_of_the_sentences_that_measure_get_no_label(writing):
    assert writing._label("The farmer milked the", ["cow", "goat"], [0.6, 0.4]) is None
    label = writing._label("The farmer painted the", ["Barn", "Barn", "fence", "sky"], [0.4, 0.2, 0.2, 0.001])
    assert label.words == ("Barn", "fence") and label.p == (0.75, 0.25)


def test_beginnings_come_from_tables_and_from_first_words():
    texts = {"starts": ["The spoon thing"], "beginnings": ["Use a spoon to thing"], "facts": ["A spoon is thing"]}
    texts |= {"wordnet": ["he ate his soup with a spoon."], "masc_tagged": ["We never met again."]}
    found = next_words.beginnings(texts)
    assert found[:3] == ["The spoon", "Use a spoon to", "A spoon is"]
    assert "he ate his soup with a spoon.".startswith(found[3]) and 2 <= len(found[3].split()) <= 5
    assert "We never met again.".startswith(found[4]) and len(found) == 5


def test_packs_hold_beginnings_of_one_length(writing):
    tokenizer = writing.larger.tokenizer
    found = next_words.packs([*BEGINNINGS, "the king rules", "a queen sings", "the queen sings", "a land"], tokenizer)
    assert [len(pack) for pack in found] == [3, 3]
    assert all(len({len(ids) for ids in pack}) == 1 for pack in found)


def test_labels_are_written_pack_by_pack(writing, tmp_path):
    packs = next_words.packs(
        [*BEGINNINGS, "the king rules", "a queen sings", "the queen sings"], writing.larger.tokenizer
    )
    next_words.write(tmp_path / "whole.jsonl", writing, packs)
    next_words.write(tmp_path / "parts.jsonl", writing, packs[:1])
    next_words.write(tmp_path / "parts.jsonl", writing, packs)
    assert (tmp_path / "whole.jsonl").read_text() == (tmp_path / "parts.jsonl").read_text() != ""
    next_words.write(tmp_path / "again.jsonl", writing, packs, draw=1)
    assert (tmp_path / "again.jsonl").read_text() != (tmp_path / "whole.jsonl").read_text()


def test_the_sentences_that_it_finished_are_text_too(writing, tmp_path):
    file = tmp_path / "labels.jsonl"
    next_words.write(file, writing, next_words.packs(BEGINNINGS, writing.larger.tokenizer))
    with file.open("a") as out:
        for text, word in (
            ("The [MASK] has a handle.", "spoon"),
            ("The spoon has a [MASK].", "handle"),
            ("A [MASK]", "b"),
        ):
            out.write(json.dumps({"pack": 7, "text": text, "words": [word], "p": [1.0]}) + "\n")
    found = list(everyday.next_word_documents(file))
    assert found[-1].sentences == ("The spoon has a handle.",) and found[-1].name.startswith("7#")
    assert all("[MASK]" not in each.sentences[0] and each.sentences[0].endswith(".") for each in found)
    assert sum(each.name.startswith("7#") for each in found) == 1
