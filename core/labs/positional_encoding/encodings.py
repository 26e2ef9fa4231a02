"""Position vectors without any words: the sinusoids of Vaswani et al. 2017, and a model's learned table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from core.engine import Engine, Setting
from core.errors import LabError
from core.measure.similarity import cosine_grid
from core.theory.positions import SimilarityByDistance, similarity_by_distance, sinusoidal_encoding

MOST_ROWS, MOST_COLUMNS = 46, 64
"""Largest size of a heat map: a longer table is drawn in blocks of positions, of a wider one every n-th pair."""

COMPONENTS = 8
"""Principal components of a table that are kept."""

WINDOW = 48
"""Positions of the learned table in the close-up."""


def block_starts(length: int, most: int) -> list[int]:
    """First row of each of at most `most` blocks of `length` rows."""
    count = min(length, most)
    return [index * length // count for index in range(count)]


def block_means(matrix: Tensor, starts: list[int]) -> Tensor:
    """The mean of each block of rows, `[row, ...]` -> `[block, ...]`: fast waves fade, where samples would show false ones."""
    ends = [*starts[1:], len(matrix)]
    return torch.stack([matrix[begin:end].mean(dim=0) for begin, end in zip(starts, ends, strict=True)])


@dataclass(frozen=True)
class Waves:
    """Sinusoids of one length, width and base.

    Attributes:
        encoding: `[position, dimension]`.
        drawn: the same in at most `MOST_ROWS` × `MOST_COLUMNS` cells, `[row, column]`.
        rows: the first position of each row.
        columns: the dimension of each column.
        similarity: by distance; all pairs of one distance agree.
    """

    encoding: Tensor
    drawn: Tensor
    rows: list[int]
    columns: list[int]
    similarity: SimilarityByDistance

    @property
    def positions_per_row(self) -> float:
        """Positions per drawn row."""
        return len(self.encoding) / len(self.rows)

    @property
    def shrunk(self) -> bool:
        """True if the drawn table is smaller than the encoding."""
        return self.encoding.numel() > self.drawn.numel()


@lru_cache(maxsize=64)
def waves(length: int, width: int, base: float) -> Waves:
    """The sinusoidal encoding (Vaswani et al. 2017, section 3.5), ready to be drawn."""
    encoding = sinusoidal_encoding(length, width, base)
    rows = block_starts(length, MOST_ROWS)
    pairs = block_starts(width // 2, MOST_COLUMNS // 2)  # neighbours turn almost equally fast: samples lose nothing
    columns = [2 * pair + part for pair in pairs for part in (0, 1)]
    return Waves(encoding, block_means(encoding[:, columns], rows), rows, columns, similarity_by_distance(encoding))


@dataclass(frozen=True)
class Clock:
    """One pair of dimensions (2i, 2i+1) at two positions: a clock hand that turns by the same angle with each position.

    Attributes:
        frequency: ω = base^(−2i/width), radians per position.
        period: positions per full turn, 2π/ω.
        turns: turns from the first position to the second.
        angles: ω · position, in radians, `[2]`.
        hands: (sin, cos) at both positions, `[2, 2]`.
        matrix: takes the first hand to the second; it depends on their difference only, `[2, 2]`.
    """

    frequency: float
    period: float
    turns: float
    angles: list[float]
    hands: Tensor
    matrix: Tensor


def clock(width: int, base: float, pair: int, first: int, second: int) -> Clock:
    """One pair of dimensions at two positions as a clock (Vaswani et al. 2017, section 3.5, last paragraph but one)."""
    frequency = base ** (-2 * pair / width)
    angles = [frequency * first, frequency * second]
    hands = torch.tensor([[math.sin(angle), math.cos(angle)] for angle in angles], dtype=torch.float64)
    between = angles[1] - angles[0]
    cos, sin = math.cos(between), math.sin(between)
    matrix = torch.tensor([[cos, sin], [-sin, cos]], dtype=torch.float64)
    return Clock(frequency, 2 * math.pi / frequency, between / (2 * math.pi), angles, hands, matrix)


@dataclass(frozen=True)
class Pair:
    """Two positions compared: their dot product and cosine, and the dot product after both have moved by `moved`."""

    distance: int
    dot: float
    cosine: float
    moved: int
    dot_moved: float


def compare_positions(width: int, base: float, first: int, second: int, moved: int = 100) -> Pair:
    """Similarity of the sinusoids of two positions, here and `moved` positions later."""
    encoding = sinusoidal_encoding(max(first, second) + moved + 1, width, base).double()
    dot = float(encoding[first] @ encoding[second])
    later = float(encoding[first + moved] @ encoding[second + moved])
    return Pair(abs(first - second), dot, dot / (width / 2), moved, later)


@dataclass(frozen=True)
class LearnedTable:
    """A learned position table, compared with sinusoids of the same size.

    Attributes:
        table: `[position, width]`.
        drawn: cosines of all pairs of positions in blocks, `[row, column]`.
        starts: the first position of each block.
        norms: the length of each row, `[position]`.
        next_cosine: cosine of each row with the next, `[position - 1]`.
        typical: median of `next_cosine`.
        seams: positions whose next row is unusually different (at most the five worst).
        untrained: positions so unlike their neighbours that they might still hold their random start, `[CLS]`'s left out.
        similarity, sinusoids: by distance.
        largest_norm, highest_norm: the position with the longest row, and its length.
    """

    table: Tensor
    drawn: Tensor
    starts: list[int]
    norms: Tensor
    next_cosine: Tensor
    typical: float
    seams: list[int]
    untrained: list[int]
    similarity: SimilarityByDistance
    sinusoids: SimilarityByDistance
    largest_norm: int
    highest_norm: float

    @property
    def last_start(self) -> int:
        """The last position at which a window of `WINDOW` rows can begin."""
        return max(0, len(self.table) - WINDOW)

    @property
    def block(self) -> float:
        """Positions per drawn cell, along each side."""
        return len(self.table) / len(self.starts)

    @property
    def valley(self) -> int:
        """The distance at which the learned curve first stops falling."""
        rises = (self.similarity.cosine.diff() > 0).nonzero().flatten()
        return int(rises[0]) if len(rises) else len(self.table) - 1

    @property
    def hill(self) -> int | None:
        """The distance at which it then stops rising, or None if it rises by less than 0.05."""
        curve = self.similarity.cosine[self.valley :]
        falls = (curve.diff() < 0).nonzero().flatten()
        top = int(falls[0]) if len(falls) else len(curve) - 1
        return self.valley + top if float(curve[top] - curve[0]) > 0.05 else None

    @property
    def usual_norm(self) -> float:
        """The median length of a row."""
        return float(self.norms.median())


def position_table(engine: Engine, setting: Setting, name: str) -> Tensor:
    """The rows that a model adds to its words at position 0, 1, 2, ..., `[position, width]`.

    Raises:
        LabError: `no_position_table` if the model has none (rotary models), and as `Engine.checkpoint`.
    """
    checkpoint = engine.checkpoint(setting, name)
    for path, module in checkpoint.model.named_modules():
        if path.endswith(checkpoint.family.position) and hasattr(module, "weight"):
            # RoBERTa's table has two rows before the one of position 0.
            return module.weight[-checkpoint.longest :].to("cpu", torch.float32)
    raise LabError("no_position_table", name=name)


@lru_cache(maxsize=8)
def learned_table(engine: Engine, setting: Setting, name: str) -> LearnedTable:
    """The model's own position table, measured.

    Raises:
        LabError: as `position_table`.
    """
    table = position_table(engine, setting, name)
    cosines = cosine_grid(table)
    starts = block_starts(len(table), MOST_ROWS)
    drawn = block_means(block_means(cosines, starts).T, starts).T
    next_cosine = cosines.diagonal(1)
    typical = float(next_cosine.median())
    scatter = float((next_cosine - typical).abs().median())
    # Far below the median, on the scale of the usual scatter (median absolute deviation).
    unusual = (next_cosine < typical - 6 * max(scatter, 0.02)).nonzero().flatten()
    worst = unusual[next_cosine[unusual].argsort()][:5].sort().values.tolist()
    both = torch.maximum(next_cosine[:-1], next_cosine[1:])  # the better of a row's two neighbours, from position 1 on
    noise = 4 / math.sqrt(table.shape[1])  # random rows have cosines of about 1/√width
    return LearnedTable(
        table=table,
        drawn=drawn,
        starts=starts,
        norms=table.norm(dim=-1),
        next_cosine=next_cosine,
        typical=typical,
        seams=worst,
        untrained=((both < noise).nonzero().flatten() + 1).tolist(),
        similarity=similarity_by_distance(table),
        sinusoids=similarity_by_distance(sinusoidal_encoding(len(table), table.shape[1] // 2 * 2)),
        largest_norm=int(table.norm(dim=-1).argmax()),
        highest_norm=float(table.norm(dim=-1).max()),
    )


@dataclass(frozen=True)
class Path:
    """Consecutive rows of a table in their principal components.

    Attributes:
        first, last: the first and the last position.
        cosines: of all pairs, `[position, position]`.
        scores: the principal components of each row, `[position, component]`.
        shares: the share of the variance of each component, `[component]`.
        periods: positions per wave of each component, `[component]`.
        axes: the pair of neighbouring components that is most like a circle.
        turns: waves of the path in each component, `[component]`.
    """

    first: int
    last: int
    cosines: Tensor
    scores: Tensor
    shares: list[float]
    periods: list[float]
    axes: tuple[int, int]
    turns: list[float]

    def share_of(self, axes: tuple[int, int]) -> float:
        """Share of the variance of two components together."""
        return sum(self.shares[axis] for axis in axes)

    def goes_round(self, one: int) -> bool:
        """True if component `one` and the next have like periods and three waves or more: together they are a clock."""
        return _alike(self.periods[one], self.periods[one + 1]) and self.turns[one] >= 3


def path(table: Tensor, first: int, count: int = WINDOW) -> Path:
    """The principal components of `count` rows from `first` on, and the pair of them that is most like a clock.

    Slow components of any smooth curve look like waves too (Antognini and Sohl-Dickstein 2018), so only pairs that go
    round at least three times are considered, if there are any.
    """
    rows = table[first : first + count].double()
    centred = rows - rows.mean(dim=0)
    _, strength, directions = torch.linalg.svd(centred, full_matrices=False)
    kept = min(COMPONENTS, len(strength))
    scores = centred @ directions[:kept].T  # [position, component]
    spectra = torch.fft.rfft(scores, n=1024, dim=0).abs()[1:]  # [frequency - 1, component]
    periods = (1024 / (spectra.argmax(dim=0) + 1).double()).tolist()
    shares = strength.square() / strength.square().sum()
    axes = _clock_axes(scores, periods)
    turns = [len(rows) / period for period in periods]
    return Path(first, first + len(rows) - 1, cosine_grid(rows), scores, shares[:kept].tolist(), periods, axes, turns)


def _clock_axes(scores: Tensor, periods: list[float]) -> tuple[int, int]:
    """The pair of neighbouring components of like period whose path is nearest to a circle."""
    candidates = []
    for one in range(len(periods) - 1):
        if _alike(periods[one], periods[one + 1]) and len(scores) / periods[one] >= 3:
            radius = scores[:, one : one + 2].norm(dim=-1)  # [position]
            candidates.append((float(radius.std() / radius.mean()), one))
    best = min(candidates, default=(0.0, 0))[1]
    return best, best + 1


def _alike(one: float, other: float) -> bool:
    return abs(math.log(one / other)) < 0.1
