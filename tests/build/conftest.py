"""A tiny language model that reads from left to right, and a masked one's tokenizer."""

from __future__ import annotations

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from core.build.labels import larger

SENTENCES = [
    "the king rules a land over the capital.",
    "the queen sings of cats and dogs in paris.",
    "what sings over the land is a king of dogs.",
]


@pytest.fixture(scope="session")
def sentences():
    """All that the tiny language model can say."""
    return SENTENCES


@pytest.fixture(scope="session")
def writer():
    """A tiny random Llama and a byte-level tokenizer that holds each word of the sentences as one token."""
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    inner.train_from_iterator(SENTENCES * 4, trainers.BpeTrainer(vocab_size=300, min_frequency=2))
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=inner)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
    )
    model = transformers.LlamaForCausalLM(config).eval()
    for parameter in model.parameters():  # far from uniform, so that the words differ
        torch.nn.init.normal_(parameter, mean=float(parameter.ndim == 1), std=0.3)
    return model, tokenizer


@pytest.fixture
def pieces(family_folder):
    return transformers.AutoTokenizer.from_pretrained(family_folder("bert"))


@pytest.fixture
def larger_model(writer, pieces):
    return larger.Larger(*writer, pieces.get_vocab(), {"the", "and", "over"})
