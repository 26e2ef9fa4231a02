"""Which pair a set-up describes, as it is drawn; layers and heads as an address names them: "1-3-5", "1.4-3.12"."""

from __future__ import annotations

from dataclasses import dataclass

from core.distill.forward import Shape
from core.distill.layer_maps import USUAL
from core.distill.terms import ByLayer
from core.labs.distil.setup import Setup, rule_layers
from core.numbering import read_list, read_pairs


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


def named_in(written: str, layers: int) -> tuple[int, ...]:
    """The layers that an address names and the teacher has, rising."""
    return tuple(sorted({layer for layer in read_list(written) if 0 <= layer < layers}))


def kept_of(written: str, layers: int) -> tuple[int, ...]:
    """The layers that an address names; half of them, by the usual rule, where it names none that the teacher has."""
    return named_in(written, layers) or rule_layers(USUAL, max(1, layers // 2), layers)


def heads_of(written: str, layers: int, heads: int) -> tuple[tuple[int, int], ...]:
    """The heads (layer, head) that an address names and the teacher has."""
    pairs = set(read_pairs(written[:2000]))
    return tuple(sorted((layer, head) for layer, head in pairs if 0 <= layer < layers and 0 <= head < heads))
