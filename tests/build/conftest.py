"""A tiny language model that reads from left to right; a tiny encoder, its tokenizer, and a teacher trained on it."""

from __future__ import annotations

import pytest
import torch
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from core.build.labels import larger
from core.build.text import encoding
from core.build.text.corpora import Document
from core.build.train import teacher

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


@pytest.fixture
def guesser(family_folder):
    return transformers.BertForMaskedLM.from_pretrained(family_folder("bert")).eval()


@pytest.fixture
def tokenizer(pieces):
    return pieces


@pytest.fixture
def source(family_folder, tmp_path):
    """An encoder without a vocabulary head, as the build's base is."""
    folder = tmp_path / "base"
    model = transformers.BertModel.from_pretrained(family_folder("bert"), add_pooling_layer=False)
    model.save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(family_folder("bert")).save_pretrained(folder)
    return folder


@pytest.fixture
def corpora(tokenizer, tmp_path):
    """A corpus of 300 documents of the same three sentences."""
    text = ("the king rules a land.", "the queen sings of cats and dogs.", "what is the capital of france?")
    documents = (Document("masc_tagged", f"page-{number}", text) for number in range(300))
    return {"masc_tagged": encoding.encode(documents, tokenizer, tmp_path / "text.npz")}


@pytest.fixture
def schedule():
    """Some hundred steps in three cycles."""
    text = ("masc_tagged",)
    return teacher.Schedule(
        head_tokens=500,
        cycles=(
            teacher.Cycle(10_000, text, warmup=500),
            teacher.Cycle(20_000, text, decay=5000, unlikelihood=0.5),
            teacher.Cycle(30_000, text, warmup=500, decay=8000, unlikelihood=1.0, words=False, bfloat16=True),
        ),
        batch_tokens=200,
        peak=5e-3,
    )


@pytest.fixture
def taught(source, corpora, schedule, tmp_path):
    return teacher.train(tmp_path / "teacher", source, corpora, schedule).eval()
