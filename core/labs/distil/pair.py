"""Which pair a set-up describes, as it is drawn; layers and heads as an address names them: "0-2-4", "0.3-2.11"."""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.distill.forward import Shape
from core.distill.terms import ByLayer
from core.labs.distil.setup import Setup, rule_layers

_HEAD = re.compile(r"(\d{1,3})\.(\d{1,3})")


@dataclass(frozen=True)
class Pair:
    """A teacher and a student, side by side.

    Attributes:
        teacher, student: layers, width and heads.
        kept: the teacher's layer from which each of the student's comes, counted from 0; None for a fresh student.
        compared: (student's layer, teacher's layer) that the objective compares.
        off: heads that are switched off, as (layer, head) of the teacher.
    """

    teacher: tuple[int, int, int]
    student: tuple[int, int, int]
    kept: tuple[int, ...] | None
    compared: tuple[tuple[int, int], ...] = ()
    off: tuple[tuple[int, int], ...] = ()


def drawn(setup: Setup) -> Pair:
    """The pair of a set-up.

    Raises:
        LabError: as `Setup.check`.
    """
    setup.check()
    teacher = Shape(setup.of_teacher.layers, setup.of_teacher.width, setup.of_teacher.heads)
    student = setup.shape
    terms = [term for stage in setup.stages() for term in stage.objective.terms if isinstance(term, ByLayer)]
    compared = sorted({pair for term in terms for pair in term.pairs(student, teacher)})
    kept = None if setup.start == "fresh" else setup.keep
    off = tuple((layer, head) for layer, head in setup.heads_off if kept and layer in kept)
    return Pair(_sides(teacher), _sides(student), kept, tuple(compared), off)


def _sides(shape: Shape) -> tuple[int, int, int]:
    return shape.layers, shape.width, shape.heads


def kept_of(written: str, layers: int) -> tuple[int, ...]:
    """The layers that an address names; every second end of a block where it names none that the teacher has."""
    parts = written.split("-") if written else []
    numbers = [int(part) for part in parts if part.isdecimal() and len(part) < 4]
    found = tuple(sorted({number for number in numbers if number < layers}))
    return found or rule_layers("uniform", max(1, layers // 2), layers)


def heads_of(written: str, layers: int, heads: int) -> tuple[tuple[int, int], ...]:
    """The heads (layer, head) that an address names and the teacher has."""
    found = [_HEAD.fullmatch(part) for part in written[:2000].split("-")]
    pairs = {(int(match[1]), int(match[2])) for match in found if match}
    return tuple(sorted((layer, head) for layer, head in pairs if layer < layers and head < heads))
