"""The stages that made the shipped models, on a tiny model: splits, batches, resuming, distilling, shipping."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import transformers
from safetensors import safe_open

from core.build.cards import masked as cards
from core.build.cards import pairs as pairs_card
from core.build.cards import shipping
from core.build.cards import teacher as teacher_card
from core.build.measure import measuring
from core.build.measure.quality import attention, held_out, scorer, unigram_scorer
from core.build.text import encoding
from core.build.text.cloze import SETS
from core.build.text.corpora import FIRST_TEXT, MEASURING, Document, natural
from core.build.text.frequency import log_unigram
from core.build.train import pairs, rounds, student, teacher
from core.models import load
from core.trace import trace

SENTENCES = ("the king rules a land.", "the queen sings of cats and dogs.", "what is the capital of france?")


@pytest.fixture
def tokenizer(family_folder):
    return transformers.AutoTokenizer.from_pretrained(family_folder("bert"))


@pytest.fixture
def source(family_folder, tmp_path):
    """An encoder without a vocabulary head, as the build's base is."""
    folder = tmp_path / "base"
    model = transformers.BertModel.from_pretrained(family_folder("bert"), add_pooling_layer=False)
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(family_folder("bert")).save_pretrained(folder)
    return folder


@pytest.fixture
def corpora(tokenizer, tmp_path):
    documents = (Document("masc_tagged", f"page-{number}", SENTENCES) for number in range(300))
    return {"masc_tagged": encoding.encode(documents, tokenizer, tmp_path / "text.npz")}


TEXT = ("masc_tagged",)
SCHEDULE = teacher.Schedule(
    head_tokens=500,
    cycles=(
        teacher.Cycle(10_000, TEXT, warmup=500),
        teacher.Cycle(20_000, TEXT, decay=5000, unlikelihood=0.5),
        teacher.Cycle(30_000, TEXT, warmup=500, decay=8000, unlikelihood=1.0, words=False, bfloat16=True),
    ),
    batch_tokens=200,
    peak=5e-3,
)


def test_pages_of_one_file_share_its_fate():
    pages = [Document("movie_reviews", f"cv{number}.txt#{page}", ()) for number in range(300) for page in range(3)]
    assert all(len({page.held_out for page in pages[start : start + 3]}) == 1 for start in range(0, 900, 3))
    assert 0.01 < np.mean([page.held_out for page in pages]) < 0.1


def test_tokenised_words_become_text():
    words = ["I", "do", "n't", "(", "really", ")", "stop", ",", "it", "'s", "fun", "."]
    assert natural(words) == "I don't (really) stop, it's fun."


def test_sequences_stay_within_their_length_and_split(corpora, tokenizer):
    encoded = corpora["masc_tagged"]
    train, kept = encoded.sequences(False), encoded.sequences(True)
    assert len(train) + len(kept) == len(encoded.held_out) and kept
    for row in train + kept:
        assert len(row) <= encoding.LONGEST
        assert row[0] == tokenizer.cls_token_id and row[-1] == tokenizer.sep_token_id


def test_batches_hold_every_sequence_once(corpora, tokenizer):
    rows = corpora["masc_tagged"].sequences(False)
    found = list(encoding.batches(rows, tokenizer, tokens=200, seed=3))
    assert sum(len(batch.input_ids) for batch in found) == len(rows)
    assert max(batch.input_ids.numel() for batch in found) <= 200
    again = list(encoding.batches(rows, tokenizer, tokens=200, seed=3))
    assert all(torch.equal(a.input_ids, b.input_ids) for a, b in zip(found, again, strict=True))
    other = next(iter(encoding.batches(rows, tokenizer, tokens=200, seed=4)))
    assert not torch.equal(found[0].labels, other.labels)


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


def test_the_learning_rate_rises_stays_and_falls_in_each_cycle():
    places = [(0, 0), (750, 0), (1000, 0), (9000, 0), (10_000, 1), (17_500, 1), (20_000, 1), (20_250, 2), (26_000, 2)]
    rates = [teacher.learning_rate(seen, number, SCHEDULE) for seen, number in places]
    peak = SCHEDULE.peak
    assert rates == pytest.approx([SCHEDULE.head_rate, peak / 2, peak, peak, peak, peak / 2, 0, peak / 2, peak / 2])


def test_word_embeddings_stay_in_a_cycle_that_freezes_them(source, corpora, tmp_path):
    frozen = teacher.Cycle(3000, TEXT, words=False)
    trained = teacher.train(tmp_path / "t", source, corpora, replace(SCHEDULE, head_tokens=500, cycles=(frozen,)))
    before = teacher.fresh_teacher(source).state_dict()
    words = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(trained.state_dict()[words], before[words])
    layer = "bert.encoder.layer.0.output.dense.weight"
    assert not torch.equal(trained.state_dict()[layer], before[layer])


def test_the_teacher_learns_and_resumes_where_it_was_killed(source, corpora, tokenizer, tmp_path, monkeypatch):
    whole = teacher.train(tmp_path / "whole", source, corpora, SCHEDULE)
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
        teacher.train(tmp_path / "killed", source, corpora, SCHEDULE)
    monkeypatch.setattr(teacher, "masked_lm_losses", real)
    resumed = teacher.train(tmp_path / "killed", source, corpora, SCHEDULE)
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


BUDGET = student.Budget(tokens=4000, batch_tokens=200)


@pytest.fixture
def taught(source, corpora, tmp_path):
    return teacher.train(tmp_path / "teacher", source, corpora, SCHEDULE).eval()


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
