"""An exercise as the grader sees it: a reference, how inputs are drawn, and what people usually get wrong.

These modules stay on the server's side. What crosses into the sandbox is the learner's code and the inputs of the cases.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Model:
    """A small network that a case hands to the learner's function, see `inside.harness.build_model`."""

    kind: str
    sizes: tuple[int, ...]
    state: Mapping[str, Tensor]
    dropout: float = 0.0
    training: bool = True


@dataclass(frozen=True)
class Optimizer:
    """SGD over the model that is the argument `of`."""

    of: str
    rate: float = 0.1


@dataclass(frozen=True)
class Strided:
    """A tensor to be handed over with its last two axes in the other order in memory: it is not contiguous."""

    tensor: Tensor


@dataclass(frozen=True)
class Case:
    """One call of the learner's function.

    Attributes:
        name: what it checks, as in the page's labels: "plain", "batch_of_one", "strided", "half"...
        arguments: by name; tensors that require a gradient get one.
        construct: for a class, the arguments of its constructor.
        state: for a class, its parameters.
        training: for a class, whether it is in training mode.
    """

    name: str
    arguments: Mapping[str, Any]
    construct: Mapping[str, Any] | None = None
    state: Mapping[str, Tensor] = field(default_factory=dict)
    training: bool = False

    def sent(self) -> dict[str, Any]:
        """The case as `inside.harness.execute` reads it."""
        case: dict[str, Any] = {"arguments": {name: _sent(value) for name, value in self.arguments.items()}}
        if self.construct is not None:
            arguments = {name: _sent(value) for name, value in self.construct.items()}
            case["construct"] = {
                "arguments": arguments,
                "state": {key: _sent(part) for key, part in self.state.items()},
            }
            case["training"] = self.training
        return case

    def inputs(self) -> list[tuple[str, str]]:
        """Inputs of the case, in a word each: `query`, `float32 [2, 3, 4]`."""
        given = {**(self.construct or {}), **self.arguments}
        return [(name, described(value)) for name, value in given.items()]


@dataclass(frozen=True)
class Task:
    """Everything needed to grade one exercise.

    Attributes:
        target: the name of the function or class that the learner writes.
        reference: the right solution; called as the learner's is.
        cases: draws fresh inputs.
        misconceptions: well-known wrong ways, by name; called as the learner's is.
    """

    target: str
    reference: Callable[..., Any]
    cases: Callable[[torch.Generator], Iterable[Case]]
    misconceptions: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


def task(slug: str) -> Task:
    """The task of one exercise.

    Raises:
        ModuleNotFoundError: there is none of that name.
    """
    return importlib.import_module(f"core.practice.tasks.{slug}").TASK


def described(value: Any) -> str:
    """A value in a word: type and shape of a tensor, a number as it is."""
    if isinstance(value, Strided):
        return described(value.tensor)
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
    if isinstance(value, Model):
        return f"{value.kind} {list(value.sizes)}"
    if isinstance(value, Optimizer):
        return f"SGD, lr={value.rate:g}"
    if isinstance(value, list) and value and isinstance(value[0], Tensor):
        return f"{len(value)} × {described(value[0])}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"


def _sent(value: Any) -> Any:
    if isinstance(value, Strided):
        return _sent(value.tensor) | {"layout": "strided"}
    if isinstance(value, Tensor):
        kind = str(value.dtype).removeprefix("torch.")
        held = value.detach().float() if kind == "bfloat16" else value.detach()
        # A copy: a reference that changed its input in place would change the case for all who come after.
        return {"$": "tensor", "array": np.array(held.numpy()), "dtype": kind, "gradient": value.requires_grad}
    if isinstance(value, Model):
        state = {name: _sent(part) for name, part in value.state.items()}
        return {
            "$": "model",
            "kind": value.kind,
            "sizes": list(value.sizes),
            "dropout": value.dropout,
            "training": value.training,
            "state": state,
        }
    if isinstance(value, Optimizer):
        return {"$": "optimizer", "of": value.of, "rate": value.rate}
    if isinstance(value, list | tuple):
        return [_sent(part) for part in value]
    if isinstance(value, Mapping):
        return {key: _sent(part) for key, part in value.items()}
    return value


def normal(generator: torch.Generator, *shape: int, gradient: bool = True, scale: float = 1.0) -> Tensor:
    """Normal numbers that ask for a gradient."""
    return (torch.randn(shape, generator=generator) * scale).requires_grad_(gradient)
