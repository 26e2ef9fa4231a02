"""Costs of whole layer maps, and their ranks among all: `(1, 3, 5)` pairs the student's layer 0 with the teacher's 1.

costs = costs_of(engine, setting, "minilm-teacher", "minilm-student")
found = verdict(costs, "attention", (1, 3, 5))
found.cost, found.rank, found.best
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from core.distill.objectives.layer_maps import CHOICES
from core.errors import LabError
from core.labs.what_to_match.layer_costs import Criterion, LayerCosts
from core.labs.what_to_match.relations import UNPAIRED, pairs_of
from core.numbering import read_list, written


@dataclass(frozen=True)
class Grids:
    """CKA of several students with one teacher.

    Attributes:
        maps: NaN where a student has no such layer, `[student, teacher layer, student layer]`.
        best: for each student and each of its layers, (the teacher's layer that is most alike, the student's).
    """

    maps: Tensor
    best: list[list[tuple[int, int]]]

    def follows(self, map_: Sequence[int]) -> bool:
        """True if the most similar teacher layer of each student layer is the one of a map, for all students."""
        wanted = {(other, layer) for layer, other in pairs_of(map_)}
        return all(wanted <= set(cells) for cells in self.best)


def grids(ckas: Sequence[Tensor]) -> Grids:
    """Stack grids `[student layer, teacher layer]`, transposed and padded with NaN."""
    deepest = max(len(grid) for grid in ckas)
    maps = torch.full((len(ckas), ckas[0].shape[1], deepest), math.nan)
    for place, grid in enumerate(ckas):
        maps[place, :, : len(grid)] = grid.T
    best = [[(int(other), layer) for layer, other in enumerate(grid.argmax(dim=1))] for grid in ckas]
    return Grids(maps, best)


def along(ckas: Sequence[Tensor], map_: Sequence[int]) -> list[float]:
    """The mean of each grid `[student layer, teacher layer]` over the pairs of a map that it has."""
    means = []
    for grid in ckas:
        pairs = [(layer, other) for layer, other in pairs_of(map_) if layer < grid.shape[0] and other < grid.shape[1]]
        means.append(sum(float(grid[pair]) for pair in pairs) / max(len(pairs), 1))
    return means


def total(costs: LayerCosts, criterion: Criterion, map_: Sequence[int]) -> float:
    """The loss of a map: the sum over its pairs (TinyBERT, equation 11, all weights 1)."""
    return float(sum(costs.of[criterion][layer, other] for layer, other in pairs_of(map_)))


def best_map(costs: LayerCosts, criterion: Criterion) -> tuple[int, ...]:
    """The map of smallest loss: each of the student's layers takes its nearest, which several may share."""
    return tuple(costs.of[criterion].argmin(dim=1).tolist())


def all_totals(costs: LayerCosts, criterion: Criterion, map_: Sequence[int]) -> Tensor:
    """The losses of all maps that pair the same of the student's layers as this one, in rising order, `[map]`."""
    sums = torch.zeros(1)
    for layer, _ in pairs_of(map_):
        sums = (sums[:, None] + costs.of[criterion][layer]).flatten()
    return sums.sort().values


def rank(costs: LayerCosts, criterion: Criterion, map_: Sequence[int]) -> int:
    """Rank of a map among `all_totals`, from 1; maps of the same loss share the best one."""
    return 1 + int((all_totals(costs, criterion, map_) < total(costs, criterion, map_) - 1e-6).sum())


@dataclass(frozen=True)
class Verdict:
    """One map by one criterion.

    Attributes:
        map_: the map.
        losses: of its pairs, `[pair]`.
        cost: their sum.
        rank: among `totals`, from 1.
        totals: the losses of all maps of the same of the student's layers, rising, `[map]`.
        best: the cheapest of them.
    """

    map_: tuple[int, ...]
    losses: list[float]
    cost: float
    rank: int
    totals: Tensor
    best: tuple[int, ...]

    @property
    def count(self) -> int:
        """Number of compared maps, itself included."""
        return len(self.totals)

    @property
    def lowest(self) -> float:
        """The smallest loss."""
        return float(self.totals[0])

    @property
    def highest(self) -> float:
        """The largest loss."""
        return float(self.totals[-1])

    @property
    def shares(self) -> bool:
        """True if two of the student's layers are paired with the same teacher layer."""
        others = [other for _, other in pairs_of(self.map_)]
        return len(set(others)) < len(others)

    @property
    def partial(self) -> bool:
        """True if a student layer is paired with none."""
        return UNPAIRED in self.map_


def verdict(costs: LayerCosts, criterion: Criterion, map_: Sequence[int]) -> Verdict:
    """Cost of a map, and its rank among all that pair the same of the student's layers."""
    pairs = dict(pairs_of(map_))
    losses = [float(costs.of[criterion][pair]) for pair in pairs.items()]
    best = tuple(other if layer in pairs else UNPAIRED for layer, other in enumerate(best_map(costs, criterion)))
    totals = all_totals(costs, criterion, map_)
    return Verdict(tuple(map_), losses, total(costs, criterion, map_), rank(costs, criterion, map_), totals, best)


def marked(
    costs: LayerCosts, criterion: Criterion, map_: Sequence[int], given: Mapping[str, tuple[int, ...]]
) -> dict[str, Verdict]:
    """The verdicts on the maps of `given` that pair the same of the student's layers as `map_`."""
    layers = [layer for layer, _ in pairs_of(map_)]
    alike = {name: one for name, one in given.items() if [layer for layer, _ in pairs_of(one)] == layers}
    return {name: verdict(costs, criterion, one) for name, one in alike.items()}


def rules(students: int, teachers: int) -> dict[str, tuple[int, ...]]:
    """The maps of the rules for models of `students` and `teachers` layers, by the rule's name; without undefined ones."""
    maps = {}
    for name, rule in CHOICES.items():
        try:
            maps[name] = rule(students, teachers)
        except LabError:
            continue
    maps["last_only"] = (*[UNPAIRED] * (students - 1), teachers - 1)  # MiniLM
    return maps


def map_from(text: str, students: int, teachers: int, default: Sequence[int]) -> tuple[int, ...]:
    """A map as an address carries it, "2-4-6" with layers from 1 on and 0 for none; `default` if it fits other models."""
    map_ = read_list(text)
    fits = len(map_) == students == text.count("-") + 1 and all(UNPAIRED <= layer < teachers for layer in map_)
    return map_ if fits and pairs_of(map_) else tuple(default)


def map_text(map_: Sequence[int]) -> str:
    """The map as an address carries it."""
    return written(map_)
