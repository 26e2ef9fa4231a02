"""Similarity: do two layers, of one model or of two, arrange the same tokens alike?

Kornblith et al. 2019 (Similarity of Neural Network Representations Revisited), section 3: centred kernel
alignment (CKA).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor


def linear_cka(x: Tensor, y: Tensor) -> float:
    """CKA of two representations of the same examples, `[example, feature]` each, from 0 to 1.

    ‖YᵀX‖² / (‖XᵀX‖ ‖YᵀY‖) with centred features (Frobenius norms). The widths may differ; rotating or scaling either
    side changes nothing. It is computed from the examples' similarities XXᵀ, which gives the same number and is cheap
    for a few thousand examples or fewer.

    Take many more examples than features: with few, CKA is high even for unrelated representations (two random ones
    of 12 examples and 768 features reach 0.98).

    A representation that is the same for all examples has no arrangement to compare: its CKA with anything is 0.

    Raises:
        ValueError: the numbers of examples differ or are below 2, or a feature is NaN or infinite.
    """
    return float(cka_grid([x], [y]))


def cka_grid(teacher_states: Sequence[Tensor], student_states: Sequence[Tensor]) -> Tensor:
    """`linear_cka` of every teacher layer with every student layer, `[teacher layer, student layer]`.

    Args:
        teacher_states: one `[example, feature]` a layer, or one tensor `[layer, example, feature]`; leave out padding.
        student_states: the same examples in the student.

    Raises:
        ValueError: there is no layer on one side, or as in `linear_cka`.
    """
    if not len(teacher_states) or not len(student_states):
        raise ValueError("CKA needs at least one layer of the teacher and one of the student.")
    counts = {state.shape[0] for state in (*teacher_states, *student_states)}
    if len(counts) > 1:
        raise ValueError(f"All layers must describe the same examples, but their numbers differ: {sorted(counts)}.")
    return cka_of(arrangements(teacher_states), arrangements(student_states))


def arrangements(states: Sequence[Tensor]) -> Tensor:
    """Centred similarity structure of each layer's examples, `[layer, example * example]` on the CPU, for `cka_of`:
    kept for many comparisons.

    Args:
        states: one `[example, feature]` a layer.
    """
    return torch.stack([_arrangement(state) for state in states])


def cka_of(teacher: Tensor, student: Tensor) -> Tensor:
    """`cka_grid` of what `arrangements` gave for the same examples, `[teacher layer, student layer]`."""
    return (teacher @ student.T).clamp(0, 1)  # rounding can go past either end by 1e-16


def _arrangement(state: Tensor) -> Tensor:
    """The centred similarities of all pairs of examples as one vector of length 1, `[example * example]`, or zeros."""
    if state.ndim != 2 or state.shape[0] < 2:
        raise ValueError(f"CKA needs [example, feature] with at least 2 examples, not {tuple(state.shape)}.")
    if not state.isfinite().all():
        raise ValueError("CKA needs finite features, but there are NaN or infinite ones.")
    state = state.detach().cpu().double()  # Apple's MPS has no float64
    centred = state - state.mean(dim=0)
    if centred.norm() <= 1e-12 * state.norm():  # constant: what is left is rounding
        return centred.new_zeros(len(state) ** 2)
    centred = centred / centred.norm()
    return F.normalize((centred @ centred.T).flatten(), dim=0)


def cosine_grid(hidden: Tensor) -> Tensor:
    """The cosine of every position with every other, `[..., position, width]` -> `[..., position, position]`.

    A vector of zeros has cosine 0 with everything, itself included.
    """
    unit = F.normalize(hidden, dim=-1)
    return unit @ unit.transpose(-2, -1)


def best_layer_map(grid: Tensor) -> list[int]:
    """The teacher layer most like each student layer (the first if tied), from `[teacher layer, student layer]`."""
    return grid.argmax(dim=0).tolist()
