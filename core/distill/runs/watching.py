"""A sentence of the learner's choice, followed while the students learn: their soft label and attention beside the teacher's.

For example:

    watcher = Watcher(run, tokenizer, teacher, "single_label")
    run.watch("a large cat")                     # in the page's process
    watcher.look(students, seed=0, step=12)      # in the worker's: writes what `run.watched()` reads
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from core.distill.files import write_whole
from core.distill.forward import Needs, forward
from core.distill.runs.run import Run
from core.distill.texts import Batch, Task
from core.errors import LabError
from core.theory.masking import IGNORED

LOOK_SECONDS = 0.3
"""How often the students are looked at, at most."""

LONGEST = 48
"""Tokens of the watched text that are shown."""


class Watcher:
    """Looks at the watched text of a run, if there is one and enough time has passed."""

    def __init__(self, run: Run, tokenizer, teacher: nn.Module, task: Task) -> None:
        self._file, self._folder = run.folder / "watch.json", run.folder
        self._tokenizer, self._teacher, self._task = tokenizer, teacher, task
        self._looked = self._changed = 0.0
        self._text, self._batch, self._of_teacher = "", None, {}

    def look(self, students: Mapping[str, nn.Module], seed: int, step: int) -> None:
        """Writes `watched.json` when it is due.

        Raises:
            LabError: `no_space`, `run_missing`.
        """
        if time.monotonic() - self._looked < LOOK_SECONDS or not self._file.exists():
            return
        changed = self._file.stat().st_mtime
        if changed != self._changed:
            self._changed = changed
            self._read()
        if self._batch is not None:
            found = {
                "text": self._text,
                "tokens": self._tokenizer.convert_ids_to_tokens(self._batch.input_ids[0].tolist()),
                "seed": seed,
                "step": step,
                "teacher": self._of_teacher,
                "arms": {name: self._seen(student) for name, student in students.items()},
            }
            write_whole(self._folder / "watched.json", json.dumps(found, ensure_ascii=False))
        self._looked = time.monotonic()

    def _read(self) -> None:
        try:
            self._text = json.loads(self._file.read_text(encoding="utf-8"))["text"]
        except (OSError, ValueError, KeyError) as error:
            raise LabError("broken_run", name=self._folder.name, reason=f"watch.json: {error}") from error
        ids = self._tokenizer(self._text, truncation=True, max_length=LONGEST, verbose=False)["input_ids"]
        ids = torch.tensor([ids])
        labels = torch.full_like(ids, IGNORED)
        self._batch = Batch(ids, torch.ones_like(ids), labels, torch.tensor([0]))
        self._of_teacher = self._seen(self._teacher)

    @torch.no_grad()
    def _seen(self, model: nn.Module) -> dict[str, Any]:
        was_training = model.training
        model.eval()
        by_text = self._task in ("single_label", "multi_label")
        layers = frozenset(range(model.config.num_hidden_layers))
        device = next(model.parameters()).device
        try:
            found = forward(model, self._batch.to(device), self._task, Needs(logits=by_text, scores=layers))
        finally:
            model.train(was_training)
        seen: dict[str, Any] = {"attention": [_rounded(found.scores[i][0].softmax(dim=-1)) for i in sorted(layers)]}
        if by_text:
            logits = found.logits[0].float()
            seen["logits"] = _rounded(logits)
            seen["probabilities"] = _rounded(
                logits.sigmoid() if self._task == "multi_label" else logits.softmax(dim=-1)
            )
        return seen


def _rounded(tensor: Tensor) -> list:
    return (tensor.cpu().double() * 10_000).round().div(10_000).tolist()
