"""The sentiment pair: a teacher fine-tuned on labelled opinions, a student of three of its layers, and the student's control."""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import AutoTokenizer, BertForSequenceClassification

from core.build import workspace
from core.build.text.sentiment_data import LABELS, Opinion, opinions
from core.build.train import classifier
from core.build.train.kinds import BASE
from core.distill.objectives.losses import mixed_loss, soft_loss

TEACHER, STUDENT, CONTROL = "sentiment-teacher", "sentiment-student", "sentiment-control"

LAYERS = (1, 3, 5)
"""The student's layers, counted from 0: every second one, as DistilBERT starts (Sanh et al. 2019, section 3)."""

TEMPERATURE, SOFT_WEIGHT = 2.0, 0.7

STUDENT_TEXTS = 12_000
"""Number of training texts that are enough for a student that starts as the teacher's own layers."""

TEACHER_SCHEDULE = classifier.Schedule(epochs=3, peak=4e-5, longest=80)
STUDENT_SCHEDULE = classifier.Schedule(epochs=1, peak=8e-5, longest=80, seed=1)


@cache
def texts(held_out: bool) -> tuple[Opinion, ...]:
    """The texts on one side of the split."""
    return tuple(one for one in opinions() if one.held_out == held_out)


def encoded(found: tuple[Opinion, ...]) -> tuple[list[list[int]], Tensor]:
    """Token ids and labels, `[text]`."""
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    rows = classifier.encode([one.text for one in found], tokenizer, TEACHER_SCHEDULE.longest)
    return rows, torch.tensor([one.label for one in found])


def train_teacher(folder: Path | None = None) -> BertForSequenceClassification:
    """The teacher as its training left it; trains it if that is not done."""
    model = classifier.classifier(BASE, LABELS, seed=TEACHER_SCHEDULE.seed)
    rows, labels = encoded(texts(held_out=False))
    folder = folder or workspace.folder() / TEACHER
    classifier.fit(folder, model, rows, lambda logits, some: F.cross_entropy(logits, labels[some]), TEACHER_SCHEDULE)
    return classifier.halved(model)


def train_student(distilled: bool, folder: Path | None = None) -> BertForSequenceClassification:
    """The student, or the control that learns from the labels alone: the same start, texts and steps.

    The teacher's logits are computed once: it sees no dropout, so they never change.
    """
    teacher = train_teacher()
    student = classifier.shallower(teacher, LAYERS)
    learned = random.Random(STUDENT_SCHEDULE.seed).sample(texts(held_out=False), STUDENT_TEXTS)
    rows, labels = encoded(tuple(learned))
    folder = folder or workspace.folder() / (STUDENT if distilled else CONTROL)
    file = folder.parent / f"{TEACHER}-logits.safetensors"
    soft_labels = classifier.cached_logits(teacher, rows, file) if distilled else None

    def loss_of(logits: Tensor, some: Tensor) -> Tensor:
        hard = F.cross_entropy(logits, labels[some])
        if soft_labels is None:
            return hard
        return mixed_loss(soft_loss(logits, soft_labels[some], TEMPERATURE), hard, SOFT_WEIGHT)

    classifier.fit(folder, student, rows, loss_of, STUDENT_SCHEDULE)
    return classifier.halved(student)
