"""The masked-language models as their trainings leave them: trained where they are not yet, or read from the workspace."""

from __future__ import annotations

import shutil
from copy import deepcopy
from functools import cache, partial

from transformers import BertForMaskedLM, PreTrainedModel

from core.build import workspace
from core.build.packages import encoder_folder
from core.build.text.corpora import FIRST_TEXT
from core.build.text.inputs import text, tokenizer
from core.build.train import filling, pairs, student, teacher
from core.build.train.rounds import MEANS, ROUNDS
from core.models.card import SHIPPED

TEACHER = "minilm-teacher"

SCHEDULES = {"text_only": teacher.Schedule(), "longer": teacher.LONGER, "head_only": teacher.HEAD_ONLY}
"""The trainings on text alone, by folder: the one that the shipped teacher starts from, the same gone on with, a baseline."""


@cache
def trained(name: str) -> BertForMaskedLM:
    """Model left by one of `SCHEDULES`, `ROUNDS` or `MEANS`; `longer` goes on from the last checkpoint of `text_only`."""
    if name in MEANS:
        return filling.mean_of([trained(each) for each in MEANS[name]])
    folder = workspace.folder() / name
    if name in ROUNDS:
        chosen = ROUNDS[name]
        begun = (folder / "checkpoint.pt").exists()
        start = partial(teacher.fresh_teacher, encoder_folder()) if begun else lambda: deepcopy(trained(chosen.start))
        return filling.train(folder, start, tokenizer(), text(FIRST_TEXT), chosen.files, chosen.plan)
    schedule = SCHEDULES[name]
    if name == "longer" and not (folder / "checkpoint.pt").exists():
        trained("text_only")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(workspace.folder() / "text_only" / "checkpoint.pt", folder)
    return teacher.train(folder, encoder_folder(), text(schedule.corpora), schedule)


def train_student(name: str) -> PreTrainedModel:
    """One of `student.PLANS` as its training left it."""
    folder, corpora = workspace.folder() / name, text(student.TEXT)
    return student.train(folder, name, trained("teacher"), tokenizer(), corpora, student.Budget())


def train_pairs() -> dict[str, pairs.PairModel]:
    """The heads for pairs of sentences, by task, on the shipped teacher."""
    data = pairs.all_pairs(tokenizer())["train"]
    return {
        task: pairs.train(workspace.folder() / task, SHIPPED / TEACHER, tokenizer(), data[task], task)
        for task in pairs.TASKS
    }


def done_to(folder: str, total: int) -> bool:
    """Return True if a training that counts tokens has seen all of them, by its checkpoint's mark."""
    last = workspace.last_row(workspace.folder() / folder / "log.jsonl")
    return bool(last) and last["tokens"] >= total - 50_000
