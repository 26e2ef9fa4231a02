"""What is shipped: files as their cards name them, small together, and as good as the cards say."""

from __future__ import annotations

from dataclasses import asdict

import pytest
import torch
import transformers

from core.build.text.cloze import SETS, cloze
from core.models import load


def test_shipped_files_are_those_of_their_cards():
    """The hashes in each card are those of the weights beside it."""
    import hashlib
    import re

    from core.models import catalog

    for card in catalog():
        rows = re.findall(r"\| `([^`]+\.safetensors)` \| `([0-9a-f]{64})` \|", (card.folder / "README.md").read_text())
        assert len(rows) >= 2
        for name, digest in rows:
            assert hashlib.sha256((card.folder / name).read_bytes()).hexdigest() == digest, name


def test_the_shipped_pair_is_small_and_better_than_its_baselines():
    from core.models import catalog

    teacher_card, student_card = (next(c for c in catalog() if c.role == role) for role in ("teacher", "student"))
    measured = {
        "teacher": teacher_card.metrics,
        "student": student_card.metrics,
        "control": student_card.metrics["control"],
    }
    loss = {name: found["all_in_domain"]["loss"] for name, found in measured.items()}
    assert loss["teacher"] < loss["student"] < teacher_card.metrics["baseline"]["all_in_domain"]["loss"]
    assert student_card.metrics["agreement"]["kl"] < measured["control"]["agreement"]["kl"]


def test_all_that_is_shipped_is_small():
    from core.models.card import SHIPPED

    sizes = [path.stat().st_size for path in SHIPPED.parent.rglob("*") if path.is_file()]
    assert sum(sizes) < 150e6 and max(sizes) < 50e6


def test_the_shipped_models_answer_everyday_sentences_as_their_cards_say():
    """The shipped weights are the measured ones: the figures come out again."""
    from core.models import catalog

    cards_of_words = {card.name: card for card in catalog() if card.task == "words"}
    assert {"minilm-teacher", "minilm-student", "minilm-control"} <= set(cards_of_words)
    for card in cards_of_words.values():
        model = transformers.AutoModelForMaskedLM.from_pretrained(card.folder, dtype=torch.float32).eval()
        tokenizer = transformers.AutoTokenizer.from_pretrained(card.folder)
        for kind in SETS:
            found = asdict(cloze(model, tokenizer, kind))
            assert found == pytest.approx(card.metrics[kind], abs=0.02), (card.name, kind)  # one sentence of fifty


def test_the_heads_for_pairs_share_the_teachers_files():
    from core.models import catalog
    from core.models.card import SHIPPED

    found = [card for card in catalog() if card.task == "pairs"]
    assert [card.name for card in found] == ["minilm-nsp", "minilm-sop"] and catalog()[-2:] == found
    teacher_model = transformers.BertModel.from_pretrained(SHIPPED / "minilm-teacher", add_pooling_layer=False)
    for card in found:
        assert sum(path.stat().st_size for path in card.folder.glob("*.safetensors")) < 500_000
        plain = transformers.BertForNextSentencePrediction.from_pretrained(card.folder)
        theirs = plain.bert.state_dict()
        assert all(torch.equal(theirs[name], tensor) for name, tensor in teacher_model.state_dict().items())
        assert not load(card.name, device="cpu").predicts_words
    scores = found[0].metrics["accuracy"]
    assert scores["nsp"]["nsp"] > 0.6 and abs(scores["nsp"]["sop"] - 0.5) < 0.04  # topic, not order
