"""The terms that an objective adds up: each a frozen value that names what it compares, how, and with what weight.

    Soft(weight=5.0, temperature=2.0)
    Soft(weight=Schedule(1.0, 0.0), temperature=Schedule(8.0, 1.0))    # falls to 0 over the run, while T falls to 1
    AttentionScores(layers="uniform"), AttentionScores(layers=((0, 1), (1, 5)))

The formulas are in `core.distill.objectives.losses` and `core.distill.objectives.features`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from torch import Tensor

from core.distill.forward import FeatureRequest, Features, Shape
from core.distill.inputs.texts import Task
from core.distill.objectives import features as compare
from core.distill.objectives.layer_maps import Pairs, Rule, pairs
from core.distill.objectives.losses import (
    Direction,
    Reduction,
    bernoulli_hard_loss,
    bernoulli_soft_loss,
    hard_loss,
    matching_loss,
    soft_loss,
)
from core.distill.objectives.schedules import Number, at, values
from core.errors import LabError
from core.theory.masking import IGNORED


@dataclass(frozen=True)
class LossContext:
    """Inputs of a term other than the two models' features.

    Attributes:
        task: the kind of the labels.
        labels: in the order of the rows of the logits.
        progress: the share of the steps that is done, 0 to 1.
        student, teacher: the models' shapes.
        project: takes a projection's name and the student's states, and returns them in the teacher's width.
    """

    task: Task
    labels: Tensor
    progress: float
    student: Shape
    teacher: Shape
    project: Callable[[str, Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Term:
    """One loss of an objective.

    Attributes:
        weight: what the loss is multiplied by; it may change over the run.
    """

    weight: Number = 1.0
    kind: ClassVar[str]
    trains_head: ClassVar[bool] = False
    """True if it reads the student's logits; the others leave the head as it began."""

    def __post_init__(self) -> None:
        if not all(0 <= weight < math.inf for weight in values(self.weight)):
            raise LabError("bad_weight", weight=str(self.weight))

    def check(self, student: Shape, teacher: Shape) -> None:
        """Raise a `LabError` if the two models cannot be compared so."""

    def needs(self, student: Shape, teacher: Shape) -> tuple[FeatureRequest, FeatureRequest]:
        """Features that the term reads: of the student, and of the teacher."""
        raise NotImplementedError

    def projections(self, student: Shape, teacher: Shape) -> Iterator[str]:
        """The names of the projections that it wants if the widths differ."""
        yield from ()

    def loss(self, student: Features, teacher: Features, context: LossContext) -> Tensor:
        """The loss, not yet weighted, `[]`."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Soft(Term):
    """The soft loss on the logits, `soft_loss` of `core.distill.objectives.losses`.

    For several labels at once it is `bernoulli_soft_loss`.
    """

    temperature: Number = 2.0
    scaled: bool = True
    direction: Direction = "forward"
    beta: float = 0.5
    reduction: Reduction = "batchmean"
    kind = "soft"
    trains_head = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(0 < temperature < math.inf for temperature in values(self.temperature)):
            raise LabError("bad_temperature", temperature=str(self.temperature))

    def needs(self, student: Shape, teacher: Shape) -> tuple[FeatureRequest, FeatureRequest]:
        return FeatureRequest(logits=True), FeatureRequest(logits=True)

    def loss(self, student: Features, teacher: Features, context: LossContext) -> Tensor:
        function = bernoulli_soft_loss if context.task == "multi_label" else soft_loss
        temperature = at(self.temperature, context.progress)
        options = (self.scaled, self.direction, self.beta, self.reduction)
        return function(student.logits, teacher.logits, temperature, *options)


@dataclass(frozen=True, kw_only=True)
class Matching(Term):
    """Half the squared difference of zero-mean logits: what `Soft` tends to as T grows (Hinton et al. 2015, section 2.1)."""

    kind = "matching"
    trains_head = True

    def needs(self, student: Shape, teacher: Shape) -> tuple[FeatureRequest, FeatureRequest]:
        return FeatureRequest(logits=True), FeatureRequest(logits=True)

    def loss(self, student: Features, teacher: Features, context: LossContext) -> Tensor:
        return matching_loss(student.logits, teacher.logits)


@dataclass(frozen=True, kw_only=True)
class Hard(Term):
    """The cross-entropy with the labels; for several labels at once the binary one of each."""

    kind = "hard"
    trains_head = True

    def needs(self, student: Shape, teacher: Shape) -> tuple[FeatureRequest, FeatureRequest]:
        return FeatureRequest(logits=True), FeatureRequest()

    def loss(self, student: Features, teacher: Features, context: LossContext) -> Tensor:
        if context.task == "multi_label":
            return bernoulli_hard_loss(student.logits, context.labels)
        return hard_loss(student.logits, context.labels.masked_fill(context.labels < 0, IGNORED))


@dataclass(frozen=True, kw_only=True)
class ByLayer(Term):
    """A term that compares pairs of layers.

    Attributes:
        layers: the name of a rule, or pairs (student's layer, teacher's layer) counted from 0.
    """

    layers: Rule | Pairs = "uniform"
    part: ClassVar[str]

    def pairs(self, student: Shape, teacher: Shape) -> Pairs:
        """The pairs of layers, for two models of these shapes."""
        return pairs(self.layers, student.layers, teacher.layers)

    def check(self, student: Shape, teacher: Shape) -> None:
        self.pairs(student, teacher)

    def needs(self, student: Shape, teacher: Shape) -> tuple[FeatureRequest, FeatureRequest]:
        chosen = self.pairs(student, teacher)
        return tuple(FeatureRequest(**{self.part: frozenset(side)}) for side in zip(*chosen, strict=True)) or (
            FeatureRequest(),
            FeatureRequest(),
        )

    def loss(self, student: Features, teacher: Features, context: LossContext) -> Tensor:
        """The sum over the pairs of layers, as in TinyBERT's equation 11."""
        ours, theirs = getattr(student, self.part), getattr(teacher, self.part)
        chosen = self.pairs(context.student, context.teacher)
        return sum(
            (self.of_pair(ours[layer], theirs[other], student.real, context, layer) for layer, other in chosen),
            student.real.new_zeros((), dtype=next(iter(ours.values())).dtype) if ours else None,
        )

    def of_pair(self, student: Tensor, teacher: Tensor, real: Tensor, context: LossContext, layer: int) -> Tensor:
        """The loss of one pair of layers; `layer` is the student's."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Hidden(ByLayer):
    """MSE of hidden states.

    Attributes:
        shared: one projection for all layers (TinyBERT's W_h), not one for each.
    """

    shared: bool = True
    kind, part = "hidden", "hidden"

    def projections(self, student: Shape, teacher: Shape) -> Iterator[str]:
        yield from {self._projection(layer): None for layer, _ in self.pairs(student, teacher)}

    def of_pair(self, student: Tensor, teacher: Tensor, real: Tensor, context: LossContext, layer: int) -> Tensor:
        return compare.hidden_mse(context.project(self._projection(layer), student), teacher, real)

    def _projection(self, layer: int) -> str:
        return "hidden" if self.shared else f"hidden_{layer}"


@dataclass(frozen=True, kw_only=True)
class Embedding(Term):
    """MSE of what the embeddings hand to the first layer."""

    kind = "embedding"

    def needs(self, student: Shape, teacher: Shape) -> tuple[FeatureRequest, FeatureRequest]:
        return FeatureRequest(hidden=frozenset({-1})), FeatureRequest(hidden=frozenset({-1}))

    def projections(self, student: Shape, teacher: Shape) -> Iterator[str]:
        yield "embedding"

    def loss(self, student: Features, teacher: Features, context: LossContext) -> Tensor:
        return compare.hidden_mse(context.project("embedding", student.hidden[-1]), teacher.hidden[-1], student.real)


@dataclass(frozen=True, kw_only=True)
class _SameHeads(ByLayer):
    """A term that compares head with head."""

    part = "scores"

    def check(self, student: Shape, teacher: Shape) -> None:
        super().check(student, teacher)
        if student.heads != teacher.heads:
            raise LabError("different_heads", teacher=teacher.heads, student=student.heads, term=self.kind)


@dataclass(frozen=True, kw_only=True)
class AttentionScores(_SameHeads):
    """MSE of raw attention scores, head by head."""

    kind = "attention_scores"

    def of_pair(self, student: Tensor, teacher: Tensor, real: Tensor, context: LossContext, layer: int) -> Tensor:
        return compare.attention_scores_mse(student, teacher, real)


@dataclass(frozen=True, kw_only=True)
class AttentionKL(_SameHeads):
    """KL of attention probabilities, head by head."""

    layers: Rule | Pairs = "last_only"
    kind = "attention_kl"

    def of_pair(self, student: Tensor, teacher: Tensor, real: Tensor, context: LossContext, layer: int) -> Tensor:
        return compare.attention_kl(student, teacher, real)


@dataclass(frozen=True, kw_only=True)
class ValueRelation(ByLayer):
    """KL of value relations.

    Attributes:
        heads: number of relation heads (MiniLMv2); the attention heads, which then must be as many in both, if None.
    """

    layers: Rule | Pairs = "last_only"
    heads: int | None = None
    kind, part = "value_relation", "values"

    def check(self, student: Shape, teacher: Shape) -> None:
        super().check(student, teacher)
        if self.heads is None and student.heads != teacher.heads:
            raise LabError("different_heads", teacher=teacher.heads, student=student.heads, term=self.kind)
        for shape in (student, teacher):
            if self.heads is not None and (self.heads < 1 or shape.width % self.heads):
                raise LabError("heads_do_not_divide", width=shape.width, heads=self.heads)

    def of_pair(self, student: Tensor, teacher: Tensor, real: Tensor, context: LossContext, layer: int) -> Tensor:
        return compare.value_relation_kl(student, teacher, real, self.heads)


@dataclass(frozen=True, kw_only=True)
class Cosine(ByLayer):
    """1 − cos of hidden states, of the last layer unless others are given."""

    layers: Rule | Pairs = "last_only"
    kind, part = "cosine", "hidden"

    def projections(self, student: Shape, teacher: Shape) -> Iterator[str]:
        yield "cosine"

    def of_pair(self, student: Tensor, teacher: Tensor, real: Tensor, context: LossContext, layer: int) -> Tensor:
        return compare.last_cosine(context.project("cosine", student), teacher, real)


@dataclass(frozen=True, kw_only=True)
class Cls(ByLayer):
    """MSE of the first position's states, scaled to length 1; the mean over the pairs of layers, not their sum (PKD)."""

    layers: Rule | Pairs = "all_but_last"
    normalised: bool = True
    kind, part = "cls", "cls"

    def projections(self, student: Shape, teacher: Shape) -> Iterator[str]:
        yield "cls"

    def loss(self, student: Features, teacher: Features, context: LossContext) -> Tensor:
        return super().loss(student, teacher, context) / max(len(self.pairs(context.student, context.teacher)), 1)

    def of_pair(self, student: Tensor, teacher: Tensor, real: Tensor, context: LossContext, layer: int) -> Tensor:
        return compare.cls_mse(context.project("cls", student), teacher, self.normalised)


KINDS: dict[str, type[Term]] = {
    term.kind: term
    for term in (Soft, Matching, Hard, Hidden, Embedding, AttentionScores, AttentionKL, ValueRelation, Cosine, Cls)
}
"""The terms by the name that metrics, configurations and pages call them."""
