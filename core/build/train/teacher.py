"""The teacher: the MiniLM sentence encoder (6 layers × 384, 12 heads) given a masked-language-model head.

The new head is trained alone on the frozen encoder, then everything in cycles (see `Schedule`): first without, then with
the unlikelihood of visible words. A cycle that ends in a decay leaves a model that can be shipped; another one can warm up again
and go on (see `LONGER`).
"""

from __future__ import annotations

import itertools
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertModel

from core.build import workspace
from core.build.text.corpora import FIRST_TEXT, MADE_TEXT, MORE_TEXT
from core.build.text.encoding import Batch, Encoded, batches
from core.build.text.frequency import common_words, log_unigram
from core.build.train import decay

SAVE_SECONDS = 300
"""Seconds between two checkpoints of a running training: the most that a kill may cost."""


@dataclass(frozen=True)
class Cycle:
    """A part of the training with settings of its own; lengths in tokens, counted from the training's start.

    Attributes:
        until: where it ends.
        corpora: what it reads, pass after pass.
        decay: over how many tokens at its end the learning rate falls linearly to zero; 0 for a plateau to the end.
        warmup: over how many tokens at its start the rate rises.
        unlikelihood: weight of the second loss, see `masked_lm_losses`.
        words: whether the word embeddings train.
        bfloat16: whether matrices are multiplied in bfloat16 (weights and optimizer stay in float32).
    """

    until: int
    corpora: tuple[str, ...]
    decay: int = 0
    warmup: int = 0
    unlikelihood: float = 0.0
    words: bool = True
    bfloat16: bool = False


CYCLES = (
    Cycle(2_700_000, FIRST_TEXT, warmup=150_000),
    Cycle(6_200_000, FIRST_TEXT, decay=1_400_000, unlikelihood=0.5),
)


@dataclass(frozen=True)
class Schedule:
    """Length and learning rates of a training: the head alone for `head_tokens`, then everything, in cycles."""

    head_tokens: int = 150_000
    cycles: tuple[Cycle, ...] = CYCLES
    batch_tokens: int = 2048
    peak: float = 4e-4
    head_rate: float = 2e-3
    probability: float = 0.2
    movie_share: float = 0.5
    seed: int = 0

    @property
    def total_tokens(self) -> int:
        """Tokens at the end of the last cycle."""
        return self.cycles[-1].until

    @property
    def corpora(self) -> tuple[str, ...]:
        """All that is read."""
        return tuple(dict.fromkeys(name for cycle in self.cycles for name in cycle.corpora))


LONGER = Schedule(
    cycles=(
        *CYCLES,
        Cycle(8_850_000, MORE_TEXT, warmup=150_000, unlikelihood=1.0, words=False),
        Cycle(10_410_000, (*MORE_TEXT, MADE_TEXT[0]), unlikelihood=1.0, words=False, bfloat16=True),
        Cycle(11_510_000, (*MORE_TEXT, *MADE_TEXT), decay=1_100_000, unlikelihood=1.0, words=False, bfloat16=True),
    )
)
"""The same training gone on with, on more text: it was tried, it brought little, and its weights are not shipped."""

HEAD_ONLY = Schedule(head_tokens=600_000, cycles=(Cycle(600_000, FIRST_TEXT, bfloat16=True),))
"""The measured baseline: the new head alone, on the encoder as it came."""


def fresh_teacher(source: Path) -> BertForMaskedLM:
    """The encoder of `source` with an untrained MLM head whose decoder is the word embedding matrix."""
    config = BertConfig.from_pretrained(source)
    config.tie_word_embeddings = True
    model = BertForMaskedLM(config)
    encoder = BertModel.from_pretrained(source, add_pooling_layer=False)
    model.bert.load_state_dict(encoder.state_dict())
    model.tie_weights()
    torch.nn.init.eye_(model.cls.predictions.transform.dense.weight)
    return model


def masked_lm_losses(model: BertForMaskedLM, batch: Batch, common: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The masked-language-model loss and the unlikelihood of visible words, each a mean over the selected positions.

    Tuned as a sentence encoder, the base holds the sentence's topic at every position, so a fresh head answers with words
    that are already there. The second term, −Σ ln(1 − p(v)) over the visible uncommon words v that are not the answer
    (Welleck et al. 2020, section 4), makes it look further.

    Args:
        common: True for the ids of words so frequent that they may well repeat, `[vocabulary]`.

    Returns:
        Cross-entropy and unlikelihood in nats; only the selected positions go through the 30,522-way decoder.
    """
    hidden = model.bert(input_ids=batch.input_ids, attention_mask=batch.attention_mask).last_hidden_state
    chosen = batch.labels >= 0
    labels = batch.labels[chosen]
    log_p = F.log_softmax(model.cls(hidden[chosen]).float(), dim=-1)  # [selected, vocabulary]
    visible = batch.input_ids[chosen.nonzero()[:, 0]]  # [selected, position]
    counts = ~common[visible] & (visible != labels[:, None])
    p = log_p.gather(1, visible).exp().clamp(max=0.999)  # in float32: bfloat16 would round this bound to 1, and ln 0
    unlikelihood = -(torch.log1p(-p) * counts).sum() / len(labels)
    return F.nll_loss(log_p, labels), unlikelihood


def learning_rate(seen: int, number: int, schedule: Schedule) -> float:
    """Warm-up, plateau and linear decay of one cycle; a head that starts from nothing may learn faster while it is alone."""
    if seen < schedule.head_tokens:
        return schedule.head_rate
    cycle = schedule.cycles[number]
    begin = schedule.cycles[number - 1].until if number else schedule.head_tokens
    rise = min(1.0, (seen - begin) / cycle.warmup) if cycle.warmup else 1.0
    fall = min(1.0, max(0.0, (cycle.until - seen) / cycle.decay)) if cycle.decay else 1.0
    return schedule.peak * min(rise, fall)


def train(folder: Path, source: Path, corpora: dict[str, Encoded], schedule: Schedule) -> BertForMaskedLM:
    """Train the teacher, or go on from `folder/checkpoint.pt`; write a line of `log.jsonl` every 20 steps.

    Args:
        corpora: all that `schedule` reads, by name; a `movie_share` of movie_reviews is used in each pass, of the others all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(source)
    torch.manual_seed(schedule.seed)
    model = fresh_teacher(source)
    with torch.no_grad():
        read = {name: corpora[name] for name in schedule.cycles[0].corpora}
        model.cls.predictions.bias.copy_(log_unigram(read, len(tokenizer)))
    model.eval()  # no dropout: a few passes over so much text do not overfit
    optimizer = torch.optim.AdamW(decay.groups(model.parameters()), lr=schedule.peak, betas=(0.9, 0.98), fused=True)

    place = {"seen": 0, "step": 0, "cycle": 0, "epoch": 0, "in_epoch": 0}
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        place = {key: state[key] for key in place}
    (folder / "schedule.json").write_text(json.dumps(asdict(schedule), indent=1))
    with (folder / "log.jsonl").open("a") as log:
        while place["seen"] < schedule.total_tokens:
            _one_pass(model, optimizer, tokenizer, corpora, schedule, place, checkpoint, log)
    return model


def _one_pass(model, optimizer, tokenizer, corpora, schedule: Schedule, place: dict, checkpoint: Path, log) -> None:
    """Train to the end of a pass over the text, or of a cycle; `place` is where it starts, and moves."""
    cycle = schedule.cycles[place["cycle"]]
    read = {name: corpora[name] for name in cycle.corpora}
    common = common_words(read, tokenizer)
    rows = training_pass(read, schedule.movie_share, schedule.seed + place["epoch"])
    stream = batches(rows, tokenizer, schedule.batch_tokens, place["epoch"], schedule.probability)
    saved = started = time.monotonic()
    losses = []
    for batch in itertools.islice(stream, place["in_epoch"], None):
        model.bert.requires_grad_(place["seen"] >= schedule.head_tokens)
        if not cycle.words:
            model.bert.embeddings.word_embeddings.requires_grad_(False)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(place["seen"], place["cycle"], schedule)
        with torch.autocast("cpu", torch.bfloat16, enabled=cycle.bfloat16):
            loss, repeated = masked_lm_losses(model, batch, common)
        optimizer.zero_grad(set_to_none=True)
        (loss + cycle.unlikelihood * repeated).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        place["seen"] += batch.tokens
        place["step"] += 1
        place["in_epoch"] += 1
        if place["step"] % 20 == 0:
            seconds = time.monotonic() - started
            line = {"step": place["step"], "tokens": place["seen"], "loss": float(np.mean(losses)), "seconds": seconds}
            print(json.dumps(line), file=log, flush=True)
            losses.clear()
        ended = place["seen"] >= cycle.until
        if ended:
            place.update(cycle=place["cycle"] + 1, epoch=place["epoch"] + 1, in_epoch=0)
        if ended or time.monotonic() - saved > SAVE_SECONDS:
            workspace.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), **place}, checkpoint)
            saved = time.monotonic()
        if ended:
            return
    place.update(epoch=place["epoch"] + 1, in_epoch=0)


def training_pass(corpora: dict[str, Encoded], movie_share: float, seed: int) -> list[np.ndarray]:
    """The training sequences of one pass; of the long film reviews only a share, another one for each seed."""
    chosen: list[np.ndarray] = []
    for name, encoded in corpora.items():
        rows = encoded.sequences(held_out=False)
        if name == "movie_reviews":
            rng = np.random.default_rng(seed)
            rows = [rows[i] for i in rng.permutation(len(rows))[: int(len(rows) * movie_share)]]
        chosen += rows
    return chosen
