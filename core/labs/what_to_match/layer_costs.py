"""Cost of pairing a student's layer with a teacher's: the losses of every pair of layers.

For example:

    bench = bench_of(engine, setting, "minilm-teacher")          # fixed definitions, and what the teacher makes of them
    found = bench.costs(student)                                 # on the fixed definitions
    on_text = found.on(teacher_features, student_features)       # the same pairs on the learner's sentence

Whole maps: `core.labs.what_to_match.layer_maps`.

A hidden loss between two widths needs a matrix, which a distillation trains with the student. Here it is the best one (least
squares), fitted on separate texts, so that a sentence with fewer tokens than dimensions cannot be matched for free.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from core.data.kinds import definitions
from core.distill.forward import FeatureRequest, Features, forward, observed, shape_of
from core.distill.inputs.encoding import encode
from core.distill.inputs.texts import Batch
from core.distill.objectives import features as compare
from core.engine import Engine, Setting
from core.errors import LabError
from core.labs.what_to_match.relations import pairs_of
from core.measure.similarity import arrangements, cka_grid, cka_of
from core.memory import RecentlyUsed

FITTED, MEASURED = 128, 48
"""Definitions that the matrices are fitted on, and those that everything is measured on; all from "validation"."""

SHORT = 16
"""The most words of such a definition: padding costs time."""

FIRST = 1000
"""Index of the first one there: after those that runs are measured on."""

Criterion = Literal["cka", "hidden", "unexplained", "scores", "attention", "values"]

CRITERIA: tuple[Criterion, ...] = ("cka", "hidden", "unexplained", "scores", "attention", "values")
"""1 − CKA; the hidden MSE; the same as a share of the variance of the teacher's states; the MSE of raw attention scores; the
KL of attention; the KL of value relations."""


@dataclass(frozen=True)
class LayerCosts:
    """The loss of each pair of layers; smaller is nearer.

    Attributes:
        of: by criterion, `[student layer, teacher layer]`; those that compare head with head are missing where the numbers of
            heads differ.
        matrices: the best W for each pair, student's width to teacher's, `[student layer, teacher layer, width, width']`.
        tokens: number of tokens measured on.
    """

    of: Mapping[Criterion, Tensor]
    matrices: Tensor
    tokens: int

    @property
    def criteria(self) -> list[Criterion]:
        """The criteria that apply to these two models."""
        return [criterion for criterion in CRITERIA if criterion in self.of]

    @property
    def shape(self) -> tuple[int, int]:
        """(student's layers, teacher's layers)."""
        return tuple(self.of["hidden"].shape)

    def on(self, teacher: Features, student: Features) -> LayerCosts:
        """The same losses on another text, with the matrices that were fitted before."""
        return _measured(teacher, student, self.matrices)


@dataclass(frozen=True)
class LayerCostBench:
    """Fixed texts with a teacher's features of them.

    Attributes:
        fitted, measured: the batches.
        teacher_fitted, teacher_measured: hidden states, scores and values of all layers, on the CPU.
        teacher_arranged: the teacher's, from `core.measure.similarity.arrangements`, on the measured tokens.
    """

    fitted: Batch
    measured: Batch
    teacher_fitted: Features
    teacher_measured: Features
    teacher_arranged: Tensor

    def costs(self, student: nn.Module) -> LayerCosts:
        """Losses of every layer of a student against every layer of the teacher."""
        known = looked_at(student, self.fitted, ("hidden",))
        matrices = best_matrices(known, self.teacher_fitted)
        return _measured(self.teacher_measured, looked_at(student, self.measured), matrices)

    def nearness(self, student: nn.Module, map_: Sequence[int]) -> Nearness:
        """The cheap measures of `costs`, for one map: fast enough for many students."""
        seen, teacher = looked_at(student, self.measured), self.teacher_measured
        grid = cka_of(self.teacher_arranged, arrangements(_states(seen))).T
        pairs = pairs_of(map_)
        attention, values = [math.nan] * len(pairs), math.nan
        if seen.scores[0].shape[1] == teacher.scores[0].shape[1]:
            kl = [compare.attention_kl(seen.scores[a], teacher.scores[b], seen.real) for a, b in pairs]
            attention = [float(one) for one in kl]
            layer, other = pairs[-1]
            values = float(compare.value_relation_kl(seen.values[layer], teacher.values[other], seen.real))
        return Nearness(grid.float(), attention, values)


@dataclass(frozen=True)
class Nearness:
    """Distances of a student to its teacher on the fixed texts.

    Attributes:
        cka: `[student layer, teacher layer]`.
        attention: KL(teacher ‖ student) of each pair of a map, `[pair]`; NaN where the numbers of heads differ.
        values: KL of the value relations of the map's last pair; NaN likewise.
    """

    cka: Tensor
    attention: list[float]
    values: float


_BENCHES = RecentlyUsed(4)


def bench_of(engine: Engine, setting: Setting, teacher: str) -> LayerCostBench:
    """The fixed texts with a teacher's features; computed once per teacher.

    Raises:
        LabError: `missing_data`, and as `core.models.load`.
    """

    def compute() -> LayerCostBench:
        checkpoint = engine.checkpoint(setting, teacher)
        short = [row.text for row in definitions("validation")[FIRST:] if len(row.text.split()) <= SHORT]
        texts = encode(checkpoint.tokenizer, short[: FITTED + MEASURED])
        fitted, measured = (texts.batch(part) for part in torch.arange(len(texts)).split((FITTED, MEASURED)))
        seen = looked_at(checkpoint.model, measured)
        return LayerCostBench(
            fitted, measured, looked_at(checkpoint.model, fitted, ("hidden",)), seen, arrangements(_states(seen))
        )

    return _BENCHES.get((setting.device, setting.precision, teacher), compute)


@torch.no_grad()
def looked_at(model: nn.Module, batch: Batch, parts: Sequence[str] = ("hidden", "scores", "values")) -> Features:
    """Features of all layers of a model on a batch, on the CPU in float32.

    Args:
        parts: of `core.distill.forward.Features`.
    """
    layers = frozenset(range(shape_of(model).layers))
    needs = FeatureRequest(**dict.fromkeys(parts, layers))
    seen = forward(observed(model), batch.to(next(model.parameters()).device), "single_label", needs)
    found = {part: {layer: one.float().cpu() for layer, one in getattr(seen, part).items()} for part in parts}
    return Features(batch.real, **found)


def best_matrices(student: Features, teacher: Features) -> Tensor:
    """The W of least ‖student·W − teacher‖² for each pair of layers, `[student layer, teacher layer, d, d']`.

    TinyBERT's W_h has no bias either (Jiao et al. 2020, equation 8); it shares one matrix among all layers, so its hidden loss
    can only be larger than with these.
    """
    aims = torch.cat([teacher.hidden[layer][teacher.real] for layer in sorted(teacher.hidden)], dim=1)
    width = aims.shape[1] // len(teacher.hidden)
    found = []
    for layer in sorted(student.hidden):
        states = student.hidden[layer][student.real]
        # Directions in which the states hardly vary are left out: they would fit the noise of these texts.
        inverse = torch.linalg.pinv((states.T @ states).double(), rtol=1e-5, hermitian=True)
        solution = (inverse @ (states.T @ aims).double()).float()
        found.append(solution.unflatten(1, (len(teacher.hidden), width)).transpose(0, 1))
    return torch.stack(found)


@torch.no_grad()
def _measured(teacher: Features, student: Features, matrices: Tensor) -> LayerCosts:
    ours, theirs, real = sorted(student.hidden), sorted(teacher.hidden), student.real

    def grid(loss) -> Tensor:
        return torch.tensor([[float(loss(layer, other)) for other in theirs] for layer in ours])

    of: dict[Criterion, Tensor] = {"cka": (1 - cka_grid(_states(teacher), _states(student)).T).float()}
    of["hidden"] = grid(lambda a, b: compare.hidden_mse(student.hidden[a] @ matrices[a, b], teacher.hidden[b], real))
    # A layer whose states are small has small errors, whatever the map; as a share of its variance they can be compared.
    spread = torch.tensor([float(states.var(dim=0, correction=0).mean()) for states in _states(teacher)])
    of["unexplained"] = of["hidden"] / spread
    if student.scores[0].shape[1] == teacher.scores[0].shape[1]:
        of["scores"] = grid(lambda a, b: compare.attention_scores_mse(student.scores[a], teacher.scores[b], real))
        of["attention"] = grid(lambda a, b: compare.attention_kl(student.scores[a], teacher.scores[b], real))
        of["values"] = grid(lambda a, b: compare.value_relation_kl(student.values[a], teacher.values[b], real))
    return LayerCosts(of, matrices, int(real.sum()))


def _states(seen: Features) -> list[Tensor]:
    """The hidden states of the real tokens, one `[token, width]` per layer."""
    return [seen.hidden[layer][seen.real] for layer in sorted(seen.hidden)]


_COSTS = RecentlyUsed(12)


def costs_of(engine: Engine, setting: Setting, teacher: str, student: str) -> LayerCosts:
    """`LayerCostBench.costs` of two models of the catalogue, cached.

    Raises:
        LabError: `missing_data`, and as `core.models.load`.
    """

    def compute() -> LayerCosts:
        bench = bench_of(engine, setting, teacher)
        checkpoint = engine.checkpoint(setting, student)
        if checkpoint.model.config.vocab_size != engine.checkpoint(setting, teacher).model.config.vocab_size:
            raise LabError("different_vocabulary", teacher=teacher, student=student)
        return bench.costs(checkpoint.model)

    return _COSTS.get((setting.device, setting.precision, teacher, student), compute)
