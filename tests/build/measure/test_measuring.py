"""What is measured of each model, and the cards that it fills."""

from __future__ import annotations

import pytest
import torch
import transformers

from core.build.cards import masked as cards
from core.build.cards import pairs as pairs_card
from core.build.cards import teacher as teacher_card
from core.build.measure import measuring
from core.build.measure.quality import attention
from core.build.text.cloze import SETS
from core.build.text.corpora import FIRST_TEXT, MEASURING
from core.build.train import pairs, rounds, student, teacher


def test_attention_of_the_same_encoder_overlaps_wholly(taught, corpora, source):
    rows = corpora["masc_tagged"].sequences(True)[:4]
    same = attention(taught.bert, taught.bert, rows)
    assert torch.allclose(torch.tensor(same.overlap), torch.ones(3, 4), atol=1e-5)
    original = transformers.BertModel.from_pretrained(source, add_pooling_layer=False).eval()
    other = attention(taught.bert, original, rows)
    assert torch.tensor(other.overlap).min() > 0 and torch.tensor(other.overlap).max() < 0.9999
    assert other.entropy == same.entropy and other.distance == same.distance


def test_what_is_measured_fills_the_cards(taught, source, corpora, tokenizer, tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "SEQUENCES", 20)
    monkeypatch.setattr(measuring, "ATTENTION_SEQUENCES", 3)
    half = student.from_layers(taught, (0, 2))
    models = {
        "teacher": taught,
        **dict.fromkeys(teacher_card.COMPARED, taught),
        "head_only": teacher.fresh_teacher(source),
    }
    models |= dict.fromkeys(student.PLANS, half)
    makers = {name: lambda model=model: model for name, model in models.items()}
    everything = dict.fromkeys([*FIRST_TEXT, *MEASURING], corpora["masc_tagged"])
    found = measuring.measure(makers, source, tokenizer, everything, tmp_path / "measured", student.PLANS)
    forgotten = makers | {"tiny": None}  # nobody is asked again
    assert measuring.measure(forgotten, source, tokenizer, everything, tmp_path / "measured", ()) == found
    for name, scores in found.items():  # all that is held out, for what is shipped and what it is compared with
        assert ("all_in_domain" in scores) == (name in ("teacher", "head_only", "unigram", *student.PLANS)), name
    kept = found["teacher"]["all_in_domain"]
    assert kept["positions"] > found["teacher"]["in_domain"]["positions"]
    assert sum(count for _, _, count in kept["curve"]) == kept["positions"] and 0 <= kept["ece"] <= 1
    assert sum(right * count for _, right, count in kept["curve"]) / kept["positions"] == pytest.approx(
        kept["top1"], abs=0.01
    )
    assert found["tiny"]["agreement"]["kl"] > 0 and "agreement" not in found["head_only"]
    assert [found["teacher"][name]["sentences"] for name in SETS] == [150, 100, 60]
    found["teacher"]["unseen"] |= {"top1": 0.41, "top5": 0.77, "copy_rate": 0.13}
    assert found["teacher"]["attention"]["overlap"] != found["original"]["attention"]["overlap"]
    learned = {"eight_to_eleven": (6.5, 0.07), "teacher": (4.4, 0.2734)}
    counts = dict.fromkeys(rounds.ROUNDS, 54_321) | {"first_round": 12_345, "third_round": 45_678}
    front, prose = teacher_card.teacher_card(found, teacher.Schedule(), counts, learned)
    assert front["distillery"]["metrics"]["attention"]["overlap"] and f"{kept['top1']:.1%}" in prose
    assert "12,345" in prose and "45,678" in prose and "54,321" in prose and "27.3%" in prose and "{" not in prose
    assert "41%, 77%, 13%" in prose
    for name in cards.ORIGINS:
        front, prose = cards.student_card(name, found, student.Budget())
        assert front["distillery"]["role"] == "student" and "Agreement" in prose and "{" not in prose
    scores = {task: {"nsp": 0.7, "sop": 0.5} for task in pairs.TASKS}
    front, prose = pairs_card.pairs_card("nsp", scores, 48_000, 0.491)
    assert front["distillery"]["role"] == "" and "70.0%" in prose and "49.1%" in prose
