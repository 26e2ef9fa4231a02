"""Layer maps: the teacher's layer for each layer of the student, counted from 0.

    uniform(3, 6)               # (1, 3, 5): the student's layer 0 learns from the teacher's layer 1, and so on
    pairs("last_only", 3, 6)    # ((2, 5),): (student's layer, teacher's layer)
    made_from(None, 3, 6)       # ((1, 3, 5), False): assumed, since no card says which layers a student comes from

A map has two uses: the layers a student starts from (`core.distill.students.from_layers`), and the layers whose hidden states
or attention are compared. The rules, with what they give for 3 of 6 (from 1):

- `uniform`, 2 4 6: TinyBERT's uniform strategy g(m) = m · N / M (Jiao et al. 2020, section 4.2).
- `spread`, 1 4 6: first to last; DistilBERT's code (scripts/extract_distilbert.py: 0, 2, 4, 7, 9, 11 of 12, from 0).
- `every_other`, 1 3 5: DistilBERT's paper, one layer out of two (Sanh et al. 2019, section 3).
- `first`, 1 2 3: PKD's start (Sun et al. 2019); the bottom strategy of TinyBERT's table 4.
- `last`, 4 5 6: the top strategy of the same table.
- `last_only`, the last with 6: MiniLM (Wang et al. 2020, section 3).
- `all_but_last`, the first two with 2 4: PKD-Skip, the uniform map without its last pair (Sun et al. 2019, section 3.2).
- `pkd_last`, the first two with 4 5: PKD-Last, the highest layers without the last pair (the same section).

Turc et al. 2019 and TinyBERT's table 4 measure how much the choice matters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from core.errors import LabError
from core.numbering import listed, numbers, read

Pairs = tuple[tuple[int, int], ...]
"""(student's layer, teacher's layer), each counted from 0."""

Rule = Literal["uniform", "spread", "first", "last", "every_other", "last_only", "all_but_last", "pkd_last"]

USUAL: Rule = "uniform"
"""The rule by which Distil makes a student unless another is chosen, and by which an unknown student is taken to be made."""


def uniform(students: int, teachers: int) -> tuple[int, ...]:
    """TinyBERT's uniform map, the end of each of `students` equal blocks: (1, 3, 5) for 3 of 6.

    g(m) = 3m for 4 of 12 (Jiao et al. 2020, section 4.2); where the blocks do not divide, their ends are rounded down.
    """
    _check(students, teachers)
    return tuple((layer + 1) * teachers // students - 1 for layer in range(students))


def spread(students: int, teachers: int) -> tuple[int, ...]:
    """Evenly from the first layer to the last: (0, 2, 4, 7, 9, 11) for 6 of 12, the layers DistilBERT's code starts from."""
    _check(students, teachers)
    if students == 1:
        return (teachers - 1,)
    return tuple((2 * layer * (teachers - 1) + students - 1) // (2 * (students - 1)) for layer in range(students))


def first_k(students: int, teachers: int) -> tuple[int, ...]:
    """The lowest layers, which PKD starts from (Sun et al. 2019): (0, 1, 2) for 3 of 6."""
    _check(students, teachers)
    return tuple(range(students))


def last_k(students: int, teachers: int) -> tuple[int, ...]:
    """The highest layers, TinyBERT's top strategy (Jiao et al. 2020, table 4): (3, 4, 5) for 3 of 6."""
    _check(students, teachers)
    return tuple(range(teachers - students, teachers))


def every_other(students: int, teachers: int) -> tuple[int, ...]:
    """One layer out of two from the lowest on, DistilBERT's start (Sanh et al. 2019, section 3): (0, 2, 4) for 3 of 6.

    Raises:
        LabError: `bad_layers` if the teacher ends before the student is full.
    """
    _check(students, teachers)
    layers = tuple(2 * layer for layer in range(students))
    if layers[-1] >= teachers:
        raise LabError("bad_layers", layers=listed(layers), count=teachers)
    return layers


def by_hand(layers: Sequence[int], teachers: int) -> tuple[int, ...]:
    """The chosen layers, once it is sure that the teacher has them.

    Raises:
        LabError: `bad_layers` if there is none, one does not exist, or one comes twice.
    """
    chosen = tuple(int(layer) for layer in layers)
    if not chosen or len(set(chosen)) < len(chosen) or not all(0 <= layer < teachers for layer in chosen):
        raise LabError("bad_layers", layers=listed(chosen) or "none", count=teachers)
    return chosen


def last_only(students: int, teachers: int) -> Pairs:
    """MiniLM: the last layers only (Wang et al. 2020, section 3)."""
    _check(students, teachers)
    return ((students - 1, teachers - 1),)


def pkd_skip(students: int, teachers: int) -> Pairs:
    """PKD-Skip: the uniform map without its last pair, which the soft loss sees already (Sun et al. 2019, section 3.2)."""
    return tuple(enumerate(uniform(students, teachers)))[:-1]


def pkd_last(students: int, teachers: int) -> Pairs:
    """PKD-Last: the highest layers without the last pair (Sun et al. 2019, section 3.2)."""
    return tuple(enumerate(last_k(students, teachers)))[:-1]


CHOICES: dict[str, Callable[[int, int], tuple[int, ...]]] = {
    "uniform": uniform,
    "spread": spread,
    "first": first_k,
    "last": last_k,
    "every_other": every_other,
}
"""The rules that name one layer of the teacher for each of the student's."""

PARTIAL: dict[str, Callable[[int, int], Pairs]] = {
    "last_only": last_only,
    "all_but_last": pkd_skip,
    "pkd_last": pkd_last,
}
"""The rules that leave some of the student's layers without one of the teacher's."""


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
    if rule in PARTIAL:
        return PARTIAL[rule](students, teachers)
    return tuple(enumerate(CHOICES[rule](students, teachers)))


def made_from(told: object, students: int, teachers: int) -> tuple[tuple[int, ...], bool]:
    """The teacher's layer that each of the student's layers comes from, and whether the student's card names it.

    Args:
        told: `layer_map` in the metrics of the student's card, which counts from 1; None where the card has none.

    Returns:
        The map of the card, if that can be. Otherwise the map by the rule `USUAL`; a student deeper than its teacher can come
        from no such layers, and its layers share the teacher's in equal blocks.
    """
    if isinstance(told, list) and len(told) == students and all(layer in numbers(teachers) for layer in told):
        return tuple(map(read, told)), True
    if students > teachers:
        return tuple(layer * teachers // students for layer in range(students)), False
    return layers(USUAL, students, teachers), False


def _check(students: int, teachers: int) -> None:
    if not 1 <= students <= teachers:
        raise LabError("bad_layers", layers=listed(range(students)) or "none", count=teachers)
