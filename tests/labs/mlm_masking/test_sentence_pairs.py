"""Two sentences in three arrangements, against transformers' own heads."""

from __future__ import annotations

import pytest
import torch
import transformers

from core.errors import LabError
from core.labs.mlm_masking import sentence_pairs
from core.models.card import SHIPPED

FIRST, SECOND, STRANGER = sentence_pairs.EXAMPLE.values()


@pytest.fixture(scope="module")
def found(engine, setting):
    return sentence_pairs.read(engine, setting, FIRST, SECOND, STRANGER)


@pytest.mark.parametrize("task", sentence_pairs.HEADS)
@torch.no_grad()
def test_the_probabilities_are_those_of_transformers(found, task):
    folder = SHIPPED / sentence_pairs.HEADS[task]
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.BertForNextSentencePrediction.from_pretrained(folder, dtype=torch.float32).eval()
    for how, (a, b) in {"order": (FIRST, SECOND), "swapped": (SECOND, FIRST), "stranger": (FIRST, STRANGER)}.items():
        inputs = tokenizer(a, b, return_tensors="pt", return_token_type_ids=True)
        assert found.yes[task][how] == pytest.approx(model(**inputs).logits.softmax(-1)[0, 0].item(), abs=1e-5)
    assert found.check() < 1e-5 and not found.cut


def test_a_stranger_is_told_by_its_topic_and_a_swap_is_not(found):
    nsp = found.yes["nsp"]
    assert nsp["stranger"] < min(nsp["order"], nsp["swapped"])
    assert found.direction == 0 and found.told


def test_a_stranger_may_be_missed(found):
    yes = {"nsp": {"order": 0.5, "swapped": 0.5, "stranger": 0.7}}
    assert not sentence_pairs.Reading(yes, found.traces).told


@pytest.mark.parametrize(("swapped", "direction"), [(0.65, 0), (0.3, 1), (0.9, 2)])
def test_the_direction_is_that_of_the_swap(found, swapped, direction):
    yes = {"nsp": {"order": 0.6, "swapped": swapped, "stranger": 0.1}}
    assert sentence_pairs.Reading(yes, found.traces).direction == direction


@pytest.mark.parametrize("blank", ["", "  \n"])
def test_an_empty_sentence_is_asked_for(engine, setting, blank):
    with pytest.raises(LabError) as error:
        sentence_pairs.read(engine, setting, FIRST, blank, STRANGER)
    assert error.value.code == "empty_text"


def test_a_pair_that_is_too_long_says_so(engine, setting):
    assert sentence_pairs.read(engine, setting, "word " * 200, SECOND, STRANGER).cut


def test_what_is_measured_is_what_the_cards_say():
    scores = sentence_pairs.measured()
    assert (
        scores["nsp"]["nsp"] > 0.6 and abs(scores["nsp"]["sop"] - 0.5) < 0.04 and abs(scores["sop"]["sop"] - 0.5) < 0.04
    )
    assert sentence_pairs.pairs_measured() == 1500


def test_a_missing_head_says_so(engine, setting, monkeypatch):
    monkeypatch.setitem(sentence_pairs.HEADS, "sop", "not-there")
    with pytest.raises(LabError) as error:
        sentence_pairs.read(engine, setting, FIRST, SECOND, STRANGER)
    assert error.value.code == "missing_pair" and error.value.details["role"] == "SOP"
