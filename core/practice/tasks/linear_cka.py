"""Linear CKA, against `core.measure.similarity` (Kornblith et al. 2019, section 3)."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from core.measure import similarity
from core.practice.task import Case, Strided, Task


def reference(x, y):
    return similarity.linear_cka(x, y)


def _cka(x, y, power=2):
    cross, own_x, own_y = ((a.T @ b).norm() for a, b in ((y, x), (x, x), (y, y)))
    return float(cross**power / (own_x * own_y) ** (power / 2))


def not_centred(x, y):
    return _cka(x.double(), y.double())


def centred_by_row(x, y):
    return _cka(*(z.double() - z.double().mean(1, keepdim=True) for z in (x, y)))


def not_squared(x, y):
    return _cka(*(z.double() - z.double().mean(0) for z in (x, y)), power=1)


def not_normalised(x, y):
    x, y = (z.double() - z.double().mean(0) for z in (x, y))
    return float((y.T @ x).norm() ** 2)


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(examples: int, narrow: int, wide: int) -> dict:
        x = torch.randn(examples, narrow, generator=generator) + 1
        y = x @ torch.randn(narrow, wide, generator=generator) + torch.randn(examples, wide, generator=generator)
        return {"x": x, "y": y}

    yield Case("plain", given(8, 3, 3))
    yield Case("other_width", given(12, 2, 5))
    turned = given(10, 3, 3)
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=generator)).Q
    yield Case("turned", {"x": turned["x"], "y": 5 * turned["x"] @ rotation + 2})
    yield Case("strided", {name: Strided(z) for name, z in given(8, 3, 4).items()})
    yield Case("constant", {"x": given(6, 2, 2)["x"], "y": torch.ones(6, 3)})


TASK = Task(
    "linear_cka",
    reference,
    cases,
    {
        "not_centred": not_centred,
        "centred_by_row": centred_by_row,
        "not_squared": not_squared,
        "not_normalised": not_normalised,
    },
)
