"""Teacher and students compared on one text: attention, value relations, and their distances.

Layers and heads are counted from 0 here, as in `core.distill.objectives.layer_maps`; a page shows them from 1 (`core.numbering`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor
from torch.nn import functional as F

from core.distill.forward import Features
from core.distill.objectives import features as compare
from core.distill.objectives import layer_maps
from core.distill.objectives.layer_maps import Pairs
from core.engine import Engine, Setting
from core.errors import LabError
from core.trace import Trace
from core.trace.record import LayerTrace

SHIPPED: dict[str, tuple[str, dict[str, str]]] = {
    "words": ("minilm-teacher", {"distilled": "minilm-student", "control": "minilm-control"}),
    "narrow": ("minilm-teacher", {"tinybert": "minilm-tiny"}),
    "kinds": ("kinds-teacher", {"distilled": "kinds-student"}),
}
"""The pairs that are available before any run: the teacher, and its students by their role."""

View = Literal["attention", "values"]

EVERY_HEAD = -1
"""In place of a head: the mean over all heads; an address carries it as 0."""


@dataclass(frozen=True)
class PairedTraces:
    """A teacher and its students on the same tokens.

    Attributes:
        teacher: one forward pass.
        students: one forward pass of each, by name.
    """

    teacher: Trace
    students: Mapping[str, Trace]

    def __post_init__(self) -> None:
        for name, trace in self.students.items():
            if trace.tokens.pieces != self.teacher.tokens.pieces:
                raise LabError("different_tokens", teacher=self.teacher.facts.checkpoint, student=name)
        if len(self.teacher.tokens.pieces) < 2:
            raise LabError("too_few_tokens")

    @property
    def pieces(self) -> tuple[str, ...]:
        """The tokens, the same for all."""
        return self.teacher.tokens.pieces

    @property
    def depth(self) -> int:
        """Layers of the shallowest student."""
        return min(len(trace.layers) for trace in self.students.values())

    @property
    def heads(self) -> int:
        """Number of heads that all models have at least."""
        return min(len(trace.layers[0].query) for trace in (self.teacher, *self.students.values()))

    @property
    def check(self) -> float:
        """The largest difference of the recorded values from those that the models used, see `Trace.check`."""
        return max(trace.check() for trace in (self.teacher, *self.students.values()))


def names_of(setting: Setting, pair: str) -> tuple[str, dict[str, str]]:
    """The teacher and its students by their role: a shipped pair, or "corner", the pair chosen in the settings."""
    return SHIPPED.get(pair, (setting.teacher, {"chosen": setting.student}))


def read(engine: Engine, setting: Setting, pair: str, text: str) -> PairedTraces:
    """Run the text through the models of a pair (see `names_of`).

    Raises:
        LabError: `different_tokens`, `too_few_tokens`, and as `Engine.trace`.
    """
    teacher, students = names_of(setting, pair)
    traces = {role: engine.trace(setting, name, text) for role, name in students.items()}
    return PairedTraces(engine.trace(setting, teacher, text), traces)


def made_from(engine: Engine, setting: Setting, pair: str) -> tuple[int, ...]:
    """The teacher's layer that each of the first student's layers was made from, from 0.

    As recorded in its card, else as `core.distill.objectives.layer_maps.made_from` assumes.
    """
    teacher, students = names_of(setting, pair)
    card = engine.checkpoint(setting, next(iter(students.values()))).card
    layers = engine.checkpoint(setting, teacher).card.layers
    return layer_maps.made_from(card.metrics.get("layer_map"), card.layers, layers)[0]


# One layer


def value_relations(layer: LayerTrace) -> Tensor:
    """softmax(V·Vᵀ/√d): similarity of the tokens' values in each head, `[head, position, position]`.

    Wang et al. 2020 (MiniLM), section 3.2, equations 8 and 9.
    """
    value = layer.value  # [head, position, d]
    return F.softmax(value @ value.transpose(-2, -1) * value.shape[-1] ** -0.5, dim=-1)


def relations(trace: Trace, view: View, layer: int) -> Tensor:
    """Attention or value relations of one layer, rows sum to 1, `[head, position, position]`."""
    return trace.layers[layer].probabilities if view == "attention" else value_relations(trace.layers[layer])


def one_map(trace: Trace, view: View, layer: int, head: int) -> Tensor:
    """One head's map, or the mean over all heads (`EVERY_HEAD`), `[position, position]`."""
    maps = relations(trace, view, layer)
    return maps.mean(0) if head == EVERY_HEAD else maps[head]


def map_kl(teacher: Tensor, student: Tensor) -> float:
    """KL(teacher's rows ‖ student's), the mean over the queries, in nats; maps `[query, key]` or `[head, query, key]`."""
    logs = [rows.clamp_min(1e-12).log().reshape(1, -1, *rows.shape[-2:]) for rows in (student, teacher)]
    real = torch.ones(1, teacher.shape[-1], dtype=torch.bool)
    return float(compare.attention_kl(*logs, real))


def telling_head(cast: PairedTraces, view: View, pair: tuple[int, int]) -> int:
    """The head whose map separates the students best: the largest spread of their distances to the teacher.

    With a single student, the head of its largest distance. Heads that attend only to [CLS] and [SEP] are less informative, so
    the spread is weighted by the share of the teacher's attention on words. `EVERY_HEAD` where the numbers of heads differ.

    Args:
        pair: (student's layer, teacher's layer).
    """
    layer, other = pair
    teacher = relations(cast.teacher, view, other)
    students = [relations(trace, view, layer) for trace in cast.students.values()]
    if any(len(student) != len(teacher) for student in students):
        return EVERY_HEAD
    distances = torch.tensor([[map_kl(t, s) for t, s in zip(teacher, student, strict=True)] for student in students])
    spread = distances.amax(0) - distances.amin(0) if len(students) > 1 else distances[0]
    words = ~cast.teacher.tokens.special
    on_words = teacher[..., words].sum(-1).mean(-1) if words.any() else torch.ones_like(spread)
    return int((spread * on_words).argmax())


@dataclass(frozen=True)
class SideBySide:
    """One map of the teacher and of each student, for the tokens that fit.

    Attributes:
        names: "teacher", then the students.
        maps: rows sum to 1 where all tokens are shown, `[map, query, key]`.
        distances: KL(teacher ‖ student) over all tokens, 0 for the teacher, `[map]`.
        pieces: the tokens shown.
    """

    names: list[str]
    maps: Tensor
    distances: list[float]
    pieces: tuple[str, ...]

    @property
    def nearest(self) -> str:
        """The student whose map is nearest to the teacher's."""
        return min(zip(self.distances[1:], self.names[1:], strict=True))[1]

    @property
    def furthest(self) -> str:
        """The student whose map is furthest from it."""
        return max(zip(self.distances[1:], self.names[1:], strict=True))[1]


SHOWN = 32
"""The most tokens along a side of a map that is drawn next to others."""


def wall(cast: PairedTraces, view: View, pair: tuple[int, int], head: int) -> SideBySide:
    """Maps of one head of all models, or of the mean over heads.

    Args:
        pair: (student's layer, teacher's layer).
        head: from 0, or `EVERY_HEAD`.
    """
    maps = [one_map(cast.teacher, view, pair[1], head)]
    maps += [one_map(trace, view, pair[0], head) for trace in cast.students.values()]
    return _wall(["teacher", *cast.students], maps, cast.pieces)


def alike(distances: Sequence[float]) -> bool:
    """True if the range of the distances is at most a tenth of the largest."""
    return max(distances) - min(distances) <= 0.1 * max(distances)


def live_wall(watched: Mapping[str, Any], pair: tuple[int, int], head: int) -> SideBySide:
    """The latest attention maps of a running run on the watched text, see `core.runs.run.Run.watched`."""

    def found(seen: Mapping[str, Any], layer: int) -> Tensor:
        heads = torch.tensor(seen["attention"][layer])
        return heads.mean(0) if head == EVERY_HEAD else heads[head]

    maps = [found(watched["teacher"], pair[1]), *(found(seen, pair[0]) for seen in watched["arms"].values())]
    return _wall(["teacher", *watched["arms"]], maps, tuple(watched["tokens"]))


def _wall(names: list[str], maps: Sequence[Tensor], pieces: tuple[str, ...]) -> SideBySide:
    distances = [map_kl(maps[0], one) for one in maps]
    return SideBySide(names, torch.stack([one[:SHOWN, :SHOWN] for one in maps]), distances, pieces[:SHOWN])


def reach(walls: Sequence[SideBySide]) -> float:
    """End of the common scale of some walls: the 0.99 quantile of the cells, so that one column cannot pale the rest."""
    return max(float(torch.stack([one.maps for one in walls]).flatten().quantile(0.99)), 1e-3)


# Maps of layers


UNPAIRED = -1
"""In a map: the entry of a student's layer that is paired with none."""


def pairs_of(map_: Sequence[int]) -> Pairs:
    """A map (the teacher's layer for each of the student's, or `UNPAIRED`) as pairs."""
    return tuple((layer, int(other)) for layer, other in enumerate(map_) if other != UNPAIRED)


def crossings(map_: Sequence[int]) -> list[tuple[int, int]]:
    """The pairs of the student's layers (lower, higher) whose teacher layers are in the opposite order."""
    pairs = pairs_of(map_)
    return [(low, high) for low, lower in pairs for high, upper in pairs if low < high and lower > upper]


def features_of(trace: Trace) -> Features:
    """A trace as input of the losses: a batch of one text."""
    layers = dict(enumerate(trace.layers))
    return Features(
        real=torch.ones(1, len(trace.tokens.pieces), dtype=torch.bool),
        hidden={number: layer.hidden[None] for number, layer in layers.items()},
        scores={number: layer.scores[None] for number, layer in layers.items()},
        values={number: layer.value[None] for number, layer in layers.items()},
    )
