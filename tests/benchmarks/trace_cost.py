"""What observing costs: `trace` against the same eager forward with attentions and hidden states."""

from __future__ import annotations

import statistics
import time

import torch
import transformers

from core.models import catalog, load
from core.trace import tokenize, trace_tokens

LENGTHS = (16, 64, 128)
ROUNDS = 60


def main() -> None:
    """Prints the median of each side and the median of the ratios of neighbouring runs."""
    torch.set_num_threads(1)
    card = catalog()[0]
    checkpoint = load(card.name, device="cpu")
    eager = transformers.AutoModelForMaskedLM.from_pretrained(
        card.folder, attn_implementation="eager", dtype=torch.float32
    ).eval()
    print(f"{card.name}, one thread, float32; medians of {ROUNDS} pairs")
    for length in LENGTHS:
        tokens = tokenize(checkpoint, "the quick brown fox jumps over the lazy dog " * 20, longest=length)
        inputs = {"input_ids": tokens.ids[None], "attention_mask": torch.ones_like(tokens.ids)[None]}

        @torch.no_grad()
        def plain(inputs=inputs) -> None:
            eager(**inputs, output_attentions=True, output_hidden_states=True)

        ours, theirs = [], []
        for _ in range(5):
            plain()
            trace_tokens(checkpoint, tokens)
        for _ in range(ROUNDS):
            theirs.append(_seconds(plain))
            ours.append(_seconds(lambda tokens=tokens: trace_tokens(checkpoint, tokens)))
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        milliseconds = [statistics.median(side) * 1000 for side in (ours, theirs)]
        print(f"{length:4} tokens: trace {milliseconds[0]:6.1f} ms, eager {milliseconds[1]:6.1f} ms, ratio {ratio:.3f}")


def _seconds(call) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
