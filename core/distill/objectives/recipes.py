"""Five published ways to distil, as data.

    recipe = RECIPES["distilbert"]
    recipe.stages[0].objective.names            # ("soft", "hard", "cosine")
    layers(recipe.starts_from, 3, 6)            # the teacher's layers that the student starts from

Weights and temperatures are the papers' own; where a paper searched a grid, a value from inside it. Learning rates and
numbers of steps belong to a run, not to a recipe.
"""

from __future__ import annotations

from core.distill.objectives.objective import Objective, Recipe, Stage
from core.distill.objectives.terms import (
    AttentionKL,
    AttentionScores,
    Cls,
    Cosine,
    Embedding,
    Hard,
    Hidden,
    Soft,
    ValueRelation,
)

HINTON = Recipe(
    name="hinton",
    stages=(Stage(Objective((Soft(weight=1.0, temperature=2.0), Hard(weight=0.5)))),),
    starts_from=None,
    source="Hinton, Vinyals, Dean 2015, section 2; temperature 2 and weight 0.5 of the hard loss: section 4.1",
    notes="Section 2 asks for a considerably lower weight on the hard loss; section 4.1 gives the numbers for speech.",
)

DISTILBERT = Recipe(
    name="distilbert",
    stages=(Stage(Objective((Soft(weight=5.0, temperature=2.0), Hard(weight=2.0), Cosine(weight=1.0)))),),
    starts_from="spread",
    source="Sanh et al. 2019, sections 2 and 3; weights, temperature and layers: Hugging Face's distillation code",
    notes="The code takes the soft loss of every real token unless told to take the masked ones only, as is done here.",
)

TINYBERT = Recipe(
    name="tinybert",
    stages=(
        Stage(Objective((Embedding(), Hidden(layers="uniform"), AttentionScores(layers="uniform"))), 0.5),
        Stage(Objective((Soft(temperature=1.0, scaled=False),)), 0.5),
    ),
    starts_from=None,
    source="Jiao et al. 2020, section 3.1, equations 7 to 11, with t = 1; uniform map: section 4.2",
    notes="Equation 7 takes the mean over heads, as here. The code divides the soft loss by the number of classes too.",
)

MINILM = Recipe(
    name="minilm",
    stages=(Stage(Objective((AttentionKL(layers="last_only"), ValueRelation(layers="last_only")))),),
    starts_from=None,
    source="Wang et al. 2020, sections 3.1 and 3.2, equations 6 to 10",
    notes="It never asks a head, so it distils an encoder: train a head on the student afterwards.",
)

PKD = Recipe(
    name="pkd",
    stages=(
        Stage(
            Objective(
                (
                    Soft(weight=0.5, temperature=10.0, reduction="mean"),
                    Hard(weight=0.5),
                    Cls(weight=100.0, layers="all_but_last"),
                )
            )
        ),
    ),
    starts_from="first",
    source="Sun et al. 2019, section 3, equations 4, 7 and 8 (PKD-Skip); reductions and T²: the authors' src/KD_loss.py; "
    "weights and temperature: inside the grids of their scripts/run_student_patience.py",
    notes="The grids: T in 5, 10, 20; soft weight in 0.2, 0.5, 0.7; [CLS] weight in 10, 100, 500, 1000. Teacher and student are "
    "as wide.",
)

RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in (HINTON, DISTILBERT, TINYBERT, MINILM, PKD)}
"""The recipes by name."""
