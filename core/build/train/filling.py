"""The teacher learns to fill everyday blanks: ordinary text, and the blanks of `blanks.py`, then those of `next_words.py`.

A masked word of ordinary text teaches one right answer; a soft label by a larger language model rates how well many words
fit, so that a hundred thousand blanks teach what millions of tokens did not. The word embeddings stay as they are.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from transformers import BertForMaskedLM, PreTrainedTokenizerBase

from core.build import workspace
from core.build.text.encoding import Batch, Encoded, batches
from core.build.text.frequency import common_words
from core.build.train import decay
from core.build.train.teacher import SAVE_SECONDS, masked_lm_losses, training_pass

HELD_OUT_PACKS = 20
"""Each so manieth pack of labels is kept from training and measures how well the blanks are learned."""


@dataclass(frozen=True)
class Filling:
    """Settings of the teacher's training on masked examples.

    Attributes:
        steps: how many; each reads one batch of text and one of blanks.
        batch_tokens: of ordinary text in a step.
        batch_blanks: sentences with one blank in a step.
        last: what is left of the peak rate at the end, where another round goes on.
        unlikelihood: weight of the visible words' unlikelihood in ordinary text; both cross-entropies have 1.
        copying: the same where there is one blank.
    """

    steps: int = 1800
    batch_tokens: int = 1024
    batch_blanks: int = 128
    peak: float = 4e-4
    warmup: int = 50
    last: float = 0.0
    unlikelihood: float = 0.5
    copying: float = 0.5
    probability: float = 0.2
    movie_share: float = 0.5
    seed: int = 0


POOL = 32
"""Batches of blanks that are drawn together and sorted by length, so that little is padded."""


@dataclass(frozen=True)
class Blanks:
    """Encoded labels: token ids with one [MASK] each, and the words that fit with their probabilities."""

    ids: list[list[int]]
    words: list[list[int]]
    p: list[list[float]]

    def batch(self, chosen: list[int], pad: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Token ids and mask, `[blank, position]`, words and probabilities, `[blank, candidate]`, of the chosen blanks."""
        ids = _padded([self.ids[i] for i in chosen], pad)
        mask = _padded([[1] * len(self.ids[i]) for i in chosen], 0)
        return ids, mask, _padded([self.words[i] for i in chosen], 0), _padded([self.p[i] for i in chosen], 0.0)


def _padded(rows: list[list], filler: float) -> Tensor:
    longest = max(map(len, rows))
    return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])


def read_blanks(files: list[Path], tokenizer: PreTrainedTokenizerBase, held_out: bool, common: Tensor) -> Blanks:
    """The labels of one side of the split, without uncommon words that are in the sentence already.

    The larger model likes to repeat itself ("a door has a door"), and a masked model must learn not to.

    Args:
        files: of each, every text counts once; a file that is named twice counts twice.
    """
    chosen = _rows(files, held_out)
    found = Blanks([], [], [])
    for ids, row in zip(tokenizer([row["text"] for row in chosen], verbose=False).input_ids, chosen, strict=True):
        visible = {i for i in ids if not common[i]}
        words = dict(zip(tokenizer.convert_tokens_to_ids(row["words"]), row["p"], strict=True))
        words = {word: p for word, p in words.items() if word not in visible}
        if words:
            found.ids.append(ids)
            found.words.append(list(words))
            found.p.append([p / sum(words.values()) for p in words.values()])
    return found


def _rows(files: list[Path], held_out: bool) -> list[dict]:
    """The labels of one side of the split."""
    found = []
    for file in files:
        rows = workspace.rows(file)
        found += {row["text"]: row for row in rows if (row["pack"] % HELD_OUT_PACKS == 0) == held_out}.values()
    return found


def blank_losses(
    model: BertForMaskedLM, filled: tuple[Tensor, Tensor, Tensor, Tensor], blank: int, common: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Cross-entropy with the soft labels over the whole vocabulary, −Σ p(w) ln q(w), and the unlikelihood of visible words.

    Args:
        filled: a batch of `Blanks`.
        blank: the id of [MASK].
        common: True for ids that may well repeat, `[vocabulary]`, as in `teacher.masked_lm_losses`.

    Returns:
        Both losses in nats, means over the blanks, and whether the model's first word is the label's, `[blank]`.
    """
    ids, mask, words, p = filled
    hidden = model.bert(input_ids=ids, attention_mask=mask).last_hidden_state
    log_q = F.log_softmax(model.cls(hidden[ids == blank]).float(), dim=-1)
    loss = -(p * log_q.gather(1, words)).sum(-1).mean()
    q = log_q.gather(1, ids).exp().clamp(max=0.999)  # [blank, position]
    unlikelihood = -(torch.log1p(-q) * ~common[ids]).sum() / len(ids)
    return loss, unlikelihood, log_q.argmax(-1) == words[:, 0]


@torch.no_grad()
def mean_of(models: Sequence[BertForMaskedLM]) -> BertForMaskedLM:
    """A model with the mean of the models' weights (Izmailov et al. 2018, section 3): one training's, left at several minima."""
    mean = deepcopy(models[0])
    for parameter, *others in zip(*(model.parameters() for model in (mean, *models)), strict=True):
        if any(not torch.equal(others[0], other) for other in others):  # what was frozen stays as it is, −0 too
            parameter.copy_(torch.stack(others).mean(0))
    return mean


def count(files: list[Path]) -> int:
    """Number of training examples with a masked word; a file that is named twice counts once."""
    return len(_rows(list(dict.fromkeys(files)), held_out=False))


def steps_done(folder: Path) -> int:
    """Number of steps that the training in `folder` has taken, by its log."""
    return workspace.last_row(folder / "log.jsonl").get("step", 0)


@torch.no_grad()
def blanks_learned(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerBase, kept: Blanks) -> tuple[float, float]:
    """On blanks that did not train: the cross-entropy in nats, and how often the model's first word is the label's."""
    found, common = [], torch.ones(len(tokenizer), dtype=torch.bool)
    for start in range(0, len(kept.ids), 128):
        chosen = list(range(start, min(start + 128, len(kept.ids))))
        filled = kept.batch(chosen, tokenizer.pad_token_id)
        loss, _, right = blank_losses(model, filled, tokenizer.mask_token_id, common)
        found.append((float(loss) * len(chosen), float(right.sum())))
    return tuple(sum(column) / len(kept.ids) for column in zip(*found, strict=True))


def learning_rate(step: int, plan: Filling) -> float:
    """Linear warm-up, then linear decay to `plan.last` of the peak."""
    fall = (plan.steps - step) / (plan.steps - plan.warmup)
    return plan.peak * min(step / plan.warmup, plan.last + (1 - plan.last) * fall)


def _text(corpora: dict[str, Encoded], tokenizer: PreTrainedTokenizerBase, plan: Filling) -> Iterator[Batch]:
    """Batches of ordinary text, pass after pass."""
    for number in itertools.count(plan.seed + 1000):  # other masks than in the passes of the first training
        rows = training_pass(corpora, plan.movie_share, number)
        yield from batches(rows, tokenizer, plan.batch_tokens, number, plan.probability)


def _blanks(blanks: Blanks, pad: int, plan: Filling) -> Iterator[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Batches of blanks of similar length, pass after pass."""
    size = plan.batch_blanks
    for number in itertools.count(plan.seed):
        rng = np.random.default_rng(number)
        order = rng.permutation(len(blanks.ids)).tolist()
        for start in range(0, len(order), POOL * size):
            pool = sorted(order[start : start + POOL * size], key=lambda i: len(blanks.ids[i]))
            for first in rng.permutation(len(pool) // size) * size:
                yield blanks.batch(pool[first : first + size], pad)


def train(
    folder: Path,
    start: Callable[[], BertForMaskedLM],
    tokenizer: PreTrainedTokenizerBase,
    corpora: dict[str, Encoded],
    labels: list[Path],
    plan: Filling,
) -> BertForMaskedLM:
    """Train a model, or go on from `folder/checkpoint.pt`; a line of `log.jsonl` every 20 steps.

    Args:
        start: makes the model to be trained; called also where a checkpoint will replace its weights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    common = common_words(corpora, tokenizer)
    model = start().eval().requires_grad_(True)
    attention = model.config._attn_implementation
    model.set_attn_implementation("eager")  # the fused one takes half of a step on so short sentences
    model.bert.embeddings.word_embeddings.requires_grad_(False)
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(decay.groups(learned), lr=plan.peak, betas=(0.9, 0.98), fused=True)
    checkpoint, done = folder / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["step"]
    (folder / "plan.json").write_text(json.dumps(asdict(plan), indent=1))
    ahead = ()
    if done < plan.steps:
        blanks = _blanks(read_blanks(labels, tokenizer, False, common), tokenizer.pad_token_id, plan)
        ahead = itertools.islice(zip(_text(corpora, tokenizer, plan), blanks, strict=True), done, plan.steps)
    saved, started, recent = time.monotonic(), time.monotonic(), []
    with (folder / "log.jsonl").open("a") as log:
        for step, (batch, filled) in enumerate(ahead, done + 1):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, plan)
            with torch.autocast("cpu", torch.bfloat16):
                text, repeated = masked_lm_losses(model, batch, common)
                soft, seen, right = blank_losses(model, filled, tokenizer.mask_token_id, common)
            optimizer.zero_grad(set_to_none=True)
            (text + soft + plan.unlikelihood * repeated + plan.copying * seen).backward()
            torch.nn.utils.clip_grad_norm_(learned, 1.0)
            optimizer.step()
            recent.append((text.item(), repeated.item(), soft.item(), seen.item(), float(right.float().mean())))
            if step % 20 == 0 or step == plan.steps:
                names = ("text", "repeated", "blanks", "seen", "right")
                means = dict(zip(names, np.mean(recent, axis=0).round(4).tolist(), strict=True))
                seconds = round(time.monotonic() - started, 1)
                print(json.dumps({"step": step, **means, "seconds": seconds}), file=log, flush=True)
                recent.clear()
            if step == plan.steps or time.monotonic() - saved > SAVE_SECONDS:
                workspace.save(
                    {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": step}, checkpoint
                )
                saved = time.monotonic()
    model.set_attn_implementation(attention)
    return model
