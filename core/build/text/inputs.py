"""Inputs of the masked-language models: the tokenizer of their encoder, and text as token ids."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from core.build import workspace
from core.build.packages import encoder_folder
from core.build.text import everyday
from core.build.text.corpora import documents
from core.build.text.encoding import Encoded, encode
from core.build.text.relations import relation_documents


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of the encoder, which all its models keep."""
    return AutoTokenizer.from_pretrained(encoder_folder())


def sentences_file() -> Path:
    """File of the everyday sentences written by the larger model."""
    return workspace.folder() / "everyday" / "sentences.jsonl"


def text(names: tuple[str, ...]) -> dict[str, Encoded]:
    """The corpora as token ids, encoded on first use."""
    made = {
        "everyday_relations": relation_documents,
        "everyday_smollm": lambda: everyday.everyday_documents(sentences_file()),
        "everyday_next_words": lambda: everyday.next_word_documents(workspace.labels_file("next_words_2")),
    }
    found = {}
    for name in names:
        file = workspace.folder() / "text" / f"{name}.npz"
        found[name] = encode(made.get(name, lambda name=name: documents(name))(), tokenizer(), file)
    return found
