"""Four students of one teacher, the same start, texts and steps; only what they match differs.

    run = begin(plan(Setup(steps=160, procedure="before"), title="What to match"), owner="me")    # of `core.runs.datasets`
    plan(Setup(map_=(0, 1, 2)), title="the first layers").arms["tinybert"].stages

What becomes of them: `core.labs.what_to_match.convergence`.
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
"""As many heads as the teacher, so that head can be compared with head."""

TEXTS, LABELS, HELD_OUT, RATE = 1000, 400, 300, 2e-3

SNAPSHOTS, MEASURED = 16, 8
"""How many students are kept on the way, most of what changes being early, and how often they are measured."""

LOGITS = mixture(0.9, 2.0)
"""What every taught student minimises on the logits: 0.9 · soft loss (T = 2) + 0.1 · hard loss."""

Procedure = Literal["beside", "before"]


@dataclass(frozen=True)
class Setup:
    """What a learner decides.

    Attributes:
        steps: of each student.
        procedure: "beside" adds the losses on the inside to those on the logits, all along; "before" gives them the first half
            of the steps and the logits the second, as TinyBERT's paper does.
        weight: of the inside, where it stands beside the logits.
        map_: the teacher's layer for each of the student's, from 0; for the losses of TinyBERT.
        seeds: how many times everything is repeated from another start.
    """

    steps: int = 160
    procedure: Procedure = "beside"
    weight: float = 1.0
    map_: tuple[int, ...] = (1, 3, 5)
    seeds: int = 1


def maps_offered(on_board: str) -> dict[str, tuple[int, ...]]:
    """The layer maps that TinyBERT's losses can use: those that rules give, and the board's where it fits these students.

    Args:
        on_board: the board's map as the address carries it.
    """
    teacher = next(card for card in catalog() if card.name == TEACHER)
    given = rules(SHAPE.depth, teacher.layers)
    given.pop("last_only")
    dragged = map_from(on_board, SHAPE.depth, teacher.layers, ())
    return given | ({"board": dragged} if dragged else {})


def inside(arm: str, setup: Setup) -> tuple[Term, ...]:
    """What an arm matches besides logits, with its weights.

    Before the logits all weights are 1, the papers' own. Beside them TinyBERT's would drown the soft loss, since its raw
    scores begin with an error near 20: they are set so that each loss begins near 1.
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
    """What an arm minimises, one stage after the other."""
    if arm == "control":
        return (Stage(CONTROL),)
    terms = inside(arm, setup)
    if not terms:
        return (Stage(LOGITS),)
    if setup.procedure == "beside":
        return (Stage(Objective((*terms, *LOGITS.terms))),)
    return Stage(Objective(terms), 0.5), Stage(LOGITS, 0.5)


def plan(setup: Setup, title: str, extra: dict[str, Any] | None = None) -> RunPlan:
    """The run that a set-up stands for.

    Args:
        extra: what the page wants to remember with it.
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
