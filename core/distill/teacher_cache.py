"""The teacher's answers: computed once for each text, kept, and handed out for any batch.

    teaching = TeacherCache([teacher], texts, needs, groups=plan(texts.lengths, 32, seed=0, epoch=0))
    teaching.features(texts.batch(rows)).logits

What is not there yet is computed when it is first needed, so training starts at once and pays for the teacher in its first
epoch only. Beyond `bound` bytes the answers go to memory-mapped files.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from core.distill.forward import FeatureRequest, Features, asked_states, forward, observed
from core.distill.inputs.texts import Batch, TokenizedTexts
from core.distill.training import BOUND
from core.files import writing
from core.models.families import apply_head


def mapped(file: Path, size: int) -> Tensor:
    """A tensor of `size` float32 numbers that lives in a file: the system keeps in memory what is in use.

    Raises:
        LabError: `no_space`.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    with writing(file.parent), file.open("wb") as stream:
        if hasattr(os, "posix_fallocate"):  # else a full disk would show only later, as a signal that kills the process
            os.posix_fallocate(stream.fileno(), 0, max(4 * size, 1))
        else:
            stream.truncate(4 * size)
    return torch.from_file(str(file), shared=True, size=size, dtype=torch.float32)


class RaggedTensors:
    """One kind of answer for every text: a block of rows each, end to end in one tensor, in memory or in a file.

    Args:
        counts: rows of each text, `[text]`.
        width: numbers in a row.
        file: where they are kept; in memory if None.
    """

    def __init__(self, counts: Tensor, width: int, file: Path | None) -> None:
        self.starts = torch.cat((torch.zeros(1, dtype=torch.long), counts.cumsum(0)))
        size = int(self.starts[-1]) * width
        self.flat = (torch.empty(size) if file is None else mapped(file, size)).view(-1, width)

    def put(self, row: int, block: Tensor) -> None:
        """Keep the block of one text, `[row, width]`."""
        self.flat[self.starts[row] : self.starts[row + 1]] = block

    def joined(self, rows: Tensor) -> Tensor:
        """The blocks of these texts, one after the other, `[row, width]`."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        ends = lengths.cumsum(0)
        inside = torch.arange(int(ends[-1])) - (ends - lengths).repeat_interleave(lengths)
        return self.flat[self.starts[rows].repeat_interleave(lengths) + inside]

    def padded(self, rows: Tensor, longest: int) -> Tensor:
        """The blocks of these texts side by side, zeros where a text ends, `[text, longest, width]`."""
        lengths = self.starts[rows + 1] - self.starts[rows]
        position = torch.arange(longest)
        index = (self.starts[rows][:, None] + position).clamp(max=len(self.flat) - 1)
        return self.flat[index].masked_fill((position >= lengths[:, None])[..., None], 0.0)


class TeacherCache:
    """The teacher's features for any batch of a set of texts.

    Args:
        teachers: frozen models; several answer with the mean of their logits, and the first one's features are used.
        texts: if their masks change with the epoch nothing is kept, and every batch is computed.
        needs: what the losses look at; layers of the first teacher.
        groups: numbers of texts that are always computed together (the batches of the first epoch), so that an answer
            does not depend, in its last bits, on when it was computed.
        bound: bytes kept in memory.
        folder: for what is kept on disk; a temporary one if None.
        device, autocast: where and how the teachers run; `autocast` is a dtype or None.
    """

    def __init__(
        self,
        teachers: Sequence[nn.Module],
        texts: TokenizedTexts,
        needs: FeatureRequest,
        groups: Sequence[Tensor],
        bound: int = BOUND,
        folder: Path | None = None,
        device: torch.device | str = "cpu",
        autocast: torch.dtype | None = None,
    ) -> None:
        self.teachers = [observed(teacher).eval().requires_grad_(False).to(device) for teacher in teachers]
        self.texts, self.needs, self.task = texts, needs, texts.task
        self.device, self._autocast = torch.device(device), autocast
        self._bound, self._folder, self._temporary = bound, folder, None
        self._groups = list(groups)
        self._group_of = torch.empty(len(texts), dtype=torch.long)
        for number, rows in enumerate(self._groups):
            self._group_of[rows] = number
        self._known = torch.zeros(len(texts), dtype=torch.bool)
        self._kept: dict[str, RaggedTensors] = {}
        self._shapes: dict[str, tuple[int, int]] = {}

    def preload(self, logits: Tensor) -> None:
        """Take answers that were computed before, `[text, class]`; of no use where the losses look inside the teacher."""
        if self.needs == FeatureRequest(logits=True) and self.texts.labels_by_text:
            self._keep_joined("logits", logits, torch.arange(len(self.texts)), self.texts.asked)
            self._known[:] = True

    @torch.no_grad()
    def features(self, batch: Batch) -> Features:
        """The teacher's features for a batch of `texts`, on the device."""
        if not self.needs:
            return Features(batch.real)
        if self.texts.changes:
            return self._live(batch.to(self.device), self.needs)
        for group in self._group_of[batch.rows[~self._known[batch.rows]]].unique().tolist():
            self._compute(self._groups[group])
        return self._lookup(batch)

    def _live(self, batch: Batch, needs: FeatureRequest) -> Features:
        with self._precision():
            found = forward(self.teachers[0], batch, self.task, needs)
            if needs.logits and len(self.teachers) > 1:
                logits = [found.logits.float()]
                logits += [
                    forward(t, batch, self.task, FeatureRequest(logits=True)).logits.float() for t in self.teachers[1:]
                ]
                found.logits = torch.stack(logits).mean(dim=0)
        return found

    def _precision(self):
        return torch.autocast(self.device.type, self._autocast) if self._autocast else nullcontext()

    def _compute(self, rows: Tensor) -> None:
        """Run the teacher on some texts and keep its features."""
        batch = self.texts.batch(rows).to(self.device)
        words = self.task == "masked_words" and self.needs.logits
        if words:  # 384 numbers are kept in place of 30,522; the vocabulary head is applied when they are needed
            with self._precision():
                for number, teacher in enumerate(self.teachers):
                    self._keep_joined(f"state.{number}", asked_states(teacher, batch), rows, self.texts.asked)
        needed = replace(self.needs, logits=False) if words else self.needs
        if needed:
            found = self._live(batch, needed)
            if found.logits is not None:
                self._keep_joined("logits", found.logits, rows, self.texts.asked)
            self._keep_features(found, rows)
        self._known[rows] = True

    def _keep_features(self, found: Features, rows: Tensor) -> None:
        ones, lengths = torch.ones(len(self.texts), dtype=torch.long), self.texts.lengths
        for layer, states in found.cls.items():
            self._keep_joined(f"cls.{layer}", states, rows, ones)
        for layer, states in found.hidden.items():
            self._keep_joined(f"hidden.{layer}", states[found.real], rows, lengths)
        for layer, values in found.values.items():
            self._shapes[f"values.{layer}"] = (values.shape[1], values.shape[3])
            self._keep_joined(f"values.{layer}", values.transpose(1, 2).flatten(2)[found.real], rows, lengths)
        for layer, scores in found.scores.items():
            answers = self._answers(f"scores.{layer}", lengths * lengths, scores.shape[1])
            for i, row in enumerate(rows.tolist()):
                length = int(lengths[row])
                answers.put(row, scores[i, :, :length, :length].flatten(1).T.float().cpu())

    def _keep_joined(self, name: str, values: Tensor, rows: Tensor, counts: Tensor) -> None:
        """Keep values that follow one text after the other, `[row, width]`."""
        answers = self._answers(name, counts, values.shape[-1])
        parts = values.float().cpu().split(counts[rows].tolist())
        for row, part in zip(rows.tolist(), parts, strict=True):
            answers.put(row, part)

    def _answers(self, name: str, counts: Tensor, width: int) -> RaggedTensors:
        if name not in self._kept:
            size = 4 * int(counts.sum()) * width
            file = None
            if size > self._bound:
                if self._folder is None and self._temporary is None:
                    self._temporary = tempfile.TemporaryDirectory(prefix="distillery-")
                file = (self._folder or Path(self._temporary.name)) / f"{name}.answers"
                size = 0
            self._bound -= size
            self._kept[name] = RaggedTensors(counts, width, file)
        return self._kept[name]

    def _lookup(self, batch: Batch) -> Features:
        rows, longest = batch.rows, batch.input_ids.shape[1]
        found = Features(batch.real.to(self.device))
        if self.needs.logits and self.task == "masked_words":
            with self._precision():
                logits = [
                    apply_head(teacher, self._kept[f"state.{number}"].joined(rows).to(self.device), is_last=True)
                    for number, teacher in enumerate(self.teachers)
                ]
            found.logits = logits[0] if len(logits) == 1 else torch.stack([each.float() for each in logits]).mean(dim=0)
        elif self.needs.logits:
            found.logits = self._kept["logits"].joined(rows).to(self.device)
        for layer in self.needs.cls:
            found.cls[layer] = self._kept[f"cls.{layer}"].joined(rows).to(self.device)
        for layer in self.needs.hidden:
            found.hidden[layer] = self._kept[f"hidden.{layer}"].padded(rows, longest).to(self.device)
        for layer in self.needs.values:
            heads, width = self._shapes[f"values.{layer}"]
            values = self._kept[f"values.{layer}"].padded(rows, longest).unflatten(2, (heads, width))
            found.values[layer] = values.transpose(1, 2).to(self.device)
        for layer in self.needs.scores:
            found.scores[layer] = self._squares(self._kept[f"scores.{layer}"], rows, longest).to(self.device)
        return found

    def _squares(self, answers: RaggedTensors, rows: Tensor, longest: int) -> Tensor:
        """Kept scores as `[text, head, query, key]`, zeros where a text ends."""
        heads = answers.flat.shape[1]
        squares = torch.zeros(len(rows), heads, longest, longest)
        for i, row in enumerate(rows.tolist()):
            length = int(self.texts.lengths[row])
            block = answers.flat[answers.starts[row] : answers.starts[row + 1]]
            squares[i, :, :length, :length] = block.T.unflatten(1, (length, length))
        return squares
