"""The students of the masked-language-model pair, all trained by `core.distill` on the same budget of text.

`student` starts as every second layer of the teacher and learns by the DistilBERT recipe; `control` is the same student without a
teacher; `tiny` is narrow, starts from random layers and learns by the TinyBERT recipe. The teacher's word embeddings stay as
they are in all of them, so that one file serves all.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from transformers import BertForMaskedLM, ElectraConfig, ElectraForMaskedLM, PreTrainedModel, PreTrainedTokenizerBase

from core.build import workspace
from core.build.text.corpora import FIRST_TEXT
from core.build.text.encoding import LONGEST, Encoded
from core.build.train.teacher import SAVE_SECONDS, training_pass
from core.distill.distiller import Arm, Distiller, TrainingConfig
from core.distill.inputs.encoding import masked
from core.distill.inputs.texts import MaskedTexts
from core.distill.objectives.objective import CONTROL, Objective, Recipe
from core.distill.objectives.recipes import RECIPES
from core.distill.students import WIDE, WIDE_SPREAD, from_layers, seeded

TEXT = (*FIRST_TEXT, "everyday_next_words")
"""Corpora of the students: the teacher's text, and sentences like those of its masked examples."""

LAYERS = (1, 3, 5)
"""The student's layers, counted from 0: every second one (Sanh et al. 2019, section 3)."""


@dataclass(frozen=True)
class Budget:
    """Training data and settings of every student; `tokens` is the length of its one pass."""

    tokens: int = 4_000_000
    batch_tokens: int = 2048
    probability: float = 0.2
    movie_share: float = 0.5
    seed: int = 1


@dataclass(frozen=True)
class Plan:
    """Recipe of one student.

    Attributes:
        objective: the loss that it minimises.
        start: the untrained student, from the teacher.
        rate: peak learning rate.
    """

    objective: Objective | Recipe
    start: Callable[[BertForMaskedLM], PreTrainedModel]
    rate: float


def every_second(teacher: BertForMaskedLM) -> BertForMaskedLM:
    """The teacher's layers `LAYERS`, and nothing of the others."""
    return from_layers(teacher, LAYERS)


@torch.no_grad()
def narrow(teacher: BertForMaskedLM, layers: int = 4, width: int = 192, seed: int = 0) -> ElectraForMaskedLM:
    """A narrower encoder of random layers, 12 heads as the teacher so that attention can be compared head by head.

    A few million tokens cannot teach 30,522 words from nothing, so it keeps the teacher's embeddings, as wide as they are, and
    its output bias; between them and the narrow layers are two matrices, which start as the first `width` principal axes of
    the word embeddings. transformers calls a BERT of this shape (Lan et al. 2020, section 3.1: factorised embeddings) ELECTRA.
    """
    shape = teacher.config
    config = ElectraConfig(
        vocab_size=shape.vocab_size,
        embedding_size=shape.hidden_size,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=shape.num_attention_heads,
        intermediate_size=4 * width,
        max_position_embeddings=shape.max_position_embeddings,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        pad_token_id=shape.pad_token_id,
        initializer_range=WIDE_SPREAD * (WIDE / width) ** 0.5,
    )
    student = seeded(ElectraForMaskedLM, config, seed)
    student.electra.embeddings.load_state_dict(teacher.bert.embeddings.state_dict())
    words = teacher.bert.embeddings.word_embeddings.weight
    _, axes = torch.linalg.eigh(words.T @ words)  # the smallest first
    student.electra.embeddings_project.weight.copy_(axes[:, -width:].T)
    student.generator_predictions.dense.weight.copy_(axes[:, -width:])
    student.generator_lm_head.bias.copy_(teacher.cls.predictions.bias)
    return student


PLANS = {
    "student": Plan(RECIPES["distilbert"], every_second, 5e-4),
    "tiny": Plan(RECIPES["tinybert"], narrow, 1e-3),
    "control": Plan(CONTROL, every_second, 5e-4),
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
) -> PreTrainedModel:
    """Train one of `PLANS`, or go on from `folder/checkpoint.pt`; a line of `log.jsonl` every 20 steps.

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
        TrainingConfig(
            steps=max(1, round(budget.tokens / budget.batch_tokens)),
            batch_tokens=budget.batch_tokens,
            learning_rate=plan.rate,
            warmup=0.04,
            train_embeddings="frozen",
            precision="mixed",
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
