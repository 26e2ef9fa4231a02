"""The students: distilled from a tiny teacher, resumed after a kill, shipped beside it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
import transformers

from core.build.cards import shipping
from core.build.measure.quality import scorer
from core.build.text import encoding
from core.build.train import student
from core.models import load
from core.trace import trace

BUDGET = student.Budget(tokens=4000, batch_tokens=200)


@pytest.fixture
def small_plans(monkeypatch):
    """The plans for a teacher of 3 layers × 32."""
    monkeypatch.setattr(student, "LAYERS", (0, 2))
    tiny = replace(student.PLANS["tiny"], start=lambda teacher: student.narrow(teacher, layers=2, width=16), rate=5e-3)
    monkeypatch.setitem(student.PLANS, "tiny", tiny)


@torch.no_grad()
def divergence(taught, learned, corpora, tokenizer) -> float:
    """KL(teacher ‖ student) on masked positions."""
    batch = next(iter(encoding.batches(corpora["masc_tagged"].sequences(True), tokenizer, 400, 9)))
    said, heard = (scorer(model)(batch).log_softmax(-1) for model in (taught, learned))
    return float(torch.nn.functional.kl_div(heard, said, log_target=True, reduction="batchmean"))


def test_distillation_draws_the_student_to_its_frozen_teacher(taught, corpora, tokenizer, tmp_path, small_plans):
    before = {name: tensor.clone() for name, tensor in taught.state_dict().items()}
    start = student.every_second(taught).eval()
    learned = student.train(tmp_path / "student", "student", taught, tokenizer, corpora, BUDGET)
    assert divergence(taught, learned, corpora, tokenizer) < divergence(taught, start, corpora, tokenizer)
    assert all(torch.equal(tensor, before[name]) for name, tensor in taught.state_dict().items())
    words = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(learned.state_dict()[words], before[words])


def test_the_narrow_student_looks_at_the_teachers_words_and_learns(taught, corpora, tokenizer, tmp_path, small_plans):
    start = student.narrow(taught, layers=2, width=16).eval()
    words = taught.bert.embeddings.word_embeddings.weight.detach()
    seen = start.electra.embeddings_project(words) - start.electra.embeddings_project.bias
    best = torch.linalg.svdvals(words)[:16].square().sum()  # what the first 16 principal axes keep
    assert torch.allclose(seen.square().sum(), best, rtol=1e-4)
    learned = student.train(tmp_path / "tiny", "tiny", taught, tokenizer, corpora, BUDGET)
    assert divergence(taught, learned, corpora, tokenizer) < divergence(taught, start, corpora, tokenizer)
    assert torch.equal(learned.get_input_embeddings().weight, words)
    front = {"license": "apache-2.0", "distillery": {"role": "student", "origin": "here", "metrics": {}}}
    shipping.ship(taught, tokenizer, tmp_path / "t", front, "# Teacher")
    shipping.ship(learned, tokenizer, tmp_path / "n", front, "# Narrow", embeddings_of=tmp_path / "t")
    opened = load(tmp_path / "n", device="cpu")
    assert type(opened.model) is transformers.ElectraForMaskedLM
    assert torch.allclose(opened.model.get_input_embeddings().weight, words, atol=1e-3)
    assert trace(opened, "the king").check() < 1e-5
    (line,) = map(json.loads, (tmp_path / "tiny" / "log.jsonl").read_text().splitlines())
    assert line["step"] == line["of"] == 20 and line["soft"] > 0 and "hidden" not in line  # the recipe's second stage


def test_a_student_that_was_killed_ends_where_it_would_have(
    taught, corpora, tokenizer, tmp_path, monkeypatch, small_plans
):
    whole = student.train(tmp_path / "whole", "student", taught, tokenizer, corpora, BUDGET)

    class KilledError(Exception):
        pass

    real, calls = student.workspace.save, []

    def dies(state, file):
        real(state, file)
        calls.append(1)
        if len(calls) == 15:
            raise KilledError

    monkeypatch.setattr(student, "SAVE_SECONDS", 0)
    monkeypatch.setattr(student.workspace, "save", dies)
    with pytest.raises(KilledError):
        student.train(tmp_path / "killed", "student", taught, tokenizer, corpora, BUDGET)
    monkeypatch.setattr(student.workspace, "save", real)
    resumed = student.train(tmp_path / "killed", "student", taught, tokenizer, corpora, BUDGET)
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_budget_is_the_tokens_of_one_pass(corpora, tokenizer):
    texts = student.texts(corpora, tokenizer, BUDGET)
    assert BUDGET.tokens <= int(texts.lengths.sum()) < BUDGET.tokens + encoding.LONGEST
