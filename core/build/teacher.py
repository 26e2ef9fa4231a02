"""The teacher: the MiniLM sentence encoder (6 layers × 384, 12 heads) given a masked-language-model head.

Stage 1 trains the new head alone on the frozen encoder; stage 2 trains head, encoder and embeddings together. The learning
rate warms up, stays, and decays linearly at the end, so that training can go on later from the last undecayed checkpoint.
"""

from __future__ import annotations

import json
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertModel

from core.build import workspace
from core.build.encoding import Batch, batches

COMMON = math.log(1e-3)
"""ln of the share of the text from which on a word is common: "the", "of", "is", and some seventy more."""


SAVE_SECONDS = 300
"""How often a running training is saved: what a kill may cost."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train; all lengths in tokens."""

    head_tokens: int = 150_000
    total_tokens: int = 6_200_000
    decay_tokens: int = 1_400_000
    warmup_tokens: int = 150_000
    batch_tokens: int = 2048
    peak: float = 4e-4
    probability: float = 0.2
    movie_share: float = 0.5
    unlikelihood: float = 0.5
    seed: int = 0


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
    log_p = F.log_softmax(model.cls(hidden[chosen]), dim=-1)  # [selected, vocabulary]
    visible = batch.input_ids[chosen.nonzero()[:, 0]]  # [selected, position]
    counts = ~common[visible] & (visible != labels[:, None])
    p = log_p.gather(1, visible).exp().clamp(max=0.999)
    unlikelihood = -(torch.log1p(-p) * counts).sum() / len(labels)
    return F.nll_loss(log_p, labels), unlikelihood


def learning_rate(seen: int, schedule: Schedule) -> float:
    """Warm-up, plateau, linear decay to zero."""
    rise = min(1.0, seen / schedule.warmup_tokens)
    fall = min(1.0, max(0.0, (schedule.total_tokens - seen) / schedule.decay_tokens))
    return schedule.peak * min(rise, fall)


def train(folder: Path, source: Path, corpora: dict, schedule: Schedule) -> BertForMaskedLM:
    """Trains the teacher, or goes on from `folder/checkpoint.pt`; writes a line of `log.jsonl` every 20 steps.

    Args:
        corpora: name to `Encoded`; a `movie_share` of movie_reviews is used in each pass, of the others all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = AutoTokenizer.from_pretrained(source)
    torch.manual_seed(schedule.seed)
    model = fresh_teacher(source)
    unigram = log_unigram(corpora, len(tokenizer))
    common = unigram > COMMON
    common[tokenizer.all_special_ids] = True
    with torch.no_grad():
        model.cls.predictions.bias.copy_(unigram)
    model.eval()  # no dropout: far less than one pass over so much text does not overfit
    decayed, plain = [], []
    for parameter in model.parameters():
        (decayed if parameter.ndim > 1 else plain).append(parameter)
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=schedule.peak, betas=(0.9, 0.98), fused=True)

    seen = step = epoch = skip = 0
    checkpoint = folder / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        seen, step, epoch, skip = state["seen"], state["step"], state["epoch"], state["in_epoch"]
    log = (folder / "log.jsonl").open("a")
    (folder / "schedule.json").write_text(json.dumps(asdict(schedule), indent=1))
    started, losses = time.monotonic(), []
    last_saved = time.monotonic()
    plateau_saved = (folder / "plateau.pt").exists()

    while seen < schedule.total_tokens:
        rows = training_pass(corpora, schedule.movie_share, schedule.seed + epoch)
        for number, batch in enumerate(batches(rows, tokenizer, schedule.batch_tokens, epoch, schedule.probability)):
            if number < skip:
                continue
            encoder_trains = seen >= schedule.head_tokens
            model.bert.requires_grad_(encoder_trains)
            for group in optimizer.param_groups:
                # A head that starts from nothing may learn ten times as fast while it is alone.
                group["lr"] = learning_rate(seen - schedule.head_tokens, schedule) if encoder_trains else 2e-3
            loss, repeated = masked_lm_losses(model, batch, common)
            optimizer.zero_grad(set_to_none=True)
            (loss + schedule.unlikelihood * repeated).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            seen, step = seen + batch.tokens, step + 1
            if step % 20 == 0:
                line = {
                    "step": step,
                    "tokens": seen,
                    "loss": float(np.mean(losses)),
                    "seconds": time.monotonic() - started,
                }
                print(json.dumps(line), file=log, flush=True)
                losses.clear()
            decaying = seen >= schedule.total_tokens - schedule.decay_tokens
            if (
                time.monotonic() - last_saved > SAVE_SECONDS
                or (decaying and not plateau_saved)
                or seen >= schedule.total_tokens
            ):
                state = {
                    "model": model.state_dict(),
                    "optimizer": optimizer.state_dict(),
                    "seen": seen,
                    "step": step,
                    "epoch": epoch,
                    "in_epoch": number + 1,
                }
                workspace.save(state, checkpoint)
                if decaying and not plateau_saved:
                    workspace.save(state, folder / "plateau.pt")
                    plateau_saved = True
                last_saved = time.monotonic()
            if seen >= schedule.total_tokens:
                break
        epoch, skip = epoch + 1, 0
    return model


def training_pass(corpora: dict, movie_share: float, seed: int) -> list[np.ndarray]:
    """The training sequences of one pass; of the long film reviews only a share, another one for each seed."""
    chosen: list[np.ndarray] = []
    for name, encoded in corpora.items():
        rows = encoded.sequences(held_out=False)
        if name == "movie_reviews":
            rng = np.random.default_rng(seed)
            rows = [rows[i] for i in rng.permutation(len(rows))[: int(len(rows) * movie_share)]]
        chosen += rows
    return chosen


def log_unigram(corpora: dict, size: int) -> torch.Tensor:
    """ln of each token's share of the training text, with one added to every count: the head's bias to start from."""
    counts = np.ones(size)
    for encoded in corpora.values():
        for row in encoded.sequences(held_out=False):
            np.add.at(counts, row[1:-1], 1)
    return torch.from_numpy(np.log(counts / counts.sum())).float()
