"""Layer normalisation, against PyTorch's own (Ba, Kiros, Hinton 2016, section 3)."""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F

from core.practice.task import Case, Strided, Task, normal


def reference(x, weight, bias, eps=1e-5):
    inside = torch.promote_types(x.dtype, torch.float32)
    return F.layer_norm(x.to(inside), weight.shape, weight.to(inside), bias.to(inside), eps).to(x.dtype)


def _normalised(x, weight, bias, variance, eps, dim=-1):
    return (x - x.mean(dim, keepdim=True)) / (variance + eps).sqrt() * weight + bias


def sample_variance(x, weight, bias, eps=1e-5):
    return _normalised(x, weight, bias, x.var(-1, keepdim=True), eps)


def eps_outside_the_root(x, weight, bias, eps=1e-5):
    spread = x.var(-1, keepdim=True, correction=0).sqrt()
    return (x - x.mean(-1, keepdim=True)) / (spread + eps) * weight + bias


def over_the_batch(x, weight, bias, eps=1e-5):
    return _normalised(x, weight, bias, x.var(0, keepdim=True, correction=0), eps, dim=0)


def over_all_positions(x, weight, bias, eps=1e-5):
    axes = tuple(range(1, x.ndim))
    return _normalised(x, weight, bias, x.var(axes, keepdim=True, correction=0), eps, axes)


def not_centred(x, weight, bias, eps=1e-5):
    return x / (x.square().mean(-1, keepdim=True) + eps).sqrt() * weight + bias


def no_root(x, weight, bias, eps=1e-5):
    return (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + eps) * weight + bias


def no_weight(x, weight, bias, eps=1e-5):
    return reference(x, torch.ones_like(weight), torch.zeros_like(bias), eps)


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(*shape: int, scale: float = 1.0) -> dict:
        width = shape[-1]
        x = (torch.randn(shape, generator=generator) * scale + 0.7 * scale).requires_grad_()
        return {"x": x, "weight": normal(generator, width), "bias": normal(generator, width)}

    yield Case("plain", given(3, 6))
    yield Case("plain", given(2, 4, 5))
    yield Case("small_variance", given(2, 4, scale=3e-3))
    yield Case("batch_of_one", given(1, 1, 4))
    strided = given(2, 3, 4)
    yield Case("strided", strided | {"x": Strided(strided["x"])})
    large = given(2, 8, scale=200.0)
    yield Case("half", {name: tensor.detach().half() for name, tensor in large.items()})


TASK = Task(
    "layer_norm",
    reference,
    cases,
    {
        "sample_variance": sample_variance,
        "eps_outside_the_root": eps_outside_the_root,
        "over_the_batch": over_the_batch,
        "over_all_positions": over_all_positions,
        "not_centred": not_centred,
        "no_root": no_root,
        "no_weight": no_weight,
    },
)
