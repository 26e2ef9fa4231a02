"""Teacher and student on one text, layer by layer: similarity of tokens, changes of a token's state, paths of the states.

Layers are counted from 0 here. A model of n layers has n + 1 hidden states: state 0 is the embeddings, the first layer's
input, and a layer's output is the state of the number that pages show for that layer (`core.numbering.shown`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.distill.objectives.layer_maps import made_from
from core.engine import Engine, Setting
from core.errors import LabError
from core.measure.similarity import cosine_grid
from core.numbering import shown
from core.trace import Trace


@dataclass(frozen=True)
class Pair:
    """Teacher and student on the same tokens.

    Attributes:
        teacher, student: one forward pass each.
        made_from: the teacher layer that each student layer was made from, from 0, `[student layer]`.
        recorded: true if the student's card records it; otherwise see `core.distill.objectives.layer_maps.made_from`.
    """

    teacher: Trace
    student: Trace
    made_from: tuple[int, ...]
    recorded: bool

    @property
    def pieces(self) -> tuple[str, ...]:
        """The tokens, the same for both."""
        return self.teacher.tokens.pieces

    @property
    def traces(self) -> dict[str, Trace]:
        """Both by role."""
        return {"teacher": self.teacher, "student": self.student}

    @property
    def depths(self) -> list[int]:
        """The teacher's state next to each of the student's, the embeddings included, `[student layer + 1]`."""
        return [0, *map(shown, self.made_from)]

    def beside(self, teacher_state: int) -> int:
        """The last student state that is made from no later state than this one."""
        return sum(state <= teacher_state for state in self.depths[1:])

    def shown(self, special: bool) -> Tensor:
        """The positions to compare, with or without special tokens; all, if fewer than two would be left."""
        plain = (~self.teacher.tokens.special).nonzero().flatten()
        return torch.arange(len(self.pieces)) if special or len(plain) < 2 else plain


def read(engine: Engine, setting: Setting, text: str) -> Pair:
    """Run the text through both models.

    Raises:
        LabError: `different_tokens` if they split the text differently, `too_few_tokens` if it is one token long, and as
            `Engine.trace`.
    """
    teacher, student = (engine.trace(setting, name, text) for name in (setting.teacher, setting.student))
    if teacher.tokens.pieces != student.tokens.pieces:
        raise LabError("different_tokens", teacher=setting.teacher, student=setting.student)
    if len(teacher.tokens.pieces) < 2:
        raise LabError("too_few_tokens")
    told = engine.checkpoint(setting, setting.student).card.metrics.get("layer_map")
    return Pair(teacher, student, *made_from(told, len(student.layers), len(teacher.layers)))


def interesting_pair(pair: Pair) -> tuple[int, int]:
    """Two positions worth comparing: the longest word that occurs twice, else the two longest words, in their order."""
    positions = pair.shown(special=False).tolist()
    pieces = pair.pieces
    # Of equally long words the rarer, such as "dog" rather than "the"; the sort is stable, so the first of equals wins.
    by_length = sorted(positions, key=lambda position: (-len(pieces[position]), pieces.count(pieces[position])))
    for position in by_length:
        again = [other for other in positions if other != position and pieces[other] == pieces[position]]
        if again and pieces[position].isalpha():
            return position, again[0]
    first, second = sorted(by_length[:2])
    return first, second


# Token similarity


@dataclass(frozen=True)
class Similarity:
    """One model's tokens compared with each other.

    Attributes:
        grid: cosines, `[layer + 1, position, position]`.
        mean: over all pairs of different tokens, `[layer + 1]`.
    """

    grid: Tensor
    mean: Tensor

    def between(self, known: Sequence[int], pair: tuple[int, int]) -> Tensor:
        """The cosine of two tokens in each layer, `[layer + 1]`; the grid's rows and columns are the tokens `known`."""
        return self.grid[:, known.index(pair[0]), known.index(pair[1])]


def part(grid: Tensor, known: Sequence[int], shown: Sequence[int]) -> Tensor:
    """The rows and columns `shown` of a grid `[position, position]` over the tokens `known`."""
    chosen = [known.index(place) for place in shown]
    return grid[chosen][:, chosen]


def similarity(trace: Trace, positions: Tensor) -> Similarity:
    """Cosines between the tokens at `positions`, after the embeddings and each layer.

    The mean over pairs is the anisotropy of Ethayarajh 2019, section 3.4, within one text rather than over a corpus.
    """
    grid = cosine_grid(trace.hidden[:, positions])
    count = len(positions)
    mean = (grid.sum((1, 2)) - grid.diagonal(dim1=1, dim2=2).sum(1)) / (count * (count - 1))
    return Similarity(grid, mean)


def common_limits(found: Iterable[Similarity]) -> tuple[float, float]:
    """One colour scale for all maps of all layers: up to 1, down to 0 or the smallest cosine."""
    return min(0.0, *(float(one.grid.min()) for one in found)), 1.0


@dataclass(frozen=True)
class Course:
    """One pair of tokens against the average pair, from the embeddings to the last layer.

    Attributes:
        start, end: their cosine.
        mean_start, mean_end: the average pair's.
    """

    start: float
    end: float
    mean_start: float
    mean_end: float

    @property
    def numbers(self) -> dict[str, float]:
        """All numbers by name, with `lead_start` and `lead_end`: the pair's cosine minus the average pair's."""
        return {**vars(self), "lead_start": self.start - self.mean_start, "lead_end": self.end - self.mean_end}

    @property
    def grows(self) -> bool:
        """True if the lead over the average pair grows."""
        return self.numbers["lead_end"] > self.numbers["lead_start"]


def course(found: Similarity, known: Sequence[int], pair: tuple[int, int]) -> Course:
    """The course of two tokens; the grid's rows and columns are the tokens `known`."""
    values = found.between(known, pair)
    return Course(float(values[0]), float(values[-1]), float(found.mean[0]), float(found.mean[-1]))


@dataclass(frozen=True)
class Cosine:
    """The formula's parts for one pair of vectors: cosine = dot / (first · second)."""

    dot: float
    first: float
    second: float
    cosine: float


def cosine_parts(trace: Trace, layer: int, first: int, second: int) -> Cosine:
    """Terms of the cosine of two tokens' states."""
    a, b = trace.hidden[layer, first], trace.hidden[layer, second]
    dot, norms = float(a @ b), (float(a.norm()), float(b.norm()))
    return Cosine(dot, *norms, dot / (norms[0] * norms[1]))


# Changes of a token's state


MEASURES = ("norm", "change", "cosine", "attention")
"""The measures of `motion`; all but the norm compare a layer's output with its input, so they begin at layer 1."""


def motion(trace: Trace, measure: str) -> Tensor:
    """One number a layer and token.

    Args:
        measure: "norm" ‖h_l‖, `[layer + 1, position]`; or, `[layer, position]`, "change" ‖h_l - h_{l-1}‖ / ‖h_{l-1}‖,
            "cosine" of h_l and h_{l-1}, "attention" ‖attention output‖ / ‖h_{l-1}‖ (NaN where it was not recorded).
    """
    states = trace.hidden
    before, after = states[:-1], states[1:]
    if measure == "norm":
        return states.norm(dim=-1)
    if measure == "cosine":
        return torch.cosine_similarity(before, after, dim=-1)
    if measure == "change":
        return (after - before).norm(dim=-1) / before.norm(dim=-1)
    lengths = [
        states.new_full((states.shape[1],), torch.nan)
        if layer.attention_output is None
        else layer.attention_output.norm(dim=-1)
        for layer in trace.layers
    ]
    return torch.stack(lengths) / before.norm(dim=-1)


@dataclass(frozen=True)
class Extreme:
    """The largest value of a measure: `layer` as a row, `position`, and its `value`."""

    layer: int
    position: int
    value: float


def largest(values: Tensor) -> Extreme:
    """The largest of `[layer, position]`."""
    layer, position = divmod(int(values.nan_to_num(-torch.inf).argmax()), values.shape[1])
    return Extreme(layer, position, float(values[layer, position]))


# Paths


@dataclass(frozen=True)
class Plane:
    """States projected onto the two directions of largest variance.

    Attributes:
        teacher, student: `[layer + 1, position, 2]`.
        teacher_kept, student_kept: the share of the variance of each model's fitted states within its plane.
        together: True if both share one plane.
    """

    teacher: Tensor
    student: Tensor
    teacher_kept: float
    student_kept: float
    together: bool
    rest: int
    """Directions that the projection leaves out."""


def plane(pair: Pair, together: bool = True, unit: bool = False, fitted: Sequence[int] = ()) -> Plane:
    """A principal component analysis of states of all layers; every state of the text is drawn in it.

    Args:
        together: one plane for both models; models of different widths always get one each.
        unit: every state is first brought to length 1, so that only directions count.
        fitted: the tokens whose states determine the plane; all if there are none.
    """
    states = [trace.hidden for trace in (pair.teacher, pair.student)]
    if unit:
        states = [torch.nn.functional.normalize(state, dim=-1) for state in states]
    rows = [state[:, list(fitted) or slice(None)].flatten(0, 1) for state in states]  # [(layer + 1) * token, width]
    together = together and rows[0].shape[1] == rows[1].shape[1]
    fits = [_fit(torch.cat(rows))] * 2 if together else [_fit(row) for row in rows]
    drawn = [(state - mean) @ axes for state, (mean, axes) in zip(states, fits, strict=True)]
    kept = [float((row @ axes).var(0).sum() / row.var(0).sum()) for row, (_, axes) in zip(rows, fits, strict=True)]
    return Plane(*drawn, *kept, together, rows[0].shape[1] - 2)


def _fit(rows: Tensor) -> tuple[Tensor, Tensor]:
    """The mean and the two main directions, `[width]` and `[width, 2]`; signs are fixed so that redrawing never flips."""
    mean = rows.mean(0)
    centred = rows - mean
    axes = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -2:].flip(1)
    largest = axes.abs().argmax(0)
    return mean, axes * axes[largest, range(2)].sign()
