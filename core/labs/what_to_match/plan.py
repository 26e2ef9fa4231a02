"""Four students of one teacher with the same start, texts and steps; they differ only in their objective.

    run = begin(plan(Setup(steps=160, procedure="before"), title="What to match"), owner="me")    # of `core.runs.datasets`
    plan(Setup(map_=(0, 1, 2)), title="the first layers").arms["tinybert"].stages

Their results are in `core.labs.what_to_match.convergence`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from core.distill.objectives.objective import CONTROL, Objective, Stage, mixture
from core.distill.objectives.terms import AttentionKL, AttentionScores, Embedding, Hidden, Term, ValueRelation
from core.distill.training import TrainingConfig
from core.labs.what_to_match.layer_maps import map_from, rules
from core.labs.what_to_match.relations import pairs_of
from core.models.card import catalog
from core.runs.datasets import TEACHER
from core.runs.plan import ArmPlan, RunPlan, StudentPlan

ARMS = ("control", "logits", "tinybert", "minilm")
"""In the order in which they are shown."""

SHAPE = StudentPlan(depth=3, width=96, heads=12, words="teacher")
"""As many heads as the teacher, so that heads can be compared one by one."""

TEXTS, LABELS, HELD_OUT, RATE = 1000, 400, 300, 2e-3

SNAPSHOTS, MEASURED = 16, 8
"""Number of saved students during training, most of them early, where most changes, and number of measurements."""

LOGITS = mixture(0.9, 2.0)
"""Objective on the logits of every student with a teacher: 0.9 · soft loss (T = 2) + 0.1 · hard loss."""

Procedure = Literal["beside", "before"]


@dataclass(frozen=True)
class Setup:
    """The learner's settings.

    Attributes:
        steps: of each student.
        procedure: "beside" adds the losses on hidden states and attention to those on the logits in all steps; "before" gives
            them the first half of the steps and the logits the second, as TinyBERT's paper does.
        weight: of the losses on hidden states and attention, where they are added to those on the logits.
        map_: the teacher's layer for each of the student's, from 0; for the losses of TinyBERT.
        seeds: number of repetitions, each with another random seed.
    """

    steps: int = 160
    procedure: Procedure = "beside"
    weight: float = 1.0
    map_: tuple[int, ...] = (1, 3, 5)
    seeds: int = 1


def maps_offered(on_board: str) -> dict[str, tuple[int, ...]]:
    """The layer maps that TinyBERT's losses can use: those of the rules, and the board's where it fits these students.

    Args:
        on_board: the board's map as the address carries it.
    """
    teacher = next(card for card in catalog() if card.name == TEACHER)
    given = rules(SHAPE.depth, teacher.layers)
    given.pop("last_only")
    dragged = map_from(on_board, SHAPE.depth, teacher.layers, ())
    return given | ({"board": dragged} if dragged else {})


def inside(arm: str, setup: Setup) -> tuple[Term, ...]:
    """Terms of an arm's objective besides those on the logits, with their weights.

    With "before" all weights are 1, as in the papers. With "beside" TinyBERT's losses would dominate the soft loss, since its
    raw scores begin with an error near 20: the weights are set so that each loss begins near 1.
    """
    pairs, beside = pairs_of(setup.map_), setup.procedure == "beside"
    share = setup.weight if beside else 1.0
    if arm == "tinybert":
        states, scores = (0.1 * share, 0.03 * share) if beside else (1.0, 1.0)
        return (
            Embedding(weight=states),
            Hidden(weight=states, layers=pairs),
            AttentionScores(weight=scores, layers=pairs),
        )
    if arm == "minilm":
        return AttentionKL(weight=share), ValueRelation(weight=share)
    return ()


def stages(arm: str, setup: Setup) -> tuple[Stage, ...]:
    """Objectives of an arm, one stage after the other."""
    if arm == "control":
        return (Stage(CONTROL),)
    terms = inside(arm, setup)
    if not terms:
        return (Stage(LOGITS),)
    if setup.procedure == "beside":
        return (Stage(Objective((*terms, *LOGITS.terms))),)
    return Stage(Objective(terms), 0.5), Stage(LOGITS, 0.5)


def plan(setup: Setup, title: str, extra: dict[str, Any] | None = None) -> RunPlan:
    """The run of a set-up.

    Args:
        extra: kept with the plan.
    """
    material = {"kind": "kinds", "texts": TEXTS, "labels": LABELS, "held_out": HELD_OUT}
    written = {**asdict(setup), "map_": list(setup.map_)}
    return RunPlan(
        title=title,
        task="single_label",
        teachers=(TEACHER,),
        arms={arm: ArmPlan(SHAPE, stages(arm, setup)) for arm in ARMS},
        training=TrainingConfig(steps=setup.steps, learning_rate=RATE),
        seeds=tuple(range(setup.seeds)),
        measure_every=max(1, setup.steps // MEASURED),
        snapshots=SNAPSHOTS,
        extra={"page": "what_to_match", "material": material, "setup": written, **(extra or {})},
    )
