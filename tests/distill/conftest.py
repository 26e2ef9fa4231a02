"""Small models with trained-looking heads, and texts that they can read."""

from __future__ import annotations

import pytest
import torch

from core.distill.encoding import encode, masked
from core.distill.forward import observed
from core.distill.students import fresh

SENTENCES = [
    f"{start} {verb} {end}"
    for start in ("the king", "a queen", "dogs and cats in paris", "what")
    for verb in ("rules", "sings of", "is")
    for end in ("the land", "a capital of france", "cats", "paris, the capital of a land")
]


@pytest.fixture(scope="session")
def sentences():
    return SENTENCES


@pytest.fixture
def model(tiny):
    """`model(task, layers, ...)`: a small BERT with weights far from zero, in eval mode, a new one at each call."""

    def make(task="single_label", layers=2, width=32, heads=4, labels=3, seed=0, **options):
        made = fresh(tiny("bert").model, task, layers, width, heads, labels, dropout=0.1, seed=seed, **options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed + 100)
            for name, parameter in made.named_parameters():
                if "LayerNorm" not in name:
                    torch.nn.init.normal_(parameter, std=0.2)
        return observed(made).eval()

    return make


@pytest.fixture
def texts(tiny, sentences):
    """`texts(task)`: the sentences with labels that can be learned from their words."""
    tokenizer = tiny("bert").tokenizer

    def make(task="single_label", rows=None):
        chosen = sentences if rows is None else sentences[:rows]
        if task == "masked_words":
            return masked(tokenizer, chosen, probability=0.3, seed=5)
        if task == "token_labels":
            words = [sentence.replace(",", " ,").split() for sentence in chosen]
            return encode(tokenizer, words, [[len(word) % 3 for word in row] for row in words], task)
        if task == "multi_label":
            labels = [[int(word in sentence) for word in ("king", "cats", "paris")] for sentence in chosen]
            return encode(tokenizer, chosen, labels, task)
        return encode(tokenizer, chosen, ["king" in s or 2 * ("is" in s.split()) for s in chosen], task)

    return make


@pytest.fixture(params=["single_label", "multi_label", "token_labels", "masked_words"])
def task(request):
    return request.param
