"""Pairs of sentences: how they are made, and a head that is trained, shipped and opened again."""

from __future__ import annotations

import pytest
import torch
import transformers

from core.build.cards import shipping
from core.build.text.corpora import Document
from core.build.train import pairs
from core.models import load
from core.trace import trace

WORDS = "the king rules a land queen sings of cats dogs in paris france is capital over".split()


def documents():
    """Files whose sentences are about one word each, so that a stranger can be told."""
    for number in range(240):
        word = WORDS[number % len(WORDS)]
        yield Document("masc_tagged", f"file-{number}", tuple(" ".join([word] * 5) + "." for _ in range(4)))


@pytest.fixture
def tokenizer(family_folder):
    return transformers.AutoTokenizer.from_pretrained(family_folder("bert"))


def test_pairs_are_consecutive_and_on_their_side_of_the_split():
    found = pairs.consecutive(documents(), False, 1000)
    kept = {f"{d.corpus}/{d.name}": d for d in documents() if not d.held_out}
    assert len(found) == 2 * len(kept)
    for file, a, b in found:
        sentences = kept[file].sentences
        assert any(sentences[i : i + 2] == (a, b) for i in range(3))
    assert not {file for file, _, _ in found} & {file for file, _, _ in pairs.consecutive(documents(), True, 1000)}


def test_both_tasks_make_every_second_pair_wrong():
    found = [(f"file-{i}", f"a{i}", f"b{i}") for i in range(20)]
    order = pairs.sentence_order(found)
    assert order[0] == ("a0", "b0", 0) and order[1] == ("b1", "a1", 1)
    strangers = pairs.next_sentence(found)
    assert strangers[0] == ("a0", "b0", 0)
    assert all(label == 1 and second != f"b{i}" for i, (_, second, label) in enumerate(strangers) if i % 2)
    assert sum(label for _, _, label in strangers) == 10


def test_the_model_sees_the_second_sentence_as_the_second(tokenizer, family_folder):
    model = pairs.fresh_head(family_folder("bert"), tokenizer.sep_token_id, "nsp").eval()
    inputs = tokenizer(
        ["the king", "a land in paris"],
        ["rules a land", "is"],
        return_tensors="pt",
        padding=True,
        return_token_type_ids=True,
    )
    assert inputs["token_type_ids"].unique().tolist() == [0, 1]
    ours = model(inputs["input_ids"], inputs["attention_mask"]).logits
    assert torch.allclose(ours, model.inner(**inputs).logits, atol=1e-6)


def test_a_head_learns_strangers_on_the_frozen_encoder_and_ships_alone(tokenizer, family_folder, tmp_path, monkeypatch):
    base = transformers.BertForMaskedLM.from_pretrained(family_folder("bert"))
    front = {"license": "apache-2.0", "distillery": {"role": "teacher", "origin": "here", "metrics": {}}}
    shipping.ship(base, tokenizer, tmp_path / "t", front, "# Teacher")
    monkeypatch.setattr(pairs, "SCHEDULE", pairs.classifier.Schedule(epochs=30, peak=2e-2, batch_tokens=1000))
    data = pairs.encoded(pairs.next_sentence(pairs.consecutive(documents(), False, 1000)), tokenizer)
    model = pairs.train(tmp_path / "run", tmp_path / "t", tokenizer, data, "nsp")
    assert pairs.accuracy(model, data) > 0.6
    whole = transformers.AutoModelForMaskedLM.from_pretrained(tmp_path / "t", dtype=torch.float32)
    for name, tensor in whole.bert.state_dict().items():
        assert torch.equal(model.inner.bert.state_dict()[name], tensor), name

    shared = {"embeddings_of": tmp_path / "t", "layers_of": tmp_path / "t"}
    shipping.ship(model.inner, tokenizer, tmp_path / "nsp", front, "# NSP", **shared)
    assert (tmp_path / "nsp" / shipping.MODEL_SHARD).stat().st_size < 10_000
    plain = transformers.BertForNextSentencePrediction.from_pretrained(tmp_path / "nsp", dtype=torch.float32).eval()
    inputs = tokenizer("the king rules", "a land", return_tensors="pt", return_token_type_ids=True)
    assert torch.allclose(plain(**inputs).logits, model.inner(**inputs).logits, atol=1e-3)
    opened = load(tmp_path / "nsp", device="cpu")
    assert not opened.predicts_words and opened.classes == ("next", "stranger")
    found = trace(opened, "the king rules", "a land")
    assert found.check() < 1e-5
    assert torch.allclose(found.class_logits, model.inner(**inputs).logits[0], atol=1e-3)


def test_a_changed_encoder_may_not_be_shared(tokenizer, family_folder, tmp_path):
    base = transformers.BertForMaskedLM.from_pretrained(family_folder("bert"))
    front = {"license": "apache-2.0", "distillery": {"role": "teacher", "origin": "here", "metrics": {}}}
    shipping.ship(base, tokenizer, tmp_path / "t", front, "# Teacher")
    model = pairs.fresh_head(tmp_path / "t", tokenizer.sep_token_id, "nsp").inner
    with torch.no_grad():
        model.bert.encoder.layer[0].output.dense.bias += 1
    with pytest.raises(ValueError, match="frozen"):
        shipping.ship(model, tokenizer, tmp_path / "n", front, "# N", tmp_path / "t", layers_of=tmp_path / "t")


def test_a_linear_model_of_words_finds_an_order_that_is_in_the_words(tokenizer):
    told = [("f", f"the {word} rules a land.", f"of course {word} sings.") for word in WORDS]
    assert pairs.order_by_words(told * 40, told, tokenizer) == 1
    either = [*told, *((file, b, a) for file, a, b in told)]
    assert pairs.order_by_words(either * 20, either, tokenizer) == 0.5
