"""Every choice of layers to keep, and every head off alone, measured in the background once for all pages, with progress.

going = every_cut(engine, setting, "minilm-teacher")      # returns at once; going.done of going.total
found = going.wait()                                       # a `Cuts`
found.best(3), found.by_rule("every_other", 3), found.cheapest

Two choices of layers that begin alike share what their common layers computed: all 63 choices of six layers take 63 passes
through one layer, not 192. A head off changes nothing below its layer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations

import torch
from torch import Tensor

from core.background import Sweep, sweep
from core.distill.objectives.layer_maps import CHOICES
from core.engine import Engine, Setting
from core.errors import LabError
from core.labs.layer_surgery.bench import Cost, Mean, Table
from core.labs.layer_surgery.cut import Cut, Heads, make_cut, whole
from core.labs.layer_surgery.surgery import compare, cost, half_of, remember, run, table

MOST_LAYERS = 7
"""Of a deeper model only the choices that a rule names are measured, not all 2^layers."""

STEPS = 12
"""Points on the curve of heads switched off together."""

MEASURES = ("loss", "top1", "top5", "divergence")
"""The measures to compare `Cuts` by: attributes of a `Cost`."""

NAMED = ("first", "last", "every_other")
"""The rules that the page compares in words."""


@dataclass(frozen=True)
class Cuts:
    """Models of some layers of one model, measured.

    Attributes:
        opened: the table.
        costs: by the layers that stay; () is a model whose head reads the embeddings.
        every: True if these are all choices, not only those of the rules.
    """

    opened: Table
    costs: dict[tuple[int, ...], Cost]
    every: bool

    @property
    def layers(self) -> int:
        """Number of layers of the full model."""
        return len(self.opened.layers)

    @property
    def shape(self) -> tuple[int, int]:
        """Layers, and heads in each."""
        return self.layers, self.opened.heads

    @property
    def half(self) -> int:
        """Layers of a student of half the depth."""
        return half_of(self.layers)

    def by_rule(self, rule: str, count: int) -> tuple[int, ...] | None:
        """The `count` layers that a rule of `core.distill.objectives.layer_maps` keeps; None where it does not apply."""
        return rule_keeps(rule, count, self.layers)

    def of(self, count: int) -> list[tuple[int, ...]]:
        """The measured choices of `count` layers."""
        return [keep for keep in self.costs if len(keep) == count]

    def best(self, count: int) -> tuple[int, ...]:
        """The measured choice of `count` layers with the lowest loss."""
        return min(self.of(count), key=lambda keep: self.costs[keep].loss.mean)

    @property
    def without(self) -> list[Cost]:
        """The model without each one of its layers, `[layer]`."""
        every = range(self.layers)
        return [self.costs[tuple(other for other in every if other != layer)] for layer in every]

    @property
    def cheapest(self) -> int:
        """The layer whose removal costs least."""
        return min(range(self.layers), key=lambda layer: self.without[layer].rise.mean)

    @property
    def costliest(self) -> int:
        """The layer whose removal costs most."""
        return max(range(self.layers), key=lambda layer: self.without[layer].rise.mean)

    def ranking(self, rules: tuple[str, ...], count: int) -> list[tuple[str, tuple[int, ...]]]:
        """Rules with their choices of `count` layers, the lowest loss first; of equal choices the first rule's."""
        found = [(rule, keep) for rule in rules if (keep := self.by_rule(rule, count)) is not None]
        unlike = [pair for i, pair in enumerate(found) if pair[1] not in [keep for _, keep in found[:i]]]
        return sorted(unlike, key=lambda pair: self.costs[pair[1]].loss.mean)

    def lead(self, first: tuple[int, ...], second: tuple[int, ...]) -> Mean:
        """Mean rise of the loss from the first choice to the second."""
        return compare(self.opened, self.costs[first], self.costs[second])

    def point(self, keep: tuple[int, ...], measure: str) -> Point:
        """One choice as a figure shows it."""
        value: Mean = getattr(self.costs[keep], measure)
        return Point(len(keep), keep, value.mean, value.error)

    def line(self, rule: str, measure: str) -> list[Point]:
        """A rule's choices, by the number of layers."""
        keeps = [self.by_rule(rule, count) for count in range(1, self.layers + 1)]
        return [self.point(keep, measure) for keep in keeps if keep is not None]

    def cloud(self, measure: str) -> list[Point]:
        """Every measured choice."""
        return [self.point(keep, measure) for keep in self.costs]

    def best_line(self, measure: str) -> list[Point]:
        """The best measured choice of each number of layers."""
        better = max if measure.startswith("top") else min
        found = [[self.point(keep, measure) for keep in self.of(count)] for count in range(1, self.layers + 1)]
        return [better(points, key=lambda point: point.value) for points in found]

    def rounds(self) -> list[Round]:
        """The rule of `NAMED` with the lowest loss, for each number of layers at which they differ."""
        found = []
        for count in range(1, self.layers):
            (rule, keep), *others = self.ranking(NAMED, count)
            if others:
                lead = self.lead(keep, others[0][1])
                found.append(Round(count, rule, keep, others[0][0], lead, self.costs[keep].loss, self.best(count)))
        return found


@dataclass(frozen=True)
class Point:
    """A choice of layers in a figure: their number, the layers, and the measure with its standard error."""

    count: int
    keep: tuple[int, ...]
    value: float
    error: float


@dataclass(frozen=True)
class Round:
    """The rules compared at one number of layers.

    Attributes:
        count: layers that stay.
        rule, keep: the rule that loses least, and its layers.
        second: the rule with the next higher loss.
        lead: the rise of the loss from the first to the second.
        loss: the winner's.
        best: of all measured choices, the one that loses least.
    """

    count: int
    rule: str
    keep: tuple[int, ...]
    second: str
    lead: Mean
    loss: Mean
    best: tuple[int, ...]


def rule_keeps(rule: str, count: int, layers: int) -> tuple[int, ...] | None:
    """The layers that a rule keeps, or None where the model ends before the rule is done."""
    try:
        return CHOICES[rule](count, layers)
    except LabError:
        return None


def every_cut(engine: Engine, setting: Setting, name: str) -> Sweep[Cuts]:
    """Start, or find, the measuring of all choices of layers.

    Raises:
        LabError: as `core.labs.layer_surgery.surgery.table`.
    """
    opened = table(engine, setting, name)
    layers = len(opened.layers)
    every = layers <= MOST_LAYERS
    chosen = list(_all(layers)) if every else _named(layers)

    def work(count: Callable[[], None]) -> Cuts:
        found: dict[tuple[int, ...], Cost] = {}

        def grow(keep: tuple[int, ...], states: list[Tensor]) -> None:
            with engine.turn():
                answers = opened.answered(states)
            # Outside the turn: another thread that measures the same cut holds its cache entry, and may be waiting for this turn.
            found[keep] = remember(opened, Cut(keep), answers)
            count()
            for layer in range(keep[-1] + 1 if keep else 0, layers):
                with engine.turn():
                    after = opened.through(layer, states)
                grow((*keep, layer), after)

        if every:
            grow((), opened.states[0])
        else:
            for keep in chosen:
                found[keep] = cost(engine, setting, name, Cut(keep))
                count()
        return Cuts(opened, found, every)

    return sweep((opened, "layers"), len(chosen), work)


def _all(layers: int) -> Iterator[tuple[int, ...]]:
    for count in range(layers + 1):
        yield from combinations(range(layers), count)


def _named(layers: int) -> list[tuple[int, ...]]:
    named = [rule_keeps(rule, count, layers) for rule in CHOICES for count in range(1, layers + 1)]
    without = [tuple(other for other in range(layers) if other != layer) for layer in range(layers)]
    return list(dict.fromkeys([(), *(keep for keep in named if keep is not None), *without]))


@dataclass(frozen=True)
class Importance:
    """Cost of each head's absence, alone and together with others.

    Attributes:
        rise: of the loss with one head off, `[layer, head]` (Michel, Levy, Neubig 2019, section 3), in nats.
        error: its standard error, `[layer, head]`.
        divergence: KL(full model ‖ without the head) in nats, `[layer, head]`: its effect, for better or worse.
        order: all heads, the least important first.
        together: numbers of heads that are off at once, and the cost of each.
        texts: number of texts of the means.
    """

    rise: Tensor
    error: Tensor
    divergence: Tensor
    order: Heads
    together: list[tuple[int, Cost]]
    texts: int

    @property
    def helped(self) -> int:
        """Number of heads whose absence lowers the loss."""
        return int((self.rise < 0).sum())

    @property
    def clear(self) -> int:
        """Number of heads whose absence raises the loss significantly."""
        layers, heads = self.rise.shape
        return sum(self.said((la, he)).change.verdict == "worse" for la in range(layers) for he in range(heads))

    def said(self, head: tuple[int, int]) -> Mean:
        """Rise of the loss with one head off."""
        return Mean(float(self.rise[head]), float(self.error[head]), self.texts)

    def added(self, count: int) -> float:
        """Sum of the single costs of the first `count` heads of the order, in nats."""
        return sum(float(self.rise[head]) for head in self.order[:count])

    def free(self) -> int:
        """The most heads of the curve that can be off together without a significant rise of the loss."""
        counts = [0]
        for count, found in self.together:
            if found.rise.change.verdict == "worse":
                break
            counts.append(count)
        return max(counts)


def every_head(engine: Engine, setting: Setting, name: str) -> Sweep[Importance]:
    """Start, or find, the measuring of every head.

    Raises:
        LabError: as `core.labs.layer_surgery.surgery.table`.
    """
    opened = table(engine, setting, name)
    layers, heads = len(opened.layers), opened.heads
    keep = whole(layers).keep
    counts = sorted({round(step * layers * heads / STEPS) for step in range(1, STEPS + 1)})

    def work(count: Callable[[], None]) -> Importance:
        found = torch.zeros(3, layers, heads, dtype=torch.float64)
        for layer in range(layers):
            for head in range(heads):
                one = cost(engine, setting, name, Cut(keep, ((layer, head),)))
                found[:, layer, head] = torch.tensor([one.rise.mean, one.rise.error, one.divergence.mean])
                count()
        ranked = found[0].flatten().argsort(stable=True).tolist()
        order = tuple(divmod(index, heads) for index in ranked)
        together = []
        for number in counts:
            cut = make_cut(keep, order[:number])
            together.append((number, remember(opened, cut, run(engine, opened, cut))))
            count()
        return Importance(*found, order, together, opened.texts)

    return sweep((opened, "heads"), layers * heads + len(counts), work)
