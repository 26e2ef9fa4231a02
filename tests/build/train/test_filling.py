"""The masked model that is trained on blanks."""

from __future__ import annotations

import json
from copy import deepcopy
from dataclasses import replace
from functools import partial

import pytest
import torch
import transformers

from core.build.text import encoding
from core.build.text.corpora import Document
from core.build.text.frequency import common_words
from core.build.train import filling

PLAN = filling.Filling(steps=60, batch_tokens=100, batch_blanks=4, peak=1e-2, warmup=5)


@pytest.fixture
def labels(tmp_path):
    """Blanks of which the words stand with certain probabilities; packs 0 and 20 are kept."""
    file = tmp_path / "labels.jsonl"
    kinds = (("king", ["land", "capital"], [0.75, 0.25]), ("queen", ["cats", "dogs"], [0.6, 0.4]))
    rows = [
        {"pack": pack, "text": f"the {who} {verb} a [MASK].", "words": words, "p": p}
        for pack, verb in enumerate(("rules", "sings", "is", "of"), start=18)
        for who, words, p in kinds
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def corpora(pieces, sentences, tmp_path):
    documents = (Document("masc_tagged", f"page-{number}", tuple(sentences)) for number in range(60))
    return {"masc_tagged": encoding.encode(documents, pieces, tmp_path / "text.npz")}


def test_the_loss_is_the_cross_entropy_with_the_soft_label(guesser, pieces, labels):
    common = torch.ones(len(pieces), dtype=torch.bool)
    common[pieces.convert_tokens_to_ids("king")] = False
    kept = filling.read_blanks([labels], pieces, True, common)
    assert len(kept.ids) == 2 and filling.count([labels]) == 6
    filled = kept.batch([0, 1], pieces.pad_token_id)
    loss, seen, _ = filling.blank_losses(guesser, filled, pieces.mask_token_id, common)
    rows = pieces(["the king is a [MASK].", "the queen is a [MASK]."], return_tensors="pt")
    logits = guesser(**rows).logits[rows["input_ids"] == pieces.mask_token_id]
    target = torch.zeros_like(logits)
    for i, (words, p) in enumerate(((["land", "capital"], [0.75, 0.25]), (["cats", "dogs"], [0.6, 0.4]))):
        target[i, pieces.convert_tokens_to_ids(words)] = torch.tensor(p)
    assert torch.allclose(loss, torch.nn.functional.cross_entropy(logits, target), atol=1e-5)
    king = logits.softmax(-1)[0, pieces.convert_tokens_to_ids("king")]  # visible in the first sentence only
    assert torch.allclose(seen, -torch.log1p(-king) / 2, atol=1e-5)


def test_a_label_does_not_ask_for_a_word_that_stands_there(pieces, tmp_path):
    file = tmp_path / "labels.jsonl"
    rows = [
        {"pack": 1, "text": "the king is a [MASK].", "words": ["king", "queen", "land"], "p": [0.5, 0.3, 0.2]},
        {"pack": 1, "text": "a queen is a [MASK].", "words": ["queen"], "p": [1.0]},
        {"pack": 1, "text": "the land is the [MASK].", "words": ["the"], "p": [1.0]},
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    common = torch.zeros(len(pieces), dtype=torch.bool)
    common[[*pieces.all_special_ids, pieces.convert_tokens_to_ids("the")]] = True
    found = filling.read_blanks([file], pieces, False, common)
    assert [pieces.convert_ids_to_tokens(words) for words in found.words] == [["queen", "land"], ["the"]]
    assert found.p == [pytest.approx([0.6, 0.4]), [1.0]]
    assert filling.read_blanks([file, file], pieces, False, common).ids == found.ids * 2
    assert filling.count([file, file]) == filling.count([file]) == 3


def test_the_teacher_learns_blanks_keeps_its_words_and_resumes(
    guesser, pieces, corpora, labels, tmp_path, family_folder, monkeypatch
):
    kept = filling.read_blanks([labels], pieces, True, common_words(corpora, pieces))
    before, _ = filling.blanks_learned(guesser, pieces, kept)
    words = guesser.bert.embeddings.word_embeddings.weight.detach().clone()
    whole = filling.train(tmp_path / "whole", lambda: guesser, pieces, corpora, [labels], PLAN)
    after, right = filling.blanks_learned(whole, pieces, kept)
    assert after < before - 1 and right == 1
    assert torch.equal(whole.bert.embeddings.word_embeddings.weight, words)
    assert filling.steps_done(tmp_path / "whole") == PLAN.steps

    class KilledError(Exception):
        pass

    def kill(state, file, save=filling.workspace.save):
        save(state, file)
        raise KilledError

    monkeypatch.setattr(filling, "SAVE_SECONDS", 0)
    monkeypatch.setattr(filling.workspace, "save", kill)
    again = transformers.BertForMaskedLM.from_pretrained(family_folder("bert"))
    with pytest.raises(KilledError):
        filling.train(tmp_path / "parts", lambda: again, pieces, corpora, [labels], PLAN)
    monkeypatch.undo()
    again = transformers.BertForMaskedLM.from_pretrained(family_folder("bert"))
    resumed = filling.train(tmp_path / "parts", lambda: again, pieces, corpora, [labels], PLAN)
    for name, tensor in whole.state_dict().items():
        assert torch.allclose(tensor, resumed.state_dict()[name], atol=1e-5), name


def test_the_rate_rises_and_falls():
    plan = replace(PLAN, steps=100, warmup=10, peak=1.0)
    assert [filling.learning_rate(step, plan) for step in (5, 10, 55, 100)] == [0.5, 1.0, 0.5, 0.0]
    half = replace(plan, last=0.5)
    assert [filling.learning_rate(step, half) for step in (5, 10, 55, 100)] == [0.5, 1.0, 0.75, 0.5]


def test_the_mean_of_models_is_a_model_between_them(guesser):
    other = deepcopy(guesser)
    words = "bert.embeddings.word_embeddings.weight"
    with torch.no_grad():
        for each in (guesser, other):
            each.get_parameter(words)[3] = -0.0
        for name, parameter in other.named_parameters():
            parameter.add_(float(name != words))
    before = deepcopy(guesser.state_dict())
    mean = filling.mean_of([guesser, other, other])
    for name, tensor in mean.state_dict().items():
        if tensor.data_ptr() == mean.get_parameter(words).data_ptr():
            assert torch.equal(tensor.view(torch.int32), before[name].view(torch.int32)), "frozen, to the bit"
        elif tensor.is_floating_point():
            assert torch.allclose(tensor, before[name] + 2 / 3, atol=1e-6), name
    assert all(torch.equal(tensor, before[name]) for name, tensor in guesser.state_dict().items())


def test_copies_weigh_as_much_as_the_plan_says(guesser, pieces, corpora, labels, tmp_path, monkeypatch):
    """With a heavy weight of the visible words at blanks they lose probability."""
    common = torch.zeros(len(pieces), dtype=torch.bool)  # no word may well repeat
    monkeypatch.setattr(filling, "common_words", lambda *_: common)
    kept = filling.read_blanks([labels], pieces, False, common)
    filled = kept.batch(list(range(len(kept.ids))), pieces.pad_token_id)
    seen = {}
    for copying in (0.0, 20.0):
        plan = replace(PLAN, copying=copying, steps=20)
        model = filling.train(tmp_path / str(copying), partial(deepcopy, guesser), pieces, corpora, [labels], plan)
        with torch.no_grad():
            seen[copying] = float(
                filling.blank_losses(model, filled, pieces.mask_token_id, torch.zeros_like(common))[1]
            )
    assert seen[20.0] < 0.5 * seen[0.0]
