"""Writing a trained model into `assets/models`: half precision, safetensors, a card, and no tensor twice.

The word embeddings are half of these small models, and the student keeps the teacher's. So they lie in a shard of their own
beside the teacher, and the student's index points at it: plain transformers opens both folders, and the two models together
take a third less room.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file
from transformers import PreTrainedModel, PreTrainedTokenizerBase

WORD_EMBEDDINGS = "bert.embeddings.word_embeddings.weight"
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
) -> None:
    """Writes one model's folder.

    Args:
        front: the card's facts, see `core.models.card.ModelCard`; shape, sizes and hashes are added here.
        text: the card's prose in Markdown.
        embeddings_of: the folder whose word embeddings this model shares; its own if None.

    Raises:
        ValueError: the model's word embeddings are not those of `embeddings_of`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.half().contiguous() for name, tensor in model.state_dict().items()}
    weights.pop("cls.predictions.decoder.weight", None)  # tied to the word embeddings
    weights.pop("cls.predictions.decoder.bias", None)  # tied to cls.predictions.bias
    words = weights.pop(WORD_EMBEDDINGS)
    shard_folder = embeddings_of or folder
    if embeddings_of is None:
        save_file({WORD_EMBEDDINGS: words}, folder / EMBEDDING_SHARD, metadata={"format": "pt"})
    else:
        _require_same(words, embeddings_of / EMBEDDING_SHARD)
    save_file(weights, folder / MODEL_SHARD, metadata={"format": "pt"})

    shard = os.path.relpath(shard_folder / EMBEDDING_SHARD, folder)
    index = {
        "metadata": {"total_size": sum(tensor.nbytes for tensor in weights.values()) + words.nbytes},
        "weight_map": {**dict.fromkeys(weights, MODEL_SHARD), WORD_EMBEDDINGS: shard},
    }
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n")
    config = model.config.to_diff_dict() | {"architectures": [type(model).__name__], "dtype": "float16"}
    config.pop("_name_or_path", None)
    config.pop("transformers_version", None)
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
    tokenizer.save_pretrained(folder)

    files = [folder / MODEL_SHARD, shard_folder / EMBEDDING_SHARD]
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


def _require_same(words: torch.Tensor, shard: Path) -> None:
    from safetensors.torch import load_file

    if not torch.equal(words, load_file(shard)[WORD_EMBEDDINGS]):
        raise ValueError(f"The word embeddings differ from those in {shard}: train the student with them frozen.")


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
