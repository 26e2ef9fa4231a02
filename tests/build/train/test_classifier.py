"""How a classifier is fine-tuned and goes on after a kill."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from torch.nn import functional as F

from core.build.train import classifier


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
