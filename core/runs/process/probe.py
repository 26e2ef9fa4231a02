"""A sentence of the learner's choice, followed while the students learn: their soft label and attention next to the teacher's.

For example:

    watcher = ProbeWriter(run, tokenizer, teacher, "single_label")
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

from core.distill.forward import FeatureRequest, Features, forward
from core.distill.inputs.texts import Batch, Task
from core.errors import LabError
from core.files import write_whole
from core.runs.run import Run
from core.theory.masking import IGNORED

LOOK_SECONDS = 0.3
"""Least time between two looks at the students."""

MAX_TOKENS = 48
"""Tokens of the watched text that are shown."""


WORDS = 8
"""Words that represent the vocabulary at a masked word: the teacher's most likely ones."""


class ProbeWriter:
    """Writer of the probe: it runs the students on the watched text, if there is one and enough time has passed."""

    def __init__(self, run: Run, tokenizer, teacher: nn.Module, task: Task) -> None:
        self._file, self._folder = run.folder / "watch.json", run.folder
        self._tokenizer, self._teacher, self._task = tokenizer, teacher, task
        self._looked = self._changed = 0.0
        self._sight: Probe | None = None
        self._of_teacher: dict[str, Any] = {}

    def look(self, students: Mapping[str, nn.Module], seed: int, step: int) -> None:
        """Write `watched.json` when it is due.

        Raises:
            LabError: `no_space`, `run_missing`.
        """
        if time.monotonic() - self._looked < LOOK_SECONDS or not self._file.exists():
            return
        changed = self._file.stat().st_mtime
        if changed != self._changed:
            self._changed = changed
            self._read()
        if self._sight is not None:
            found = {
                "text": self._sight.text,
                "tokens": self._sight.tokens,
                "classes": self._sight.classes,
                "seed": seed,
                "step": step,
                "teacher": self._of_teacher,
                "arms": {name: self._sight.of(student) for name, student in students.items()},
            }
            write_whole(self._folder / "watched.json", json.dumps(found, ensure_ascii=False))
        self._looked = time.monotonic()

    def _read(self) -> None:
        try:
            text = json.loads(self._file.read_text(encoding="utf-8"))["text"]
        except (OSError, ValueError, KeyError) as error:
            raise LabError("broken_run", name=self._folder.name, reason=f"watch.json: {error}") from error
        self._sight = Probe(text, self._tokenizer, self._teacher, self._task)
        self._of_teacher = self._sight.of(self._teacher)


class Probe:
    """One text, and the outputs of any model for it.

    Attributes:
        text: as it was given.
        tokens: at most `MAX_TOKENS`.
        classes: what the soft label is over: the teacher's classes, or its `WORDS` most likely words at the first [MASK];
            none where there is no answer to one text.
    """

    def __init__(self, text: str, tokenizer, teacher: nn.Module, task: Task) -> None:
        self.text, self._task, self._tokenizer = text, task, tokenizer
        ids = torch.tensor([tokenizer(text, truncation=True, max_length=MAX_TOKENS, verbose=False)["input_ids"]])
        hidden = (ids == tokenizer.mask_token_id) & (task == "masked_words")
        labels = torch.zeros_like(ids).where(hidden, IGNORED)
        self.batch = Batch(ids, torch.ones_like(ids), labels, torch.tensor([0]))
        self.tokens: list[str] = tokenizer.convert_ids_to_tokens(ids[0].tolist())
        self._answers = task in ("single_label", "multi_label") or bool(hidden.any())
        self._words: Tensor | None = None
        self.classes: list[str] = []
        if task in ("single_label", "multi_label"):
            names = teacher.config.id2label
            self.classes = [names[index] for index in sorted(names)]
        elif self._answers:
            self._words = self._features(teacher).logits[0].topk(WORDS).indices
            self.classes = tokenizer.convert_ids_to_tokens(self._words.tolist())

    def of(self, model: nn.Module) -> dict[str, Any]:
        """Return a model's outputs for the sentence: "attention" `[layer][head][query][key]` and, where there is a soft
        label, "logits" and "probabilities" `[class]`, and "first", the model's own top-1 class or word. The model's
        mode is restored afterwards."""
        found = self._features(model)
        attention = [_rounded(found.scores[i][0].softmax(dim=-1)) for i in sorted(found.scores)]
        seen: dict[str, Any] = {"attention": attention}
        if self._answers:
            logits = found.logits[0].float()
            shares = logits.sigmoid() if self._task == "multi_label" else logits.softmax(dim=-1)
            chosen = slice(None) if self._words is None else self._words.to(logits.device)
            seen |= {"logits": _rounded(logits[chosen]), "probabilities": _rounded(shares[chosen])}
            first = int(logits.argmax())
            seen["first"] = self.classes[first] if self._words is None else self._tokenizer.convert_ids_to_tokens(first)
        return seen

    @torch.no_grad()
    def _features(self, model: nn.Module) -> Features:
        was_training = model.training
        model.eval()
        layers = frozenset(range(model.config.num_hidden_layers))
        try:
            batch = self.batch.to(next(model.parameters()).device)
            return forward(model, batch, self._task, FeatureRequest(logits=self._answers, scores=layers))
        finally:
            model.train(was_training)


def _rounded(tensor: Tensor) -> list:
    return (tensor.cpu().double() * 10_000).round().div(10_000).tolist()
