"""The students of the masked-language-model pair, all trained by `core.distill` on the same budget of text.

`student` starts as every second layer of the teacher and learns by the DistilBERT recipe; `control` is its twin without a
teacher; `tiny` is narrow, starts from random layers and learns by the TinyBERT recipe.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from transformers import BertForMaskedLM, PreTrainedTokenizerBase

from core.build import workspace
from core.build.encoding import LONGEST, Encoded
from core.build.teacher import SAVE_SECONDS, training_pass
from core.distill.distiller import Arm, Distiller, Training
from core.distill.encoding import masked
from core.distill.objective import CONTROL, Objective, Recipe
from core.distill.recipes import RECIPES
from core.distill.students import fresh, from_layers
from core.distill.texts import MaskedTexts

LAYERS = (1, 3, 5)
"""The student's layers, counted from 0: every second one (Sanh et al. 2019, section 3)."""


@dataclass(frozen=True)
class Budget:
    """What every student learns from, and how; `tokens` is the length of its one pass."""

    tokens: int = 1_000_000
    batch_tokens: int = 2048
    probability: float = 0.2
    movie_share: float = 0.5
    seed: int = 1


@dataclass(frozen=True)
class Plan:
    """How one student is made.

    Attributes:
        objective: what it minimises.
        start: the untrained student, from the teacher.
        rate: peak learning rate.
        words: whether its word embeddings train; frozen ones can be shared with the teacher by file.
        precision: of the matrix products, see `core.distill.training.Training`.
    """

    objective: Objective | Recipe
    start: Callable[[BertForMaskedLM], BertForMaskedLM]
    rate: float
    words: Literal["all", "frozen"]
    precision: Literal["float32", "mixed"]


def every_second(teacher: BertForMaskedLM) -> BertForMaskedLM:
    """The teacher without layers 1, 3 and 5."""
    return from_layers(teacher, LAYERS)


@torch.no_grad()
def narrow(teacher: BertForMaskedLM, layers: int = 4, width: int = 192, seed: int = 0) -> BertForMaskedLM:
    """A narrower BERT of random layers, 12 heads as the teacher so that attention can be compared head by head.

    A million tokens cannot teach 30,522 words from nothing, so its embeddings start as the teacher's, turned onto the first
    `width` principal axes of the word embeddings, and its output bias as the teacher's.
    """
    shape = teacher.config
    longest = shape.max_position_embeddings
    student = fresh(
        teacher, "masked_words", layers, width, shape.num_attention_heads, longest=longest, dropout=0.0, seed=seed
    )
    ours, theirs = student.bert.embeddings, teacher.bert.embeddings
    words = theirs.word_embeddings.weight.float()
    _, axes = torch.linalg.eigh(words.T @ words)  # the smallest first
    turn = axes[:, -width:]
    for name in ("word_embeddings", "position_embeddings", "token_type_embeddings"):
        getattr(ours, name).weight.copy_(getattr(theirs, name).weight @ turn)
    student.cls.predictions.bias.copy_(teacher.cls.predictions.bias)
    return student


PLANS = {
    "student": Plan(RECIPES["distilbert"], every_second, 5e-4, "frozen", "float32"),
    "tiny": Plan(RECIPES["tinybert"], narrow, 1e-3, "all", "mixed"),
    "control": Plan(CONTROL, every_second, 5e-4, "frozen", "float32"),
}


def texts(corpora: dict[str, Encoded], tokenizer: PreTrainedTokenizerBase, budget: Budget) -> MaskedTexts:
    """Random training sequences of `budget.tokens` tokens in all, to be masked."""
    rows = training_pass(corpora, budget.movie_share, budget.seed)
    order = np.random.default_rng(budget.seed).permutation(len(rows))
    enough = int(np.searchsorted(np.cumsum([len(rows[i]) for i in order]), budget.tokens)) + 1
    chosen = [torch.from_numpy(rows[i].astype(np.int64)) for i in order[:enough]]
    return masked(tokenizer, chosen, budget.probability, budget.seed, LONGEST)


def train(
    folder: Path,
    name: str,
    teacher: BertForMaskedLM,
    tokenizer: PreTrainedTokenizerBase,
    corpora: dict[str, Encoded],
    budget: Budget,
) -> BertForMaskedLM:
    """Trains one of `PLANS`, or goes on from `folder/checkpoint.pt`; a line of `log.jsonl` every 20 steps.

    Returns:
        The trained student in eval mode.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plan = PLANS[name]
    student = plan.start(teacher)
    taught = texts(corpora, tokenizer, budget)
    distiller = Distiller(
        None if plan.objective is CONTROL else teacher.eval().requires_grad_(False),
        {name: Arm(student, plan.objective)},
        taught,
        Training(
            steps=max(1, round(budget.tokens / budget.batch_tokens)),
            batch_tokens=budget.batch_tokens,
            rate=plan.rate,
            warmup=0.04,
            words=plan.words,
            precision=plan.precision,
            seed=budget.seed,
        ),
    )
    checkpoint, seen, spent = folder / "checkpoint.pt", 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        distiller.load_state_dict(state["distiller"])
        seen, spent = state["seen"], state["spent"]
    (folder / "budget.json").write_text(json.dumps(asdict(budget), indent=1))
    saved, recent = time.monotonic(), []
    with (folder / "log.jsonl").open("a") as log:
        for step in distiller:
            seen, spent = seen + step.tokens, spent + step.seconds
            terms = step.arms[name].terms
            if recent and recent[-1].keys() != terms.keys():
                recent.clear()  # the next stage of the recipe has other losses
            recent.append(terms)
            if step.number % 20 == 0 or distiller.finished:
                terms = {term: float(np.mean([row[term] for row in recent])) for term in terms}
                line = {"step": step.number, "of": distiller.training.steps, "tokens": seen, **terms, "seconds": spent}
                print(json.dumps(line), file=log, flush=True)
                recent.clear()
            if time.monotonic() - saved > SAVE_SECONDS or distiller.finished:
                workspace.save({"distiller": distiller.state_dict(), "seen": seen, "spent": spent}, checkpoint)
                saved = time.monotonic()
    return distiller.finish()[name]
