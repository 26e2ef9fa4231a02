"""Frequency of each token in the training text, and the words so common that they may well repeat."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from core.build.text.encoding import Encoded

COMMON = math.log(1e-3)
"""ln of the share of the text from which on a word is common: "the", "of", "is", and some seventy more."""


def log_unigram(corpora: dict[str, Encoded], size: int) -> Tensor:
    """ln of each token's share of the training text, with one added to every count, `[vocabulary]`."""
    counts = np.ones(size)
    for encoded in corpora.values():
        for row in encoded.sequences(held_out=False):
            np.add.at(counts, row[1:-1], 1)
    return torch.from_numpy(np.log(counts / counts.sum())).float()


def common_words(corpora: dict[str, Encoded], tokenizer: PreTrainedTokenizerBase) -> Tensor:
    """True for ids that may well repeat in a sentence: special ones and the most frequent, `[vocabulary]`."""
    common = log_unigram(corpora, len(tokenizer)) > COMMON
    common[tokenizer.all_special_ids] = True
    return common
