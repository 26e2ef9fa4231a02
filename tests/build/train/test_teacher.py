"""The teacher's training on text: its losses, its rate, and resuming after a kill."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from core.build.measure.quality import held_out, scorer, unigram_scorer
from core.build.text import encoding
from core.build.text.frequency import log_unigram
from core.build.train import teacher


def test_unlikelihood_counts_visible_uncommon_words_only(source, tokenizer):
    model = teacher.fresh_teacher(source).eval()
    ids = torch.tensor([tokenizer("the king rules a land")["input_ids"]])
    labels = torch.full_like(ids, -100)
    labels[0, 2] = ids[0, 2]
    masked = ids.clone()
    masked[0, 2] = tokenizer.mask_token_id
    batch = encoding.Batch(masked, torch.ones_like(ids), labels)
    nothing = torch.ones(len(tokenizer), dtype=torch.bool)
    assert teacher.masked_lm_losses(model, batch, nothing)[1] == 0
    common = nothing.clone()
    common[tokenizer.convert_tokens_to_ids("land")] = False
    loss, repeated = teacher.masked_lm_losses(model, batch, common)
    with torch.no_grad():
        logits = model(input_ids=masked).logits[0, 2]
    p = logits.softmax(-1)[tokenizer.convert_tokens_to_ids("land")]
    assert torch.allclose(repeated, -torch.log1p(-p), atol=1e-5)
    assert torch.allclose(loss, torch.nn.functional.cross_entropy(logits, ids[0, 2]), atol=1e-4)


def test_the_learning_rate_rises_stays_and_falls_in_each_cycle(schedule):
    places = [(0, 0), (750, 0), (1000, 0), (9000, 0), (10_000, 1), (17_500, 1), (20_000, 1), (20_250, 2), (26_000, 2)]
    rates = [teacher.learning_rate(seen, number, schedule) for seen, number in places]
    peak = schedule.peak
    assert rates == pytest.approx([schedule.head_rate, peak / 2, peak, peak, peak, peak / 2, 0, peak / 2, peak / 2])


def test_word_embeddings_stay_in_a_cycle_that_freezes_them(source, corpora, schedule, tmp_path):
    frozen = teacher.Cycle(3000, ("masc_tagged",), words=False)
    trained = teacher.train(tmp_path / "t", source, corpora, replace(schedule, head_tokens=500, cycles=(frozen,)))
    before = teacher.fresh_teacher(source).state_dict()
    words = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(trained.state_dict()[words], before[words])
    layer = "bert.encoder.layer.0.output.dense.weight"
    assert not torch.equal(trained.state_dict()[layer], before[layer])


def test_the_teacher_learns_and_resumes_where_it_was_killed(
    source, corpora, tokenizer, schedule, tmp_path, monkeypatch
):
    whole = teacher.train(tmp_path / "whole", source, corpora, schedule)
    rows = corpora["masc_tagged"].sequences(True)
    untrained = held_out(scorer(teacher.fresh_teacher(source).eval()), tokenizer, rows, 200)
    trained = held_out(scorer(whole), tokenizer, rows, 200)
    baseline = held_out(unigram_scorer(log_unigram(corpora, len(tokenizer))), tokenizer, rows, 200)
    assert trained.loss < baseline.loss < untrained.loss
    assert trained.top1 > baseline.top1

    class KilledError(Exception):
        pass

    real, calls = teacher.masked_lm_losses, []

    def dies(*arguments):
        calls.append(1)
        if len(calls) == 12:
            raise KilledError
        return real(*arguments)

    monkeypatch.setattr(teacher, "SAVE_SECONDS", 0)
    monkeypatch.setattr(teacher, "masked_lm_losses", dies)
    with pytest.raises(KilledError):
        teacher.train(tmp_path / "killed", source, corpora, schedule)
    monkeypatch.setattr(teacher, "masked_lm_losses", real)
    resumed = teacher.train(tmp_path / "killed", source, corpora, schedule)
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)
