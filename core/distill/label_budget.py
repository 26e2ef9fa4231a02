"""Students under a label budget: the shipped definitions, of which only some are labelled, with and without the teacher.

    trial = Trial(labels=1000, temperature=2.0, seed=0)
    measured(logits_of(learn(trial, StudentRecipe()), "test"))["accuracy"]

The students are never trained on the teacher's own texts. On the transfer set the teacher's logits are known for every definition
and the label only for some: the label budget. The control is trained on the labelled ones; a distilled student on all of them,
with the label where it is known. Both take the same number of steps from the same weights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from core.data.kinds import definitions, teacher_logits
from core.distill.distiller import Arm, Distiller, TrainingConfig
from core.distill.inputs.encoding import encode
from core.distill.inputs.texts import TokenizedTexts
from core.distill.objectives.objective import CONTROL, mixture
from core.distill.students import fresh, open_for
from core.measure.calibration import reliability
from core.models.loading import open_tokenizer

TEACHER, VOCABULARY = "kinds-teacher", "minilm-teacher"
"""The shipped teacher, and the shipped model whose tokenizer all models of definitions share."""

SOFT_WEIGHT = 0.9
"""Hinton, Vinyals, Dean 2015, section 2: a considerably lower weight on the hard loss did best."""


@dataclass(frozen=True)
class Trial:
    """One student of the experiment.

    Attributes:
        labels: the label budget, as a number of texts of the transfer set, drawn by the seed.
        temperature: of the soft loss; None for the control, which has no teacher.
        seed: draws the labelled texts, the weights and the batches.
    """

    labels: int
    temperature: float | None
    seed: int


SHIPPED_TRIAL = Trial(labels=1000, temperature=2.0, seed=0)
"""The student that is shipped: what distillation is for, few labels and many texts."""


@dataclass(frozen=True)
class StudentRecipe:
    """The student's shape and how long it is trained; the same for all trials that are compared."""

    layers: int = 2
    width: int = 128
    heads: int = 2
    steps: int = 1500
    batch: int = 32
    rate: float = 1e-3


SHIPPED_RECIPE = StudentRecipe(steps=2000)
"""Longer than the experiment's, for there is only one of it."""


@cache
def texts(part: str) -> TokenizedTexts:
    """One part of the data as token ids with labels."""
    found = definitions(part)
    return encode(tokenizer(), [one.text for one in found], [one.kind for one in found], longest=64)


@cache
def tokenizer() -> PreTrainedTokenizerBase:
    """The teacher's tokenizer, which its students share."""
    return open_tokenizer(VOCABULARY)


@cache
def teacher() -> PreTrainedModel:
    """The shipped teacher: needed for its shape here, since its logits for the transfer set are stored."""
    return open_for(TEACHER, "single_label")


def learn(trial: Trial, recipe: StudentRecipe) -> PreTrainedModel:
    """Train one student; the result is in eval mode.

    Raises:
        LabError: `missing_data` if the definitions or the teacher's logits are not there.
    """
    transfer = texts("transfer")
    order = torch.randperm(len(transfer), generator=torch.Generator().manual_seed(trial.seed))
    student = fresh(teacher(), "single_label", recipe.layers, recipe.width, recipe.heads, longest=128, seed=trial.seed)
    training = TrainingConfig(recipe.steps, recipe.batch, learning_rate=recipe.rate, seed=trial.seed)
    if trial.temperature is None:
        distiller = Distiller(
            None, {"student": Arm(student, CONTROL)}, transfer.chosen(order[: trial.labels]), training
        )
    else:
        arms = {"student": Arm(student, mixture(SOFT_WEIGHT, trial.temperature))}
        distiller = Distiller(teacher(), arms, transfer.without_labels(order[trial.labels :]), training)
        distiller.teaching.preload(teacher_logits("transfer"))
    for _ in distiller:
        pass
    return distiller.finish()["student"]


@torch.no_grad()
def logits_of(model: nn.Module, part: str) -> Tensor:
    """A model's logits for each definition of a part, `[definition, kind]`."""
    found, model = texts(part), model.eval()
    answers = torch.empty(len(found), model.config.num_labels)
    for rows in found.lengths.argsort(stable=True).split(64):
        batch = found.batch(rows)
        answers[rows] = model(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits.float()
    return answers


def measured(logits: Tensor, part: str = "test") -> dict:
    """Accuracy, agreement with the teacher, and calibration of logits for a part.

    Args:
        logits: `[definition, kind]`.

    Returns:
        `accuracy`, `agreement` (the same first choice as the teacher), `ece` (10 bins of equal width) and the bins
        themselves: `confidence`, `right`, `count`, `[bin]`; None in an empty bin.
    """
    labels = torch.tensor([one.kind for one in definitions(part)])
    found = reliability(logits.softmax(-1), labels)
    choice = logits.argmax(-1)

    def bins(values: Tensor) -> list[float | None]:
        return [None if value != value else round(value, 4) for value in values.tolist()]  # NaN differs from itself

    return {
        "accuracy": round(float((choice == labels).float().mean()), 4),
        "agreement": round(float((choice == teacher_logits(part).argmax(-1)).float().mean()), 4),
        "ece": round(found.ece, 4),
        "confidence": bins(found.confidence),
        "right": bins(found.accuracy),
        "count": found.count.tolist(),
    }
