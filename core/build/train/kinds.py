"""The kinds teacher: the shipped encoder, fine-tuned on labelled definitions; its logits for the texts it never learned from."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch.nn import functional as F
from transformers import AutoTokenizer, BertForSequenceClassification

from core.build import workspace
from core.build.train import classifier
from core.data.kinds import FOLDER, KINDS, LOGITS, definitions
from core.distill.label_budget import TEACHER, VOCABULARY
from core.models.card import SHIPPED

BASE = SHIPPED / VOCABULARY
"""The encoder that all models of this width start from, and whose word embeddings they share."""

SCHEDULE = classifier.Schedule(epochs=3, peak=1e-4)


def rows_of(part: str, tokenizer) -> tuple[list[list[int]], torch.Tensor]:
    """Token ids and kinds of one part, `[definition]`."""
    found = definitions(part)
    rows = classifier.encode([one.text for one in found], tokenizer, SCHEDULE.longest)
    return rows, torch.tensor([one.kind for one in found])


def train_teacher(folder: Path | None = None) -> BertForSequenceClassification:
    """The teacher as its training left it; trains it if that is not done."""
    folder = folder or workspace.folder() / TEACHER
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    model = classifier.classifier(BASE, KINDS, seed=SCHEDULE.seed)
    rows, kinds = rows_of("teacher", tokenizer)
    classifier.fit(folder, model, rows, lambda logits, texts: F.cross_entropy(logits, kinds[texts]), SCHEDULE)
    return classifier.halved(model)


def write_logits(teacher: BertForSequenceClassification, folder: Path = FOLDER) -> None:
    """Store the teacher's logits for the texts on which it was not trained, in half precision."""
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    found = {}
    for part in ("transfer", "validation", "test"):
        rows, _ = rows_of(part, tokenizer)
        found[part] = classifier.logits_of(teacher, rows).half()
    save_file(found, folder / LOGITS)
