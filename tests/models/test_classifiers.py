"""The shipped classifiers: plain transformers opens them, their files are those of their cards, their scores come out again."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
import transformers

from core.data.kinds import KINDS, definitions, teacher_logits
from core.errors import LabError
from core.measure.calibration import expected_calibration_error
from core.models import catalog, load
from core.models import loading as loading_module
from core.models.card import SHIPPED, read_card
from core.trace import trace

CLASSIFIERS = [card for card in catalog() if card.task in ("kinds", "sentiment")]


def named(name: str):
    card = next((card for card in CLASSIFIERS if card.name == name), None)
    return card or pytest.skip(f"{name} is not installed")


@torch.no_grad()
def answers(model, tokenizer, texts: list[str]) -> torch.Tensor:
    inputs = tokenizer(texts, padding=True, truncation=True, max_length=64, return_tensors="pt")
    return model(**inputs).logits


@pytest.mark.parametrize("card", CLASSIFIERS, ids=lambda card: card.name)
def test_plain_transformers_opens_each(card):
    model = transformers.AutoModelForSequenceClassification.from_pretrained(card.folder, dtype=torch.float32).eval()
    assert tuple(model.config.id2label[i] for i in range(len(card.labels))) == card.labels
    assert sum(parameter.numel() for parameter in model.parameters()) == card.parameters
    checkpoint = load(card.name, device="cpu")
    assert checkpoint.classes == card.labels and not checkpoint.predicts_words
    text = "a small bird that sings"
    found = trace(checkpoint, text)
    plain = answers(model, transformers.AutoTokenizer.from_pretrained(card.folder), [text])
    assert torch.allclose(found.class_logits, plain[0], atol=1e-4) and found.logits is None
    assert found.check() < 1e-5


def test_the_kinds_are_in_the_order_of_the_logits():
    for card in CLASSIFIERS:
        if card.task == "kinds":
            assert card.labels == KINDS


@pytest.mark.parametrize("name", ["kinds-teacher", "kinds-student"])
def test_a_fixed_sample_scores_as_the_card_claims(name):
    """150 test definitions: within four standard errors of the card's accuracy."""
    card = named(name)
    sample = definitions("test")[:150]
    model = transformers.AutoModelForSequenceClassification.from_pretrained(card.folder, dtype=torch.float32).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(card.folder)
    logits = torch.cat([answers(model, tokenizer, [one.text for one in sample[i : i + 50]]) for i in range(0, 150, 50)])
    labels = torch.tensor([one.kind for one in sample])
    accuracy = float((logits.argmax(-1) == labels).float().mean())
    claimed = card.metrics["accuracy"]
    assert abs(accuracy - claimed) < 4 * (claimed * (1 - claimed) / 150) ** 0.5
    if name == "kinds-teacher":
        stored = teacher_logits("test")[:150]
        assert torch.allclose(logits, stored, atol=0.02)  # half precision


def test_the_stored_logits_score_exactly_as_the_teachers_card_claims():
    card = named("kinds-teacher")
    labels = torch.tensor([one.kind for one in definitions("test")])
    logits = teacher_logits("test")
    assert float((logits.argmax(-1) == labels).float().mean()) == pytest.approx(card.metrics["accuracy"], abs=1e-4)
    ece = expected_calibration_error(logits.softmax(-1), labels)
    assert ece == pytest.approx(card.metrics["ece"], abs=1e-4)


def test_sentiment_knows_plain_praise_from_plain_blame():
    for name in ("sentiment-teacher", "sentiment-student"):
        card = named(name)
        model = transformers.AutoModelForSequenceClassification.from_pretrained(card.folder, dtype=torch.float32).eval()
        texts = [
            "a moving, funny and beautifully acted film.",
            "one of the best films of the year.",
            "a dull, predictable mess.",
            "the worst film of the year, tedious and badly written.",
        ]
        said = answers(model, transformers.AutoTokenizer.from_pretrained(card.folder), texts).argmax(-1)
        assert said.tolist() == [1, 1, 0, 0], name


def test_models_of_one_width_share_one_file_of_words():
    shared = (SHIPPED / "minilm-teacher" / "embeddings.safetensors").resolve()
    for card in CLASSIFIERS:
        files = [(card.folder / name).resolve() for name in card.hashes]
        assert (shared in files) == (card.width == 384)
        assert not (card.folder / "model.safetensors").exists()


def test_all_that_is_shipped_stays_small():
    files = [path for path in SHIPPED.parent.rglob("*") if path.is_file()]
    weights = [path for path in files if "vendor" not in path.parts and "components" not in path.parts]
    assert sum(path.stat().st_size for path in weights) < 150e6
    assert max(path.stat().st_size for path in weights) < 50e6


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """A copy of the shipped student of masked words, and of the file that it shares, as if it were shipped."""
    for name in ("minilm-teacher", "minilm-student"):
        shutil.copytree(SHIPPED / name, tmp_path / name)
    card = read_card(tmp_path / "minilm-student")
    monkeypatch.setattr(loading_module, "catalog", lambda: [card])
    return tmp_path


def refused(name: str) -> LabError:
    with pytest.raises(LabError) as error:
        load(name, device="cpu")
    return error.value


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def test_an_untouched_copy_opens(copied):
    assert load("minilm-student", device="cpu").card.folder == copied / "minilm-student"


@pytest.mark.parametrize("file", ["layers.safetensors", "../minilm-teacher/embeddings.safetensors"])
def test_one_flipped_bit_is_refused_by_name_and_hash(copied, file):
    flip(copied / "minilm-student" / file)
    error = refused("minilm-student")
    assert error.code == "changed_checkpoint" and error.details["file"] == file
    expected = read_card(copied / "minilm-student").hashes[file]
    assert expected.startswith(error.details["expected"]) and error.details["found"] != error.details["expected"]
    assert error.details["found"] in str(error)


def test_a_truncated_file_is_refused(copied):
    file = copied / "minilm-student" / "layers.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    assert refused("minilm-student").code == "changed_checkpoint"


def test_a_missing_shared_file_is_named(copied):
    (copied / "minilm-teacher" / "embeddings.safetensors").unlink()
    error = refused("minilm-student")
    assert error.code == "missing_checkpoint" and "embeddings.safetensors" in str(error)
