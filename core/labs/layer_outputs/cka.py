"""CKA of every pair of layers of two models on the learner's text, with that of shuffled tokens as the control."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.labs.layer_outputs.hidden_states import Pair
from core.measure.similarity import best_layer_map, cka_grid

SHUFFLES = 20
"""Random orders of the student's tokens that a control is averaged over."""


@dataclass(frozen=True)
class LayerGrid:
    """CKA of every teacher state with every student state, the embeddings first.

    Attributes:
        measured: `[teacher layer + 1, student layer + 1]`.
        control: the mean CKA when the student's tokens are in random order, so that nothing is left to find; same shape.
        best: the teacher state most like each student state, `[student layer + 1]`.
        lead: its lead over the second best, `[student layer + 1]`.
    """

    measured: Tensor
    control: Tensor
    best: list[int]
    lead: list[float]

    def view(self, name: str) -> Tensor:
        """The grid "measured", "control", or "above", the difference of the two."""
        return {"measured": self.measured, "control": self.control, "above": self.measured - self.control}[name]


def layer_grid(pair: Pair, positions: Tensor) -> LayerGrid:
    """Compare all layers by centred kernel alignment (Kornblith et al. 2019, section 3) on the tokens at `positions`."""
    teacher, student = (trace.hidden[:, positions] for trace in (pair.teacher, pair.student))
    measured = cka_grid(teacher, student)
    top = measured.topk(2, dim=0).values
    return LayerGrid(measured, _shuffled_cka(teacher, student), best_layer_map(measured), (top[0] - top[1]).tolist())


def gram(states: Tensor) -> Tensor:
    """Similarity of the tokens' states about their mean: centred XXᵀ, scaled to length 1, `[position, position]`.

    CKA of two layers is the sum over all cells of the product of their two matrices.
    """
    centred = states.double() - states.double().mean(-2, keepdim=True)
    product = centred @ centred.transpose(-2, -1)
    return product / product.flatten(-2).norm(dim=-1)[..., None, None].clamp_min(1e-300)


@dataclass(frozen=True)
class Parts:
    """The formula of CKA with its numbers: cka = inner / (teacher · student), Frobenius norms of centred XXᵀ."""

    inner: float
    teacher: float
    student: float
    cka: float


def cka_parts(teacher: Tensor, student: Tensor) -> Parts:
    """Terms of the CKA of two layers' states, `[position, width]` each."""
    products = []
    for states in (teacher.double(), student.double()):
        centred = states - states.mean(0)
        products.append(centred @ centred.T)
    inner, norms = float((products[0] * products[1]).sum()), [float(product.norm()) for product in products]
    return Parts(inner, *norms, inner / (norms[0] * norms[1]) if all(norms) else 0.0)


def _shuffled_cka(teacher: Tensor, student: Tensor) -> Tensor:
    """The mean CKA over `SHUFFLES` random orders of the student's tokens, `[teacher layer, student layer]`."""
    ours, theirs = gram(teacher).flatten(1), gram(student)
    generator = torch.Generator().manual_seed(0)  # the same text shows the same control
    orders = [torch.randperm(theirs.shape[1], generator=generator) for _ in range(SHUFFLES)]
    return torch.stack([ours @ theirs[:, order][:, :, order].flatten(1).T for order in orders]).mean(0).clamp(0, 1)


@dataclass(frozen=True)
class Growth:
    """CKA of one pair of layers on the first tokens of the text: `counts`, `measured` and `control`, each `[step]`."""

    counts: list[int]
    measured: list[float]
    control: list[float]


def growth(pair: Pair, positions: Tensor, teacher_layer: int, student_layer: int) -> Growth:
    """CKA of one pair of layers, and its control, on more and more tokens of the text."""
    total = len(positions)
    counts = sorted({max(2, round(total * step / 8)) for step in range(1, 9)})
    values = []
    for count in counts:
        first = positions[:count]
        states = pair.teacher.hidden[teacher_layer, first][None], pair.student.hidden[student_layer, first][None]
        values.append((float(cka_grid(*states)), float(_shuffled_cka(*states))))
    return Growth(counts, [measured for measured, _ in values], [control for _, control in values])


def guess_answer(best: Sequence[int], depths: Sequence[int], last: int, state: int) -> int | None:
    """The right choice of the question "which teacher layer is most like this student layer?".

    Args:
        best: the teacher's state most like each of the student's, `[student layer + 1]`.
        depths: the teacher's state that each was made from, see `Pair.depths`.
        last: the teacher's last state.
        state: the student's state in the question, not the embeddings.

    Returns:
        0 the layer of the same number, 1 the one it was made from, 2 the last, 3 another; None where the first three are
        not three different layers, so that the question would have two right answers.
    """
    offered = [state, depths[state], last]
    if len(set(offered)) < 3:
        return None
    right = best[state]
    return offered.index(right) if right in offered else 3
