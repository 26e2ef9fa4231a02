"""A class omitted from the students' texts: its recall once its bias is corrected, and the cost to the other classes.

found = comebacks(answers(run), "food")
back(found, "food").after                         # recall by arm, over the seeds

Hinton, Vinyals, Dean 2015 (Distilling the Knowledge in a Neural Network), section 3: the omitted digit 3.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import torch
from torch import Tensor

from core.data.kinds import KINDS, definitions
from core.labs.experiments.predictions import MEASURED, Answers
from core.measure.verdict import Comparison, over_seeds

MARGINS = 121
"""Points of a trade-off curve."""


@dataclass(frozen=True)
class OmittedClass:
    """One student's predictions on the class that it was not trained on, before and after its bias is corrected.

    Attributes:
        arm, seed: of the student; "teacher" and −1 for the teacher.
        recall: the share of the omitted class's definitions predicted correctly, as trained.
        others: the share of all other definitions predicted correctly, as trained.
        bias: the amount to add to the omitted class's logit so that it is predicted as often as it occurs.
        recall_after, others_after: with that bias.
        found, price: both shares for biases from −∞ to ∞, `[bias]`: `found` of the omitted class, `price` of the others.
    """

    arm: str
    seed: int
    recall: float
    others: float
    bias: float
    recall_after: float
    others_after: float
    found: Tensor
    price: Tensor


def comebacks(said: Answers, kind: str) -> tuple[OmittedClass, ...]:
    """One `OmittedClass` per student, the teacher's last (Hinton, Vinyals, Dean 2015, section 3: the omitted digit 3).

    Hinton raised the missing class's bias until the test error was lowest. Here it is raised until the class is predicted as
    often as it occurs, which needs only its share, not the labels.

    Raises:
        ValueError: there is no such kind.
    """
    absent = KINDS.index(kind)
    made = [_comeback(logits, said.labels, absent, *student) for student, logits in sorted(said.students.items())]
    return (*made, _comeback(said.teacher, said.labels, absent, "teacher", -1))


def _comeback(logits: Tensor, labels: Tensor, absent: int, arm: str, seed: int) -> OmittedClass:
    """One model's trade-off: a bias b makes the omitted class win exactly where the margin to the best other is at most b."""
    best, predicted = logits.index_fill(1, torch.tensor(absent), -torch.inf).max(dim=-1)  # the best of the others
    margin = (best - logits[:, absent]).double()  # [definition]
    true = labels == absent
    right = predicted == labels  # once the omitted class is not predicted

    def shares(bias: Tensor) -> tuple[Tensor, Tensor]:
        named = margin <= bias[:, None]  # [bias, definition]
        recall = (named & true).sum(-1) / true.sum().clamp(min=1)
        others = (~named & right & ~true).sum(-1) / (~true).sum().clamp(min=1)
        return recall, others

    count = int(true.sum())
    bias = margin.sort().values[max(count - 1, 0)]
    (recall, after), (others, others_after) = (
        share.tolist() for share in shares(torch.stack([bias.new_zeros(()), bias]))
    )
    grid = torch.cat((margin.quantile(torch.linspace(0, 1, MARGINS, dtype=torch.float64)), torch.tensor([torch.inf])))
    found, price = shares(torch.cat((torch.tensor([-torch.inf]), grid)))
    return OmittedClass(arm, seed, recall, others, float(bias), after, others_after, found, price)


def recall_after(found: Sequence[OmittedClass], arm: str) -> float:
    """An arm's mean recall of the omitted class with its bias corrected, over the seeds."""
    return fmean(one.recall_after for one in found if one.arm == arm)


def comeback(found: Sequence[OmittedClass]) -> Comparison:
    """The distilled students' recall of the omitted class compared with the control's, both with their bias corrected."""
    distilled, control = ([one.recall_after for one in found if one.arm == arm] for arm in ("distilled", "control"))
    return over_seeds(distilled, control)


@dataclass(frozen=True)
class Back:
    """The results on the omitted class of all students together.

    Attributes:
        count: measured definitions of the omitted class.
        before, after, bias: recall as trained, with the bias corrected, and that bias, by arm, over the seeds.
        others, others_after: the distilled students' accuracy on the other classes, before and after.
        silent: no arm predicts the class as trained (mean recall under 2%).
        back: recall of the distilled students compared with the control's, with the bias corrected.
    """

    count: int
    before: Mapping[str, float]
    after: Mapping[str, float]
    bias: Mapping[str, float]
    others: float
    others_after: float
    silent: bool
    back: Comparison


def back(found: Sequence[OmittedClass], kind: str) -> Back:
    """The result of the experiment "absent".

    Raises:
        ValueError: there is no such kind.
    """
    arms = {arm: [one for one in found if one.arm == arm] for arm in ("distilled", "control")}
    before = {arm: fmean(one.recall for one in ones) for arm, ones in arms.items()}
    absent = KINDS.index(kind)
    return Back(
        count=sum(row.kind == absent for row in definitions("test")[:MEASURED]),
        before=before,
        after={arm: recall_after(found, arm) for arm in arms},
        bias={arm: fmean(one.bias for one in ones) for arm, ones in arms.items()},
        others=fmean(one.others for one in arms["distilled"]),
        others_after=fmean(one.others_after for one in arms["distilled"]),
        silent=max(before.values()) < 0.02,
        back=comeback(found),
    )
