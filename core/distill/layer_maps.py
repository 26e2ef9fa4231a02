"""Which layer of the teacher belongs to which layer of the student, counted from 0.

    uniform(3, 6)               # (1, 3, 5): the student's layer 0 learns from the teacher's layer 1, and so on
    pairs("last_only", 3, 6)    # ((2, 5),): (student's layer, teacher's layer)

A map has two uses: the layers a student starts from (`core.distill.students.from_layers`), and the layers whose hidden states
or attention are compared. Turc et al. 2019 and TinyBERT's table 4 measure how much the choice matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from core.errors import LabError

Pairs = tuple[tuple[int, int], ...]
"""(student's layer, teacher's layer), each counted from 0."""

Rule = Literal["uniform", "spread", "first", "last", "every_other", "last_only", "all_but_last"]


def uniform(students: int, teachers: int) -> tuple[int, ...]:
    """The end of each of `students` equal blocks: (1, 3, 5) for 3 of 6, TinyBERT's g(m) = 3m for 4 of 12 (section 4.2)."""
    _check(students, teachers)
    return tuple((layer + 1) * teachers // students - 1 for layer in range(students))


def spread(students: int, teachers: int) -> tuple[int, ...]:
    """Evenly from the first layer to the last: (0, 2, 4, 7, 9, 11) for 6 of 12, the layers DistilBERT's code starts from."""
    _check(students, teachers)
    if students == 1:
        return (teachers - 1,)
    return tuple((2 * layer * (teachers - 1) + students - 1) // (2 * (students - 1)) for layer in range(students))


def first_k(students: int, teachers: int) -> tuple[int, ...]:
    """The lowest layers, which PKD starts from: (0, 1, 2) for 3 of 6."""
    _check(students, teachers)
    return tuple(range(students))


def last_k(students: int, teachers: int) -> tuple[int, ...]:
    """The highest layers: (3, 4, 5) for 3 of 6."""
    _check(students, teachers)
    return tuple(range(teachers - students, teachers))


def every_other(students: int, teachers: int) -> tuple[int, ...]:
    """Every second layer from the lowest on: (0, 2, 4) for 3 of 6.

    Raises:
        LabError: `bad_layers` if the teacher ends before the student is full.
    """
    _check(students, teachers)
    layers = tuple(2 * layer for layer in range(students))
    if layers[-1] >= teachers:
        raise LabError("bad_layers", layers=_written(layers), count=teachers)
    return layers


def by_hand(layers: Sequence[int], teachers: int) -> tuple[int, ...]:
    """The chosen layers, once it is sure that the teacher has them.

    Raises:
        LabError: `bad_layers` if there is none, one does not exist, or one comes twice.
    """
    chosen = tuple(int(layer) for layer in layers)
    if not chosen or len(set(chosen)) < len(chosen) or not all(0 <= layer < teachers for layer in chosen):
        raise LabError("bad_layers", layers=_written(chosen), count=teachers)
    return chosen


def _last_only(students: int, teachers: int) -> Pairs:
    """MiniLM: the last layers only (section 3)."""
    return ((students - 1, teachers - 1),)


def _all_but_last(students: int, teachers: int) -> Pairs:
    """PKD-Skip: the uniform map without its last pair, which the soft loss sees already (PKD, section 3.2)."""
    return tuple(enumerate(uniform(students, teachers)))[:-1]


CHOICES: dict[str, Callable[[int, int], tuple[int, ...]]] = {
    "uniform": uniform,
    "spread": spread,
    "first": first_k,
    "last": last_k,
    "every_other": every_other,
}
"""The rules that name one layer of the teacher for each of the student's."""

_PARTIAL = {"last_only": _last_only, "all_but_last": _all_but_last}


def layers(rule: str | Sequence[int], students: int, teachers: int) -> tuple[int, ...]:
    """The teacher's layer for each of the student's, by a name in `CHOICES` or by hand.

    Raises:
        LabError: `bad_layers`.
    """
    return CHOICES[rule](students, teachers) if isinstance(rule, str) else by_hand(rule, teachers)


def pairs(rule: Rule | Pairs, students: int, teachers: int) -> Pairs:
    """The pairs of layers that are compared, by a rule's name or by hand.

    Raises:
        LabError: `bad_layers` if a layer does not exist.
    """
    if not isinstance(rule, str):
        chosen = tuple((int(student), int(teacher)) for student, teacher in rule)
        by_hand(sorted({student for student, _ in chosen}), students)
        by_hand(sorted({teacher for _, teacher in chosen}), teachers)
        return chosen
    if rule in _PARTIAL:
        _check(students, teachers)
        return _PARTIAL[rule](students, teachers)
    return tuple(enumerate(CHOICES[rule](students, teachers)))


def _check(students: int, teachers: int) -> None:
    if not 1 <= students <= teachers:
        raise LabError("bad_layers", layers=f"0..{students - 1}", count=teachers)


def _written(layers: Sequence[int]) -> str:
    return ", ".join(map(str, layers)) or "none"
