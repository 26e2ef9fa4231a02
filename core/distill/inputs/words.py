"""The word embeddings that a small student trains: only the rows of words that occur in its data.

    with_words_in_use(student, texts.vocabulary)      # 2,000 rows of 30,522, say, get gradients and an optimizer state
    ...                                               # train; any other word may still be read at any time
    whole_again(student)                              # the trained rows are written back; it is a plain model again

A word that never occurs has a gradient of exactly 0, so AdamW (without weight decay on embeddings) would not move it either:
training only the rows in use gives the same student. Sparse gradients would not: torch's `SparseAdam` skips the momentum of
rows that a batch lacks, which is another optimizer with other results.

`python -m tests.benchmarks.words` measures them. One thread of a Xeon with fast memory, a 2 × 128 classifier, 32 texts of 25
tokens, milliseconds per step: all 30,522 rows 32.0, sparse 27.7, rows in use 26.4 (500 texts) to 27.8 (2,000), no row 25.4.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class WordsInUse(nn.Module):
    """An embedding table of which some rows train and the others stay as they were.

    Attributes:
        rows: the trained rows, `[id in use, width]`.
        ids: which rows of the whole table they are, `[id in use]`.
    """

    def __init__(self, table: nn.Embedding, ids: Tensor) -> None:
        super().__init__()
        whole = table.weight.detach()
        slot = torch.full((len(whole),), -1, dtype=torch.long, device=whole.device)
        ids = ids.to(whole.device)
        slot[ids] = torch.arange(len(ids), device=whole.device)
        self.rows = nn.Parameter(whole[ids].clone(), requires_grad=table.weight.requires_grad)
        # Not part of a checkpoint: they follow from the student that training began with.
        self.register_buffer("whole", whole, persistent=False)
        self.register_buffer("slot", slot, persistent=False)
        self.register_buffer("ids", ids, persistent=False)
        self.padding_idx = table.padding_idx
        padding = -1 if table.padding_idx is None else int(slot[table.padding_idx])
        self._padding_slot = None if padding < 0 else padding

    def forward(self, ids: Tensor) -> Tensor:
        """The embeddings of any ids, `[...]` -> `[..., width]`; gradients reach the rows in use."""
        slot = self.slot[ids]
        trained = F.embedding(slot.clamp(min=0), self.rows, self._padding_slot)
        if bool((slot >= 0).all()):
            return trained
        return torch.where((slot >= 0)[..., None], trained, F.embedding(ids, self.whole))

    def table(self) -> Tensor:
        """The whole table with the trained rows in their places, `[id, width]`; a copy."""
        whole = self.whole.clone()
        whole[self.ids] = self.rows.detach()
        return whole


def with_words_in_use(model: nn.Module, ids: Tensor) -> bool:
    """Let only these rows of a model's word embeddings train.

    Returns:
        Whether it was done: a model with a vocabulary head tied to its embeddings needs every row in every step.
    """
    table = model.get_input_embeddings()
    if not isinstance(table, nn.Embedding) or model.get_output_embeddings() is not None:
        return False
    model.set_input_embeddings(WordsInUse(table, ids))
    return True


def whole_again(model: nn.Module) -> None:
    """Write the trained rows back, so that the model is a plain one of transformers again. Other models are left alone."""
    words = model.get_input_embeddings()
    if isinstance(words, WordsInUse):
        table = words.table()
        restored = nn.Embedding.from_pretrained(
            table, freeze=not words.rows.requires_grad, padding_idx=words.padding_idx
        )
        model.set_input_embeddings(restored)


def whole_state(model: nn.Module) -> dict[str, Tensor]:
    """The model's state as plain transformers names it, also while only the words in use train."""
    state = model.state_dict()
    for name, module in model.named_modules():
        if isinstance(module, WordsInUse):
            del state[f"{name}.rows"]
            state[f"{name}.weight"] = module.table()
    return state


def whole_table(model: nn.Module) -> Tensor:
    """A model's word embeddings, `[id, width]`, also while only the words in use train."""
    words = model.get_input_embeddings()
    return words.table() if isinstance(words, WordsInUse) else words.weight.detach()
