"""Writing a trained model into `assets/models`: half precision, safetensors, a card, and no tensor twice.

The word embeddings are half of these small models, and the student keeps the teacher's. So they are in a shard of their own
in the teacher's folder, and the student's index points at it: plain transformers opens both folders, and the two models together
take a third less room. In that shard their name is without the family's prefix, so that an ELECTRA can share a BERT's.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import torch
import yaml
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from core.models.card import catalog

WORD_EMBEDDINGS = "embeddings.word_embeddings.weight"
EMBEDDING_SHARD = "embeddings.safetensors"
MODEL_SHARD = "layers.safetensors"  # not model.safetensors, which transformers would take for the whole model
INDEX = "model.safetensors.index.json"


def ship(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    front: dict,
    text: str,
    embeddings_of: Path | None = None,
    layers_of: Path | None = None,
) -> None:
    """Write one model's folder.

    Args:
        front: the card's facts, see `core.models.card.ModelCard`; shape, sizes and hashes are added here.
        text: the card's prose in Markdown.
        embeddings_of: the folder whose word embeddings this model shares; its own if None.
        layers_of: the folder whose encoder this model shares whole, so that only its head is written; its own if None.

    Raises:
        ValueError: the model's word embeddings are not those of `embeddings_of`, or its encoder not that of `layers_of`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    repeated = model.all_tied_weights_keys  # the word embeddings or the head's bias, under a second name
    weights = {name: tensor for name, tensor in weights.items() if name not in repeated}
    total = sum(tensor.nbytes for tensor in weights.values())
    words = weights.pop(f"{model.base_model_prefix}.{WORD_EMBEDDINGS}")
    shared = _shared(weights, layers_of / MODEL_SHARD) if layers_of else []
    weights = {name: tensor for name, tensor in weights.items() if name not in shared}
    shard_folder = embeddings_of or folder
    if embeddings_of is None:
        save_file({WORD_EMBEDDINGS: words}, folder / EMBEDDING_SHARD, metadata={"format": "pt"})
    else:
        _require_same(words, embeddings_of / EMBEDDING_SHARD)
    save_file(weights, folder / MODEL_SHARD, metadata={"format": "pt"})

    shard = os.path.relpath(shard_folder / EMBEDDING_SHARD, folder)
    index = {
        "metadata": {"total_size": total},
        "weight_map": {**dict.fromkeys(weights, MODEL_SHARD), WORD_EMBEDDINGS: shard},
    }
    if layers_of:
        index["weight_map"] |= dict.fromkeys(shared, os.path.relpath(layers_of / MODEL_SHARD, folder))
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n")
    config = model.config.to_diff_dict() | {"architectures": [type(model).__name__], "dtype": "float16"}
    config.pop("_name_or_path", None)
    config.pop("transformers_version", None)
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    tokenizer.save_pretrained(folder)

    files = [folder / MODEL_SHARD, shard_folder / EMBEDDING_SHARD, *([layers_of / MODEL_SHARD] if layers_of else [])]
    facts = front["distillery"] | {
        "layers": model.config.num_hidden_layers,
        "width": model.config.hidden_size,
        "heads": model.config.num_attention_heads,
        "vocabulary": model.config.vocab_size,
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "size_bytes": sum(file.stat().st_size for file in files),
    }
    hashes = "\n".join(f"| `{os.path.relpath(file, folder)}` | `{_sha256(file)}` |" for file in files)
    header = yaml.safe_dump({**front, "distillery": facts}, sort_keys=False, allow_unicode=True)
    (folder / "README.md").write_text(
        f"---\n{header}---\n\n{text.strip()}\n\n## Files\n\n| file | SHA-256 |\n|---|---|\n{hashes}\n", encoding="utf-8"
    )
    catalog.cache_clear()  # else this process would hold the new files against the hashes of the old card


def _shared(weights: dict[str, torch.Tensor], shard: Path) -> list[str]:
    """The names of the weights that are in `shard` too.

    transformers reads a shard whole, so a weight of the same name and another value would win or lose by the files' order.
    """
    theirs = load_file(shard)
    shared = [name for name in weights if name in theirs]
    if not shared or not all(torch.equal(weights[name], theirs[name]) for name in shared):
        raise ValueError(f"The encoder differs from that in {shard}: train the head with it frozen.")
    return shared


def _require_same(words: torch.Tensor, shard: Path) -> None:
    if not torch.equal(words, load_file(shard)[WORD_EMBEDDINGS]):
        raise ValueError(f"The word embeddings differ from those in {shard}: train the student with them frozen.")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
