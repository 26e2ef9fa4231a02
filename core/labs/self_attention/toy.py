"""Attention small enough to follow by hand: three tokens of width four, with matrices that a learner edits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.errors import LabError
from core.theory.attention import causal_mask, scaled_dot_product_attention

Rows = list[list[float]]

LARGEST = 100.0
"""The largest number that a cell may hold: beyond it every softmax is 0 or 1."""

START: dict[str, Rows] = {
    "x": [[1, 0, 1, 0], [0, 2, 0, 1], [1, 1, 0, 1]],
    "w_q": [[1, 0, 0, 1], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 1, 1]],
    "w_k": [[0, 1, 0, 1], [1, 0, 1, 0], [0, 0, 1, 0], [1, 1, 0, 0]],
    "w_v": [[2, 0, 0, 0], [0, 1, 0, 1], [0, 0, 3, 0], [0, 1, 0, 0]],
}
"""The matrices before anyone edits them: X is `[token, width]`, the others `[width, d_k]`."""

NAMES = {"x": "X", "w_q": "W_Q", "w_k": "W_K", "w_v": "W_V"}
"""Names of the matrices in a sentence."""


def written(rows: Sequence[Sequence[float]]) -> str:
    """A matrix as an address carries it: rows joined by "_", cells by "~"."""
    return "_".join("~".join(f"{cell:g}" for cell in row) for row in rows)


def read(text: str, start: Rows) -> Rows:
    """The matrix that `written` wrote, or `start` where the text is not one of its shape with numbers in the limits."""
    try:
        rows = [[float(cell) for cell in line.split("~")] for line in text.split("_")]
    except ValueError:
        return start
    same_shape = [len(row) for row in rows] == [len(row) for row in start]
    return rows if same_shape and all(abs(cell) <= LARGEST for row in rows for cell in row) else start


def checked(name: str, rows: Sequence[Sequence[float | None]]) -> Tensor:
    """The rows as a matrix `[row, column]`.

    Raises:
        LabError: `empty_cell` or `large_cell`, for the first cell that holds no number or one beyond `LARGEST`.
    """
    for i, row in enumerate(rows, 1):
        for j, cell in enumerate(row, 1):
            if cell is None or math.isnan(cell):
                raise LabError("empty_cell", matrix=name, row=i, column=j)
            if abs(cell) > LARGEST:
                raise LabError("large_cell", matrix=name, row=i, column=j, largest=f"{LARGEST:g}")
    return torch.tensor(rows, dtype=torch.float32)


@dataclass(frozen=True)
class Toy:
    """Every step of the small attention.

    Attributes:
        x: `[token, width]`, with the first and the last row exchanged if requested.
        query, key, value: x·W, `[token, d_k]`.
        scores: QKᵀ/√d_k, −inf where a causal mask forbids it, `[query, key]`.
        weights: softmax of each row, `[query, key]`.
        output: weights · V, `[query, d_k]`.
        moved: the largest difference between the outputs and those of the original order, put in the new order: 0 where
            attention is equivariant to the order.
    """

    x: Tensor
    query: Tensor
    key: Tensor
    value: Tensor
    scores: Tensor
    weights: Tensor
    output: Tensor
    moved: float

    @property
    def equivariant(self) -> bool:
        """True if the other order gave the same rows, up to rounding."""
        return self.moved <= 1e-5 * max(1.0, float(self.output.abs().max()))


def attention(x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, causal: bool = False, swapped: bool = False) -> Toy:
    """Run the toy. `swapped` exchanges the first and the last token."""
    order = torch.arange(len(x))
    if swapped:
        order[[0, -1]] = order[[-1, 0]]
    mask = causal_mask(len(x)) if causal else None
    moved = x[order]
    query, key, value = moved @ w_q, moved @ w_k, moved @ w_v
    scores, weights, output = scaled_dot_product_attention(query, key, value, mask)
    original = scaled_dot_product_attention(x @ w_q, x @ w_k, x @ w_v, mask).context
    return Toy(
        x=moved,
        query=query,
        key=key,
        value=value,
        scores=scores if mask is None else scores + mask,
        weights=weights,
        output=output,
        moved=float((output - original[order]).abs().max()),
    )
