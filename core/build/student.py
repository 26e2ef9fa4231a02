"""The student: three of the teacher's six layers, distilled from it on masked words.

It starts as the teacher with every second layer left out (Sanh et al. 2019, section 3, start DistilBERT so) and learns from
the sum of three losses: the soft loss at temperature 2 against the teacher's whole distribution, the masked-language-model
loss, and the cosine between the last hidden states. It keeps the teacher's word embeddings, frozen, so both can share one file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerBase

from core.build import workspace
from core.build.encoding import Batch, batches
from core.build.teacher import SAVE_SECONDS, training_pass
from core.distill.losses import hard_loss, soft_loss


@dataclass(frozen=True)
class Recipe:
    """The student's layers, the weights of the losses, and the length of the training (in tokens)."""

    layers: tuple[int, ...] = (1, 3, 5)
    temperature: float = 2.0
    soft_weight: float = 5.0
    hard_weight: float = 2.0
    cosine_weight: float = 1.0
    total_tokens: int = 1_000_000
    warmup_tokens: int = 40_000
    batch_tokens: int = 2048
    peak: float = 5e-4
    probability: float = 0.2
    movie_share: float = 0.5
    seed: int = 1


def from_layers(teacher: BertForMaskedLM, layers: Sequence[int]) -> BertForMaskedLM:
    """A model of the teacher's embeddings, the chosen layers (counted from 0) and the teacher's head.

    Its configuration says how many layers it has, so it reloads at the right depth.
    """
    config = BertConfig.from_dict(teacher.config.to_dict())
    config.num_hidden_layers = len(layers)
    student = BertForMaskedLM(config)
    weights = {}
    for name, tensor in teacher.state_dict().items():
        before, found, after = name.partition(".layer.")
        if found:
            number, _, rest = after.partition(".")
            if int(number) not in layers:
                continue
            name = f"{before}.layer.{layers.index(int(number))}.{rest}"
        weights[name] = tensor
    student.load_state_dict(weights)
    return student


def distillation_losses(
    teacher: BertForMaskedLM, student: BertForMaskedLM, batch: Batch, temperature: float
) -> tuple[Tensor, Tensor, Tensor]:
    """The soft, the hard and the cosine loss of one batch (Sanh et al. 2019, section 2).

    Soft and hard loss are means over the masked positions, the only ones where the teacher's head is asked; the cosine loss,
    1 − cos of the last hidden states, is a mean over all real tokens.
    """
    inputs = {"input_ids": batch.input_ids, "attention_mask": batch.attention_mask}
    with torch.no_grad():
        taught = teacher.bert(**inputs).last_hidden_state
    learned = student.bert(**inputs).last_hidden_state
    chosen, real = batch.labels >= 0, batch.attention_mask.bool()
    with torch.no_grad():
        teacher_logits = teacher.cls(taught[chosen])
    student_logits = student.cls(learned[chosen])
    soft = soft_loss(student_logits, teacher_logits, temperature)
    hard = hard_loss(student_logits, batch.labels[chosen])
    cosine = (1 - F.cosine_similarity(learned[real], taught[real], dim=-1)).mean()
    return soft, hard, cosine


def train(
    folder: Path,
    teacher: BertForMaskedLM,
    tokenizer: PreTrainedTokenizerBase,
    corpora: dict,
    recipe: Recipe,
    distilled: bool = True,
) -> BertForMaskedLM:
    """Trains the student, or goes on from `folder/checkpoint.pt`.

    Args:
        distilled: False trains the control: the same start, data and steps with the hard loss alone.
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(recipe.seed)
    teacher.eval().requires_grad_(False)
    student = from_layers(teacher, recipe.layers).eval()
    student.bert.embeddings.word_embeddings.requires_grad_(False)
    parameters = [parameter for parameter in student.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(parameters, lr=recipe.peak, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    rows = training_pass(corpora, recipe.movie_share, recipe.seed)

    seen = step = skip = 0
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        student.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        seen, step, skip = state["seen"], state["step"], state["step"]
    (folder / "recipe.json").write_text(json.dumps(asdict(recipe) | {"distilled": distilled}, indent=1))
    log = (folder / "log.jsonl").open("a")
    started = saved = time.monotonic()
    recent: list[list[float]] = []
    for number, batch in enumerate(batches(rows, tokenizer, recipe.batch_tokens, recipe.seed, recipe.probability)):
        if number < skip:
            continue
        if seen >= recipe.total_tokens:
            break
        for group in optimizer.param_groups:
            rise = min(1.0, (seen + 1) / recipe.warmup_tokens)
            group["lr"] = recipe.peak * min(rise, 1 - seen / recipe.total_tokens)
        if distilled:
            soft, hard, cosine = distillation_losses(teacher, student, batch, recipe.temperature)
            loss = recipe.soft_weight * soft + recipe.hard_weight * hard + recipe.cosine_weight * cosine
        else:
            hidden = student.bert(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
            chosen = batch.labels >= 0
            soft = cosine = torch.zeros(())
            loss = hard = hard_loss(student.cls(hidden[chosen]), batch.labels[chosen])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        recent.append([soft.item(), hard.item(), cosine.item()])
        seen, step = seen + batch.tokens, step + 1
        if step % 20 == 0:
            means = np.mean(recent, axis=0).round(4).tolist()
            terms = dict(zip(("soft", "hard", "cosine"), means, strict=True))
            print(
                json.dumps({"step": step, "tokens": seen, **terms, "seconds": time.monotonic() - started}),
                file=log,
                flush=True,
            )
            recent.clear()
        if time.monotonic() - saved > SAVE_SECONDS or seen >= recipe.total_tokens:
            state = {"model": student.state_dict(), "optimizer": optimizer.state_dict(), "seen": seen, "step": step}
            workspace.save(state, checkpoint)
            saved = time.monotonic()
    return student
