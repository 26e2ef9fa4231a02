"""Folders that share their word embeddings."""

from __future__ import annotations

import pytest
import torch
import transformers
from safetensors import safe_open

from core.build.cards import shipping
from core.build.train import student
from core.models import load
from core.trace import trace


def test_shipped_folders_share_a_shard_and_open_anywhere(taught, tokenizer, tmp_path):
    small = student.from_layers(taught, (0, 2)).eval()
    front = {"license": "apache-2.0", "distillery": {"role": "teacher", "origin": "here", "metrics": {}}}
    shipping.ship(taught, tokenizer, tmp_path / "t", front, "# Teacher")
    shipping.ship(small, tokenizer, tmp_path / "s", front, "# Student", embeddings_of=tmp_path / "t")
    for folder, model in ((tmp_path / "t", taught), (tmp_path / "s", small)):
        plain = transformers.AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
        ids = torch.arange(5, 15)[None]
        assert torch.allclose(plain(input_ids=ids).logits, model(input_ids=ids).logits, atol=0.05)
        checkpoint = load(folder, device="cpu")
        assert trace(checkpoint, "the king").check() < 1e-5
    assert load(tmp_path / "s", device="cpu").model.config.num_hidden_layers == 2
    with safe_open(tmp_path / "s" / shipping.MODEL_SHARD, "pt") as weights:
        assert not any("word_embeddings" in name for name in weights.keys())  # noqa: SIM118
    assert "SHA-256" in (tmp_path / "s" / "README.md").read_text()


def test_a_student_with_other_embeddings_may_not_share(taught, tokenizer, tmp_path):
    front = {"license": "apache-2.0", "distillery": {"role": "teacher", "origin": "here", "metrics": {}}}
    shipping.ship(taught, tokenizer, tmp_path / "t", front, "# Teacher")
    other = student.from_layers(taught, (0, 2))
    with torch.no_grad():
        other.bert.embeddings.word_embeddings.weight += 1
    with pytest.raises(ValueError, match="frozen"):
        shipping.ship(other, tokenizer, tmp_path / "s", front, "# Student", embeddings_of=tmp_path / "t")
