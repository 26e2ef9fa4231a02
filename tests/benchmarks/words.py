"""What the word embeddings cost in a step of a tiny student: the whole table, the rows in use, sparse gradients, frozen."""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn

from core.distill.forward import FeatureRequest, forward, observed
from core.distill.inputs.batching import plan
from core.distill.inputs.encoding import encode
from core.distill.inputs.words import with_words_in_use
from core.distill.objectives.losses import hard_loss
from core.distill.students import fresh
from core.models import catalog, load

TEXTS, WORDS, BATCH, ROUNDS = (500, 2000), 23, 32, 60


def main() -> None:
    """Prints the median milliseconds of a step of a 2 × 128 classifier, one thread, batches of about 25 tokens a text."""
    torch.set_num_threads(1)
    checkpoint = load(catalog()[0].name, device="cpu")
    # Words as frequent as in a language: the n-th most frequent is drawn 1/n as often (Zipf).
    pieces = [piece for piece in checkpoint.tokenizer.get_vocab() if piece.isalpha() and piece.isascii()]
    odds = 1 / torch.arange(1, len(pieces) + 1)
    for count in TEXTS:
        generator = torch.Generator().manual_seed(0)
        drawn = torch.multinomial(odds, count * WORDS, replacement=True, generator=generator).view(count, WORDS)
        sentences = [" ".join(pieces[i] for i in row) for row in drawn.tolist()]
        texts = encode(checkpoint.tokenizer, sentences, [i % 16 for i in range(count)])
        print(f"{len(texts.vocabulary):,} of {checkpoint.model.config.vocab_size:,} words occur in {count:,} texts")
        _compare(checkpoint.model, texts)


def _compare(teacher, texts) -> None:
    ways = {way: _stepper(teacher, texts, way) for way in ("all", "sparse", "in_use", "frozen")}
    seconds: dict[str, list[float]] = {way: [] for way in ways}
    batches = [rows for epoch in range(8) for rows in plan(texts.lengths, BATCH, 0, epoch)]
    for rows in batches[:ROUNDS]:
        batch = texts.batch(rows)
        for way, step in ways.items():
            started = time.process_time()
            step(batch)
            seconds[way].append(time.process_time() - started)
    for way, measured in seconds.items():
        print(f"{way:7} {statistics.median(measured[5:]) * 1000:6.1f} ms of processor time a step")


def _stepper(teacher, texts, way):
    """A function that trains a new student on one batch."""
    student = observed(fresh(teacher, "single_label", 2, 128, 2, labels=16)).eval()
    sparse = None
    if way == "in_use":
        with_words_in_use(student, texts.vocabulary)
    elif way == "frozen":
        student.get_input_embeddings().requires_grad_(False)
    elif way == "sparse":
        words = student.get_input_embeddings()
        student.set_input_embeddings(nn.Embedding.from_pretrained(words.weight.detach(), False, 0, sparse=True))
        sparse = torch.optim.SparseAdam([student.get_input_embeddings().weight], lr=1e-3)
    dense = [
        p for p in student.parameters() if p.requires_grad and (way != "sparse" or len(p) != teacher.config.vocab_size)
    ]
    optimizers = [torch.optim.AdamW(dense, lr=1e-3, fused=True)] + ([sparse] if sparse else [])

    def step(batch) -> None:
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=True)
        hard_loss(forward(student, batch, "single_label", FeatureRequest(logits=True)).logits, batch.labels).backward()
        for optimizer in optimizers:
            optimizer.step()

    return step


if __name__ == "__main__":
    main()
