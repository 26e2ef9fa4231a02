"""From numbers to coloured cells: where a colour scale ends, and how a picture of a head is made small."""

from __future__ import annotations

import numpy as np

THUMBNAIL_SIDE = 64
"""The most cells along one side of a thumbnail; a longer text is shrunk by taking the largest value of each block."""


def limits_of(values: np.ndarray, signed: bool) -> tuple[float, float]:
    """The ends of the colour scale, from the finite values."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return (-1.0, 1.0) if signed else (0.0, 1.0)
    low, high = float(finite.min()), float(finite.max())
    if signed:
        reach = max(abs(low), abs(high)) or 1.0
        return -reach, reach
    low = min(low, 0.0)
    return low, high if high > low else low + 1.0


def shrunk(weights: np.ndarray) -> np.ndarray:
    """At most `THUMBNAIL_SIDE` cells per side, `[layer, head, query, key]`; the largest weight of a block survives."""
    for axis in (2, 3):
        size = weights.shape[axis]
        if size > THUMBNAIL_SIDE:
            starts = np.linspace(0, size, THUMBNAIL_SIDE, endpoint=False).astype(int)
            weights = np.maximum.reduceat(weights, starts, axis=axis)
    return weights


def quantised(weights: np.ndarray, shared_scale: bool) -> np.ndarray:
    """Weights as bytes, 255 for the largest weight of the head, or of all heads."""
    finite = np.clip(np.nan_to_num(weights, nan=0.0, posinf=0.0, neginf=0.0), 0.0, None)
    largest = finite.max(axis=None if shared_scale else (2, 3), keepdims=True)
    return np.round(255 * finite / np.where(largest > 0, largest, 1)).astype(np.uint8)
