"""The stages that made the shipped models, on a tiny model: splits, batches, resuming, distilling, shipping."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers
from safetensors import safe_open

from core.build import encoding, shipping, student, teacher
from core.build.corpora import Document, natural
from core.build.quality import cloze, held_out, scorer, unigram_scorer
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
    documents = (Document("masc_tagged", f"page-{number}", SENTENCES) for number in range(200))
    return {"masc_tagged": encoding.encode(documents, tokenizer, tmp_path / "text.npz")}


SCHEDULE = teacher.Schedule(
    head_tokens=500, total_tokens=30_000, decay_tokens=15_000, warmup_tokens=500, batch_tokens=200, peak=5e-3
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


def test_the_learning_rate_rises_stays_and_falls():
    rates = [teacher.learning_rate(seen, SCHEDULE) for seen in (0, 250, 500, 2000, 22_500, 30_000)]
    assert rates == pytest.approx([0, SCHEDULE.peak / 2, SCHEDULE.peak, SCHEDULE.peak, SCHEDULE.peak / 2, 0])


def test_the_teacher_learns_and_resumes_where_it_was_killed(source, corpora, tokenizer, tmp_path, monkeypatch):
    whole = teacher.train(tmp_path / "whole", source, corpora, SCHEDULE)
    rows = corpora["masc_tagged"].sequences(True)
    untrained = held_out(scorer(teacher.fresh_teacher(source).eval()), tokenizer, rows, 200)
    trained = held_out(scorer(whole), tokenizer, rows, 200)
    baseline = held_out(unigram_scorer(teacher.log_unigram(corpora, len(tokenizer))), tokenizer, rows, 200)
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


RECIPE = student.Recipe(layers=(0, 2), total_tokens=4000, warmup_tokens=300, batch_tokens=200, peak=3e-3)


@pytest.fixture
def taught(source, corpora, tmp_path):
    return teacher.train(tmp_path / "teacher", source, corpora, SCHEDULE).eval()


def test_a_student_of_all_layers_is_the_teacher(taught):
    twin = student.from_layers(taught, (0, 1, 2)).eval()
    ids = torch.arange(5, 15)[None]
    assert torch.equal(twin(input_ids=ids).logits, taught(input_ids=ids).logits)


def test_distillation_draws_the_student_to_its_frozen_teacher(taught, corpora, tokenizer, tmp_path):
    before = {name: tensor.clone() for name, tensor in taught.state_dict().items()}
    batch = next(iter(encoding.batches(corpora["masc_tagged"].sequences(True), tokenizer, 400, 9)))
    start = student.from_layers(taught, RECIPE.layers).eval()
    learned = student.train(tmp_path / "student", taught, tokenizer, corpora, RECIPE).eval()
    far = student.distillation_losses(taught, start, batch, 2.0)
    near = student.distillation_losses(taught, learned, batch, 2.0)
    assert near[0] < far[0] and near[2] < far[2]
    assert all(torch.equal(tensor, before[name]) for name, tensor in taught.state_dict().items())
    words = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(learned.state_dict()[words], before[words])


def test_teacher_and_itself_have_no_soft_loss(taught, corpora, tokenizer):
    batch = next(iter(encoding.batches(corpora["masc_tagged"].sequences(True), tokenizer, 400, 9)))
    soft, _, cosine = student.distillation_losses(taught, taught, batch, 2.0)
    assert abs(soft.item()) < 1e-5 and abs(cosine.item()) < 1e-5


def test_shipped_folders_share_a_shard_and_open_anywhere(taught, tokenizer, tmp_path):
    small = student.from_layers(taught, RECIPE.layers).eval()
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
    other = student.from_layers(taught, RECIPE.layers)
    with torch.no_grad():
        other.bert.embeddings.word_embeddings.weight += 1
    with pytest.raises(ValueError, match="frozen"):
        shipping.ship(other, tokenizer, tmp_path / "s", front, "# Student", embeddings_of=tmp_path / "t")


def test_shipped_files_are_those_of_their_cards():
    """The hashes in each card are those of the weights beside it."""
    import hashlib
    import re

    from core.models import catalog

    for card in catalog():
        rows = re.findall(r"\| `([^`]+\.safetensors)` \| `([0-9a-f]{64})` \|", (card.folder / "README.md").read_text())
        assert len(rows) == 2
        for name, digest in rows:
            assert hashlib.sha256((card.folder / name).read_bytes()).hexdigest() == digest, name


def test_the_shipped_pair_is_small_and_better_than_its_baselines():
    from core.models import catalog

    teacher_card, student_card = (next(c for c in catalog() if c.role == role) for role in ("teacher", "student"))
    folders = {path for card in catalog() for path in card.folder.glob("*.safetensors")}
    assert sum(path.stat().st_size for path in folders) < 70e6
    measured = {
        "teacher": teacher_card.metrics,
        "student": student_card.metrics,
        "control": student_card.metrics["control"],
    }
    loss = {name: found["in_domain"]["loss"] for name, found in measured.items()}
    assert loss["teacher"] < loss["student"] < teacher_card.metrics["baseline"]["in_domain"]["loss"]
    assert student_card.metrics["agreement"]["kl"] < measured["control"]["agreement"]["kl"]


def test_the_teacher_answers_everyday_sentences_as_its_card_says():
    """The shipped weights are the measured ones: the figures come out again."""
    from core.models import catalog

    card = next(card for card in catalog() if card.role == "teacher")
    model = transformers.AutoModelForMaskedLM.from_pretrained(card.folder, dtype=torch.float32).eval()
    found = cloze(model, transformers.AutoTokenizer.from_pretrained(card.folder))
    assert found.top5 == pytest.approx(card.metrics["cloze"]["top5"], abs=0.04)
    assert found.top1 > 0.2
