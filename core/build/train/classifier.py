"""Fine-tuning a classifier: the encoder gets a head over a few classes, its word embeddings stay as they are.

Frozen embeddings are what lets every model of the teacher's width share one file of them; and 11.7 million of the 22 million
weights need no gradient.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedModel, PreTrainedTokenizerBase

from core.build import workspace
from core.build.train import decay

SAVE_SECONDS = 120
"""Seconds between two checkpoints of a running training: the most that a kill may cost."""

LossOf = Callable[[Tensor, Tensor], Tensor]
"""From a batch's logits `[text, class]` and the texts' indices `[text]` to the loss."""


@dataclass(frozen=True)
class Schedule:
    """Length and learning rate of a training.

    Attributes:
        epochs: passes over the texts.
        peak: the highest learning rate, reached after the share `warmup` of the steps; then it falls linearly to zero.
        batch_tokens: tokens in a batch, padding included.
        longest: tokens of a text, [CLS] and [SEP] included; more are cut.
        bfloat16: whether matrices are multiplied in bfloat16 (weights and optimizer stay in float32): twice as fast on a
            processor that has the instructions.
    """

    epochs: int = 3
    peak: float = 1e-4
    warmup: float = 0.06
    batch_tokens: int = 1024
    longest: int = 64
    seed: int = 0
    bfloat16: bool = True


def classifier(folder: Path, labels: Sequence[str], seed: int = 0) -> BertForSequenceClassification:
    """The encoder in `folder` under a new head (pooler and classifier) drawn by `seed`; word embeddings frozen.

    Args:
        labels: the names of the classes.
    """
    torch.manual_seed(seed)
    config = BertConfig.from_pretrained(folder)
    config.id2label = dict(enumerate(labels))
    config.label2id = {label: i for i, label in enumerate(labels)}
    model = BertForSequenceClassification(config)
    encoder = BertModel.from_pretrained(folder, add_pooling_layer=False, dtype=torch.float32)
    model.bert.load_state_dict(encoder.state_dict(), strict=False)  # all but the new pooler
    model.get_input_embeddings().requires_grad_(False)
    return model


def shallower(model: BertForSequenceClassification, layers: Sequence[int]) -> BertForSequenceClassification:
    """A copy with only some of the layers (counted from 0), everything else kept; its configuration holds their number."""
    copy = BertForSequenceClassification(BertConfig.from_dict(model.config.to_dict()))
    copy.load_state_dict(model.state_dict())
    copy.bert.encoder.layer = torch.nn.ModuleList(copy.bert.encoder.layer[layer] for layer in layers)
    copy.config.num_hidden_layers = len(layers)
    copy.get_input_embeddings().requires_grad_(False)
    return copy


def encode(texts: Sequence[str], tokenizer: PreTrainedTokenizerBase, longest: int) -> list[list[int]]:
    """Token ids of each text, cut at `longest`."""
    return tokenizer(list(texts), truncation=True, max_length=longest).input_ids if texts else []


def batch_indices(rows: Sequence[Sequence[int]], tokens: int, rng: np.random.Generator | None) -> Iterator[np.ndarray]:
    """Indices of texts in batches of at most `tokens` tokens, padding counted; in random order if there is an `rng`.

    Texts of similar length go together, so little is spent on padding.
    """
    order = np.arange(len(rows)) if rng is None else rng.permutation(len(rows))
    lengths = np.array([len(row) for row in rows])
    batches = []
    for start in range(0, len(order), 4096):
        pool = order[start : start + 4096]
        group: list[int] = []
        for i in pool[np.argsort(lengths[pool], kind="stable")]:
            if group and (len(group) + 1) * lengths[i] > tokens:
                batches.append(np.array(group))
                group = []
            group.append(i)
        batches.append(np.array(group))
    if rng is not None:
        rng.shuffle(batches)
    yield from batches


def padded(rows: Sequence[Sequence[int]], pad: int) -> dict[str, Tensor]:
    """`input_ids` and `attention_mask`, each `[text, position]`."""
    ids = torch.full((len(rows), max(map(len, rows))), pad)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
    mask = torch.tensor([[position < len(row) for position in range(ids.shape[1])] for row in rows]).long()
    return {"input_ids": ids, "attention_mask": mask}


def fit(folder: Path, model: PreTrainedModel, rows: list[list[int]], loss_of: LossOf, schedule: Schedule) -> None:
    """Train `model` in place, or go on from `folder/checkpoint.pt`; a line of `log.jsonl` every 20 steps.

    Every step draws its dropout from its own seed, so a run that was killed ends where it would have ended.

    Args:
        rows: token ids, `[text]`.
        loss_of: see `LossOf`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schedule.json").write_text(json.dumps(asdict(schedule), indent=1))
    rng = np.random.default_rng(schedule.seed)
    steps = [
        batch for _ in range(schedule.epochs) for batch in batch_indices(rows, schedule.batch_tokens, rng)
    ]  # all orders are drawn at the start, so a resumed run sees the same ones
    learned = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(decay.groups(learned), lr=schedule.peak, fused=True)
    checkpoint, first = folder / "checkpoint.pt", 0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first = state["step"]
    log = (folder / "log.jsonl").open("a")
    saved = started = time.monotonic()
    recent: list[float] = []
    model.train()
    for step in range(first, len(steps)):
        torch.manual_seed(schedule.seed * 1_000_003 + step)
        rise = min(1.0, (step + 1) / max(1, schedule.warmup * len(steps)))
        for group in optimizer.param_groups:
            group["lr"] = schedule.peak * min(rise, 1 - step / len(steps))
        inputs = padded([rows[i] for i in steps[step]], model.config.pad_token_id)
        with torch.autocast("cpu", torch.bfloat16, enabled=schedule.bfloat16):
            logits = model(**inputs).logits
        loss = loss_of(logits.float(), torch.from_numpy(steps[step]))
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        recent.append(loss.item())
        done = step + 1
        if done % 20 == 0 or done == len(steps):
            line = {
                "step": done,
                "of": len(steps),
                "loss": float(np.mean(recent)),
                "seconds": time.monotonic() - started,
            }
            print(json.dumps(line), file=log, flush=True)
            recent.clear()
        if time.monotonic() - saved > SAVE_SECONDS or done == len(steps):
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "step": done}
            workspace.save(state, checkpoint)
            saved = time.monotonic()
    model.eval()


def finished(folder: Path) -> bool:
    """Return True if a training has taken all its steps, by the last line of its log."""
    last = workspace.last_row(folder / "log.jsonl")
    return bool(last) and last["step"] == last["of"]


@torch.no_grad()
def logits_of(model: PreTrainedModel, rows: list[list[int]], batch_tokens: int = 2048) -> Tensor:
    """Logits for each text, `[text, class]`, in float32."""
    model.eval()
    found = torch.empty(len(rows), model.config.num_labels)
    for batch in batch_indices(rows, batch_tokens, None):
        found[batch] = model(**padded([rows[i] for i in batch], model.config.pad_token_id)).logits
    return found


def cached_logits(model: PreTrainedModel, rows: list[list[int]], file: Path) -> Tensor:
    """`logits_of`, computed once and kept in `file`."""
    if not file.exists():
        save_file({"logits": logits_of(model, rows)}, file)
    return load_file(file)["logits"]


def halved(model: PreTrainedModel) -> PreTrainedModel:
    """The model with its weights rounded to half precision, as they are shipped; computing in float32."""
    model.load_state_dict({name: tensor.half().float() for name, tensor in model.state_dict().items()})
    return model.eval()
