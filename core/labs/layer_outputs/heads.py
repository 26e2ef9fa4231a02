"""Attention of a student's layer and a teacher's compared head by head: divergences and matchings of the heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.trace import Trace


@dataclass(frozen=True)
class HeadMatch:
    """Every head of a student layer compared with every head of a teacher layer.

    Attributes:
        divergence: mean KL(teacher ‖ student) over the queries, in nats, `[student head, teacher head]`.
        same: each head's own number (the last one where the teacher has fewer), `[student head]`.
        one_to_one: the assignment with the smallest sum, no teacher head twice, `[student head]`.
        closest: each student head's nearest teacher head, which several may share, `[student head]`.
    """

    divergence: Tensor
    same: list[int]
    one_to_one: list[int]
    closest: list[int]

    def by(self, name: str) -> list[int]:
        """The matching called "same", "one_to_one" or "closest"."""
        return {"same": self.same, "one_to_one": self.one_to_one, "closest": self.closest}[name]

    @property
    def kept(self) -> int:
        """Number of heads that the one-to-one matching pairs with the teacher's head of the same number."""
        return sum(mine == other for mine, other in enumerate(self.one_to_one))

    @property
    def scale(self) -> float:
        """The 0.9 quantile of the divergences: on a scale to the maximum, one sharp head without a match would hide the rest."""
        return max(float(self.divergence.quantile(0.9)), 1e-6)

    def mean(self, heads: Sequence[int]) -> float:
        """The mean divergence of such a matching, `heads[student head]` = teacher head."""
        return float(self.divergence[range(len(heads)), heads].mean())


def match_heads(teacher: Trace, student: Trace, teacher_layer: int, student_layer: int) -> HeadMatch:
    """Compare two layers, both counted from 0."""
    divergence = head_divergence(
        teacher.layers[teacher_layer].probabilities, student.layers[student_layer].probabilities
    )
    students, teachers = divergence.shape
    same = [min(head, teachers - 1) for head in range(students)]
    return HeadMatch(divergence, same, assignment(divergence), divergence.argmin(1).tolist())


def head_divergence(teacher: Tensor, student: Tensor) -> Tensor:
    """KL(teacher ‖ student) in nats, averaged over the queries, as in MiniLM (Wang et al. 2020, section 3.1).

    Args:
        teacher, student: attention weights, `[head, query, key]`.

    Returns:
        `[student head, teacher head]`.
    """
    teacher, student = teacher.double(), student.double()
    own = torch.xlogy(teacher, teacher).sum((1, 2))  # Σ p log p, with 0 log 0 = 0
    logs = student.clamp_min(1e-12).log()
    crossed = torch.einsum("tqk,sqk->st", teacher, logs)
    return ((own[None] - crossed) / teacher.shape[1]).clamp_min(0).float()


def largest_cell(difference: Tensor) -> tuple[int, int]:
    """The cell of the largest absolute difference of two maps, (query, key)."""
    return divmod(int(difference.abs().argmax()), difference.shape[1])


@dataclass(frozen=True)
class Term:
    """One key's term of a query's divergence: `part` = teacher · ln(teacher / student)."""

    key: int
    teacher: float
    student: float
    part: float


def largest_terms(teacher: Tensor, student: Tensor, count: int = 5) -> list[Term]:
    """The keys that matter most in KL(teacher ‖ student) of one query, from its two rows of weights `[key]`."""
    parts = torch.xlogy(teacher, teacher) - teacher * student.clamp_min(1e-12).log()
    order = parts.abs().argsort(descending=True)[:count].tolist()
    return [Term(key, float(teacher[key]), float(student[key]), float(parts[key])) for key in order]


def assignment(cost: Tensor) -> list[int]:
    """The column of each row so that the costs' sum is smallest and no column serves twice, `[row, column]` -> `[row]`.

    The Hungarian method (Kuhn 1955) in its shortest-path form. With more rows than columns, the rows beyond what the columns can
    serve take their cheapest column, so every row has one.
    """
    rows, columns = cost.shape
    if rows > columns:
        served = assignment(cost.T)  # the row that serves each column
        found = cost.argmin(1).tolist()
        for column, row in enumerate(served):
            found[row] = column
        return found
    price = cost.double().tolist()
    of_row, of_column = [0.0] * (rows + 1), [0.0] * (columns + 1)  # dual prices; index 0 is a helper
    owner = [0] * (columns + 1)
    for row in range(1, rows + 1):
        owner[0], column = row, 0
        nearest, came_from, done = [float("inf")] * (columns + 1), [0] * (columns + 1), [False] * (columns + 1)
        while owner[column]:
            done[column] = True
            for other in range(1, columns + 1):
                slack = price[owner[column] - 1][other - 1] - of_row[owner[column]] - of_column[other]
                if not done[other] and slack < nearest[other]:
                    nearest[other], came_from[other] = slack, column
            following = min((other for other in range(1, columns + 1) if not done[other]), key=nearest.__getitem__)
            step = nearest[following]
            for other in range(columns + 1):
                if done[other]:
                    of_row[owner[other]] += step
                    of_column[other] -= step
                else:
                    nearest[other] -= step
            column = following
        while column:
            owner[column] = owner[came_from[column]]
            column = came_from[column]
    found = [0] * rows
    for column in range(1, columns + 1):
        if owner[column]:
            found[owner[column] - 1] = column - 1
    return found


@dataclass(frozen=True)
class LayerDistance:
    """One student layer's attention against every teacher layer, mean KL a head, each `[teacher layer]`.

    Attributes:
        same: head 1 against head 1, and so on.
        one_to_one: heads paired as well as they can be.
    """

    same: list[float]
    one_to_one: list[float]

    @property
    def best(self) -> int:
        """The nearest teacher layer, from 0, with the heads paired one to one."""
        return self.one_to_one.index(min(self.one_to_one))


def distance_by_layer(teacher: Trace, student: Trace, student_layer: int) -> LayerDistance:
    """Distance of a student layer's attention (layer from 0) to that of each teacher layer, by two matchings of the heads."""
    matches = [match_heads(teacher, student, layer, student_layer) for layer in range(len(teacher.layers))]
    return LayerDistance(
        [match.mean(match.same) for match in matches], [match.mean(match.one_to_one) for match in matches]
    )
