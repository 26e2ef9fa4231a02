"""Blanks labelled by a language model that reads from left to right."""

from __future__ import annotations

import random
from functools import partial

import pytest
import torch

from core.build.labels import blanks


@pytest.fixture
def labeller(larger_model, guesser, pieces):
    return blanks.Labeller(larger_model, guesser, pieces)


def _ids(labeller, text):
    return labeller.larger.tokenizer(text).input_ids


def test_a_label_is_the_likelihood_of_the_sentence_with_each_word_in_it(labeller, sentences, monkeypatch):
    monkeypatch.setattr(blanks, "LEAST", 0.0)
    written = [_ids(labeller, text) for text in sentences]
    asked = [labeller.blanks(ids, random.Random(0)) for ids in written]
    assert {(blank.whole, len(blank.right)) for mine in asked for blank in mine} == {(True, 1), (False, 1), (True, 3)}
    found = iter(labeller.label(written, asked))
    for ids, mine in zip(written, asked, strict=True):
        for blank in mine:
            label = next(found)
            scores = []
            for word in label.words:  # each alone, read as a whole after the context
                whole = [*labeller.larger.context, *ids[: blank.at], *_ids(labeller, f" {word}"), *blank.right]
                with torch.no_grad():
                    log_p = labeller.larger.model(input_ids=torch.tensor([whole])).logits[0].log_softmax(-1)
                scores.append(
                    sum(log_p[i - 1, whole[i]] for i in range(len(labeller.larger.context) + blank.at, len(whole)))
                )
            p = torch.stack(scores).softmax(0)
            if blank.whole:
                true = labeller.larger.words[ids[blank.at]]
                p = (1 - blanks.TRUE) * p + blanks.TRUE * torch.tensor([float(word == true) for word in label.words])
            assert label.p == pytest.approx(p.tolist(), abs=0.03), label  # the least likely words were cut off
            assert sum(label.p) == pytest.approx(1, abs=1e-3) and list(label.p) == sorted(label.p, reverse=True)
            assert label.text.count("[MASK]") == 1 and label.text.endswith(".")


def test_where_words_were_drawn_evenly_only_they_are_judged_by_what_follows(larger_model, guesser, pieces):
    drawn = {"king", "queen", "dogs", "nobody"}
    labeller = blanks.Labeller(larger_model, guesser, pieces, 0, 3, drawn)
    ids = _ids(labeller, "the king rules a land.")
    blank = blanks.Blank(1, tuple(ids[2:5]), True)
    (label,) = labeller.label([ids], [[blank]])
    assert set(label.words) <= drawn and "king" in label.words
    scores = []
    for word in label.words:
        whole = [*larger_model.context, *_ids(labeller, f"the {word}"), *blank.right]
        with torch.no_grad():
            log_p = larger_model.model(input_ids=torch.tensor([whole])).logits[0].log_softmax(-1)
        scores.append(sum(log_p[i - 1, whole[i]] for i in range(len(whole) - len(blank.right), len(whole))))
    assert label.p == pytest.approx(torch.stack(scores).softmax(0).tolist(), abs=0.03)


def test_a_beginning_is_asked_for_its_last_word_only(labeller):
    ids = _ids(labeller, "the king rules a land")
    assert labeller.blanks(ids, random.Random(0)) == [blanks.Blank(len(ids) - 1, (labeller.larger.stop,), False)]
    assert labeller._text(ids, labeller.blanks(ids, random.Random(0))[0]) == "the king rules a [MASK]."


def test_a_sentence_that_no_word_can_end_gets_no_label(labeller, monkeypatch):
    ids = _ids(labeller, "the king rules a land")
    blank = labeller.blanks(ids, random.Random(0))
    monkeypatch.setattr(blanks, "LEAST", 0.0)
    assert len(list(labeller.label([ids], [blank]))) == 1
    monkeypatch.setattr(blanks, "LEAST", 1.0)
    assert not list(labeller.label([ids], [blank]))


def test_near_copies_of_the_sentences_that_measure_get_no_label(labeller):
    blank = blanks.Blank(3, (labeller.larger.stop,), False)
    ids, judged = _ids(labeller, "the king rules a land"), torch.tensor([0.5, 0.5]).log()
    land, capital = (labeller.larger.numbers[word] for word in ("land", "capital"))
    assert labeller._finished("the king rules a [MASK].", ids, blank, [land, capital], judged).words == (
        "land",
        "capital",
    )
    assert labeller._finished("the farmer milked the [MASK].", ids, blank, [land, capital], judged) is None


def test_labels_are_written_pack_by_pack(labeller, sentences, tmp_path, monkeypatch):
    monkeypatch.setattr(blanks, "PACK", 2)
    monkeypatch.setattr(blanks, "LEAST", 0.0)
    texts, shares = {"a": sentences, "b": sentences[::-1]}, {"a": 0.5, "b": 0.5}
    rows = partial(blanks.chosen, labeller, texts, shares)
    blanks.write(tmp_path / "whole.jsonl", labeller, rows, 3)
    blanks.write(tmp_path / "parts.jsonl", labeller, rows, 1)
    assert blanks.packs_done(tmp_path / "parts.jsonl") == 1
    blanks.write(tmp_path / "parts.jsonl", labeller, rows, 3)
    assert (tmp_path / "whole.jsonl").read_text() == (tmp_path / "parts.jsonl").read_text() != ""
