"""Training and test texts of a live run: the shipped definitions, with the teacher's stored predictions.

material = material_for("kinds", texts=2000, labels=400)           # classes; the teacher's logits are known already
material = material_for("words", teacher="minilm-teacher")         # masked words in the same definitions
run = start(plan, material, owner="a session")                     # a folder of its own, in the run queue
run = begin(plan, owner="a session")                               # the same, with the texts that the plan itself names
run_queue().view(run.name).state, run.metrics()
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from core.data.kinds import KINDS, Definition, definitions, teacher_logits
from core.distill.inputs.encoding import encode, masked
from core.distill.inputs.texts import TokenizedTexts
from core.engine import ENGINE, Engine, Setting
from core.memory import remembered
from core.runs.plan import RunPlan
from core.runs.run import Run
from core.runs.server import run_queue

TEACHER = "kinds-teacher"
"""Teacher with logits stored next to the definitions."""


@dataclass(frozen=True)
class Material:
    """Texts for a run.

    Attributes:
        texts: what the students learn from.
        held_out: what all models are measured on. No student of the run learned from it, nor did `kinds-teacher`; the teacher of
            masked words has read most of WordNet.
        logits, held_out_logits: the teacher's answers where they are stored, `[text, class]`, else None.
        origin: in a few words, for the model card.
    """

    texts: TokenizedTexts
    held_out: TokenizedTexts
    logits: Tensor | None
    held_out_logits: Tensor | None
    origin: str


def kinds_material(
    texts: int = 2000,
    labels: int = 400,
    held_out: int = 300,
    left_out: Collection[str] = (),
    teacher: str = TEACHER,
    engine: Engine = ENGINE,
) -> Material:
    """Definitions of nouns to be sorted into 16 supersenses; only the first `labels` of them carry their label.

    Args:
        texts: of the transfer set; the shipped teacher was not trained on their labels.
        labels: how many of them carry their label.
        held_out: definitions to measure on, from the part made for such choices ("validation").
        left_out: classes of which the students get no text at all.
        teacher: a name in the catalogue; the stored logits serve for the shipped one.

    Raises:
        LabError: `missing_data`, and as `core.models.load`.
    """
    tokenizer = engine.checkpoint(Setting(teacher, ""), teacher).tokenizer
    absent = {KINDS.index(kind) for kind in left_out}
    rows = [i for i, row in enumerate(definitions("transfer")) if row.kind not in absent][:texts]
    learned = [definitions("transfer")[i] for i in rows]
    measured = definitions("validation")[:held_out]

    def encoded(part: Collection[Definition]) -> TokenizedTexts:
        return encode(tokenizer, [row.text for row in part], [row.kind for row in part])

    known = teacher == TEACHER
    few = encoded(learned).without_labels(range(min(labels, len(rows)), len(rows)))
    return Material(
        few,
        encoded(measured),
        teacher_logits("transfer")[torch.tensor(rows)] if known else None,
        teacher_logits("validation")[: len(measured)] if known else None,
        f"{len(rows)} definitions of nouns from WordNet 3.0, {min(labels, len(rows))} of them with their kind",
    )


def words_material(
    teacher: str, texts: int = 1000, held_out: int = 150, static: bool = False, seed: int = 0, engine: Engine = ENGINE
) -> Material:
    """The same definitions with hidden words, to be guessed over the whole vocabulary.

    Args:
        teacher: whose tokenizer cuts the texts.
        static: the words hidden in the first epoch stay hidden in all others.

    Raises:
        LabError: `missing_data`, and as `core.models.load`.
    """
    tokenizer = engine.checkpoint(Setting(teacher, ""), teacher).tokenizer
    learned = masked(tokenizer, [row.text for row in definitions("transfer")[:texts]], seed=seed)
    measured = masked(tokenizer, [row.text for row in definitions("validation")[:held_out]], seed=seed)
    origin = f"{texts} definitions of nouns from WordNet 3.0"
    return Material(learned.at_epoch(0) if static else learned, measured.at_epoch(0), None, None, origin)


MAKERS: dict[str, Callable[..., Material]] = {"kinds": kinds_material, "words": words_material}
"""Function that makes the texts of a task, by the task's name in the catalogue."""


@remembered(8)  # thousands of texts cut into tokens: a few megabytes each
def material_for(task: str, **arguments: Any) -> Material:
    """The texts for a task. Kept, since cutting thousands of texts into tokens takes longer than a learner likes to wait.

    Args:
        task: a key of `MAKERS`.
        arguments: of that function.

    Raises:
        KeyError: there are no texts for this task.
        LabError: `missing_data`, and as `core.models.load`.
    """
    return MAKERS[task](**arguments)


def material_of(written: Mapping[str, Any]) -> Material:
    """The texts that a plan names: under "kind" a key of `MAKERS`, and the arguments of that function.

    Args:
        written: `extra["material"]` of the plan.

    Raises:
        KeyError, LabError: as `material_for`.
    """
    arguments = dict(written)
    return material_for(arguments.pop("kind"), **arguments)


def begin(plan: RunPlan, owner: str = "", steps: int | None = None) -> Run:
    """Start a run on the texts that its plan names in `extra["material"]`, see `material_of` and `start`.

    Raises:
        LabError: `missing_data`, `no_space`, and as `core.models.load`.
    """
    material = material_of(plan.extra["material"])
    return start(replace(plan, origin=material.origin), material, owner, steps)


def start(plan: RunPlan, material: Material, owner: str = "", steps: int | None = None) -> Run:
    """Write a run into a new folder and put it into the queue.

    Args:
        owner: who starts it; the queue is fair between owners.
        steps: pause after this number of steps.

    Raises:
        LabError: `no_space`.
    """
    shop = run_queue()
    name = f"{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(3)}"
    known = material.logits, material.held_out_logits
    run = Run.create(shop.folder / name, plan, material.texts, material.held_out, *known)
    shop.submit(name, owner, steps)
    return run
