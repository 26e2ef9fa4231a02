"""Previews of each experiment before any training, computed at once from the shipped pair and its texts.

pull(engine, setting).at(20.0).cosine          # the gradient's direction against the difference of the logits
evidence("food", 4.0)                          # the probability of "food" in the soft labels of the other classes' texts
label_counts(60)                                      # labels by class, and the sum of the teacher's probabilities
lessons_heard(SIZES["steps"])                  # the loss of each student in each step
mask_coverage("minilm-teacher", 100, 12)               # the share of the words masked at least once
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from core.data.kinds import KINDS, definitions, teacher_logits
from core.distill.evaluation import Evaluator
from core.distill.inputs.encoding import encode
from core.distill.inputs.texts import MaskedTexts
from core.distill.objectives.losses import soft_loss
from core.engine import ENGINE, Engine, Setting, models_for
from core.labs.experiments.plans import Size
from core.memory import RecentlyUsed, remembered
from core.runs.datasets import TEACHER, words_material
from core.theory.temperature import soften

TEMPERATURES = (1.0, 2.0, 4.0, 8.0, 20.0, 50.0, 100.0)

READ = 200
"""Definitions that both models read for the first figure."""

SHOWN = 40
"""Definitions of these that are drawn, each with one point per class."""


@dataclass(frozen=True)
class GradientAlignment:
    """The soft loss's gradient by the student's logits, at one temperature.

    Attributes:
        gradient: T² included, times the number of classes, by autograd, `[definition, class]`.
        difference: of zero-mean logits, student minus teacher, `[definition, class]`.
        cosine: between the two, the mean over the definitions.
        length, plain: the gradient's mean length with and without T².
    """

    temperature: float
    gradient: Tensor
    difference: Tensor
    cosine: float
    length: float
    plain: float


@dataclass(frozen=True)
class GradientAlignments:
    """The gradients of the soft loss at several temperatures.

    Attributes:
        limit: the mean length of (z − v)/N, the limit of the gradient's length with T².
        teacher, student: names of the models.
    """

    pulls: tuple[GradientAlignment, ...]
    limit: float
    teacher: str
    student: str

    def at(self, temperature: float) -> GradientAlignment:
        """One temperature's."""
        return next(one for one in self.pulls if one.temperature == temperature)


def gradient_alignments(engine: Engine, setting: Setting) -> GradientAlignments:
    """Measure the alignments on the shipped pair, or on the pair of the setting.

    Raises:
        LabError: `missing_pair`, `missing_data`, and as `Engine.checkpoint`.
    """
    names = models_for(setting, "kinds")
    student, teacher = (logits_of(engine, setting, name) for name in reversed(names))
    difference = student - teacher
    centred = difference - difference.mean(-1, keepdim=True)
    found = []
    for temperature in TEMPERATURES:
        asked = student.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(soft_loss(asked, teacher, temperature, reduction="sum"), asked)
        length = float(gradient.norm(dim=-1).mean())
        cosine = float(F.cosine_similarity(gradient, centred, eps=1e-300).mean())
        scaled = gradient[:SHOWN] * gradient.shape[-1]
        found.append(GradientAlignment(temperature, scaled, centred[:SHOWN], cosine, length, length / temperature**2))
    return GradientAlignments(tuple(found), float((centred.norm(dim=-1) / centred.shape[-1]).mean()), *names)


_LOGITS = RecentlyUsed(8)


def logits_of(engine: Engine, setting: Setting, name: str) -> Tensor:
    """A classifier's logits on the first test definitions, `[definition, class]`, in float64; cached.

    Those of the shipped teacher are stored with the definitions.
    """
    if name == TEACHER:
        return teacher_logits("test")[:READ].double()

    def ask() -> Tensor:
        checkpoint = engine.checkpoint(setting, name)
        rows = definitions("test")[:READ]
        texts = encode(checkpoint.tokenizer, [row.text for row in rows], [row.kind for row in rows])
        return Evaluator(texts).logits(checkpoint.model).double()

    return _LOGITS.get((setting, name), ask)


@dataclass(frozen=True)
class Evidence:
    """The teacher's probability of an omitted class in the texts of the other classes.

    Attributes:
        shares: the teacher's mean probability of the omitted class over the texts of each other class, `[class]`; NaN for itself.
        count: texts of each class, `[class]`.
        left: texts that remain.
        largest: the three classes with the largest shares, the largest first.
        uniform: the probability of one class in a uniform distribution.
        whole: the sum of the omitted class's probabilities over the remaining texts, in texts.
    """

    shares: Tensor
    count: Tensor
    left: int
    largest: tuple[str, ...]
    uniform: float
    whole: float


@remembered()
def evidence(kind: str, temperature: float, texts: int = 2000) -> Evidence:
    """The teacher's probability of an omitted class in the texts that remain.

    Raises:
        LabError: `missing_data`.
        ValueError: there is no such class.
    """
    absent = KINDS.index(kind)
    labels = torch.tensor([row.kind for row in definitions("transfer")])
    rows = (labels != absent).nonzero().flatten()[:texts]
    soft = soften(teacher_logits("transfer")[rows].double(), temperature)[:, absent]
    count = torch.bincount(labels[rows], minlength=len(KINDS))
    shares = torch.zeros(len(KINDS), dtype=torch.float64).index_add(0, labels[rows], soft) / count
    best = shares.nan_to_num(-1).topk(3).indices.tolist()
    largest = tuple(KINDS[index] for index in best)
    return Evidence(shares, count, len(rows), largest, 1 / len(KINDS), float(soft.sum()))


@dataclass(frozen=True)
class LabelCounts:
    """Labels of a budget by class, and the teacher's soft labels for all texts.

    Attributes:
        labels: labelled texts of each class, `[class]`.
        teacher: the sum of the teacher's probabilities over all texts, `[class]`: the number of texts it assigns to each class.
        none: number of classes without any label.
        texts: number of texts with a soft label of the teacher.
    """

    labels: Tensor
    teacher: Tensor
    none: int
    texts: int


@remembered()
def label_counts(budget: int, texts: int = 2000) -> LabelCounts:
    """Labels by class at a budget, and the sum of the teacher's probabilities over all texts.

    Raises:
        LabError: `missing_data`.
    """
    known = torch.tensor([row.kind for row in definitions("transfer")[:budget]])
    labels = torch.bincount(known, minlength=len(KINDS))
    teacher = soften(teacher_logits("transfer")[:texts].double()).sum(0)
    return LabelCounts(labels, teacher, int((labels == 0).sum()), texts)


@dataclass(frozen=True)
class LossSchedule:
    """Steps of a student with a loss on its hidden states and with one on its head, at one budget.

    Attributes:
        steps: in all.
        inside, head: steps with a loss on the hidden states only, and with one on the head.
        read: texts in all batches together.
    """

    arm: str
    steps: int
    inside: int
    head: int
    read: int


def lessons_heard(size: Size, shares: Sequence[float], batch: int = 32) -> tuple[LossSchedule, ...]:
    """The loss schedule for each budget of steps and each arm.

    Args:
        shares: the share of the steps that the staged student trains its hidden states, before its head.
    """
    schedules = []
    for steps in size.steps:
        for arm, share in (("control", 0.0), ("distilled", 0.0), ("staged", shares[0])):
            inside = round(share * steps)
            schedules.append(LossSchedule(arm, steps, inside, steps - inside, steps * batch))
    return tuple(schedules)


@dataclass(frozen=True)
class MaskCoverage:
    """Coverage of the tokens by the masks of a run, static and dynamic.

    Attributes:
        epochs: 1, 2, ….
        static, dynamic: the share of the tokens masked in at least one epoch so far, `[epoch]`.
        expected: 1 − 0.85^epoch, `[epoch]`.
        example: the pieces of one text.
        static_rows, dynamic_rows: its masked positions in the first epochs, `[epoch][position]`.
    """

    epochs: tuple[int, ...]
    static: tuple[float, ...]
    dynamic: tuple[float, ...]
    expected: tuple[float, ...]
    example: tuple[str, ...]
    static_rows: tuple[frozenset[int], ...]
    dynamic_rows: tuple[frozenset[int], ...]


@remembered()
def mask_coverage(teacher: str, texts: int, epochs: int, shown: int = 5) -> MaskCoverage:
    """Draw the masks of a run's texts, both ways.

    Raises:
        LabError: `missing_data`, and as `core.models.load`.
    """
    moving = words_material(teacher, texts, 1).texts
    fixed = words_material(teacher, texts, 1, static=True).texts
    open_to = ~moving.special
    place = _shown_text(moving, shown)
    shares: dict[bool, list[float]] = {True: [], False: []}
    rows: dict[bool, list[frozenset[int]]] = {True: [], False: []}
    for static, source in ((True, fixed), (False, moving)):
        ever = torch.zeros(len(moving.ids), dtype=torch.bool)
        for epoch in range(epochs):
            hidden = source.at_epoch(epoch).labels >= 0
            ever |= hidden
            shares[static].append(float(ever[open_to].double().mean()))
            if epoch < shown:
                rows[static].append(frozenset(hidden[place].nonzero().flatten().tolist()))
    tokenizer = ENGINE.checkpoint(Setting(teacher, ""), teacher).tokenizer
    numbers = tuple(range(1, epochs + 1))
    return MaskCoverage(
        numbers,
        tuple(shares[True]),
        tuple(shares[False]),
        tuple(1 - 0.85**epoch for epoch in numbers),
        tuple(tokenizer.convert_ids_to_tokens(moving.ids[place].tolist())),
        tuple(rows[True]),
        tuple(rows[False]),
    )


def _shown_text(texts: MaskedTexts, epochs: int, shortest: int = 8, longest: int = 12) -> slice:
    """Slice of a text short enough to draw and masked somewhere in each of the first epochs, else of the first text."""
    drawn = [texts.at_epoch(epoch).labels >= 0 for epoch in range(epochs)]
    spans = [slice(int(a), int(b)) for a, b in pairwise(texts.starts.tolist())]
    fitting = (span for span in spans if shortest <= span.stop - span.start <= longest)
    return next((span for span in fitting if all(hidden[span].any() for hidden in drawn)), spans[0])


def hidden_text(pieces: Sequence[str], hidden: frozenset[int]) -> str:
    """A text without the special tokens at its ends, each target shown as [MASK], also those that BERT keeps or replaces."""
    return " ".join("[MASK]" if at in hidden else piece for at, piece in enumerate(pieces))[6:-6].strip()
