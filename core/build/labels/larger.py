"""SmolLM2-135M (Allal et al. 2025; Apache-2.0) as a teacher of a masked model with other tokens: the words that both hold."""

from __future__ import annotations

import copy
import re

import torch
from transformers import DynamicCache, PreTrainedModel, PreTrainedTokenizerBase

CONTEXT = (
    "Dogs bark at strangers. My brother reads a book in bed. A week has seven days. The carpenter works with wood. "
    "Children go to school to learn. Ice is frozen water. "
)
"""Text that the judge reads before each sentence, so that it expects what is usual and true, not what is common on the web."""

DEEDS = (
    "The farmer fed his horses. She hung her shirt on a hook. We painted the fence. He told us a joke. I gave her a basket. "
    "The tailor sold blankets. They followed the path. My cousin cut the grass. A rabbit dug a hole. Two girls laughed loudly. "
    "The soldier lost his helmet. She cooked potatoes. "
)
"""Text that the writer reads instead before it writes about a deed: shorter sentences, so that it writes such, and other nouns
(of them "rabbit" alone is an accepted answer to a sentence that measures)."""


class Larger:
    """A language model that reads from left to right, and the words that a masked model holds whole too."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        known: set[str],
        common: set[str],
        context: str = CONTEXT,
    ) -> None:
        """Collect the words that both models hold.

        Args:
            model: the language model, with its `tokenizer` (byte-level BPE: a word's first token begins with "Ġ").
            known: words that the masked model holds whole; others are never proposed.
            common: words that are not labelled.
            context: what the model reads before each sentence.
        """
        self.model, self.tokenizer = model, tokenizer
        self.words: dict[int, str] = {}
        """The known word of each token."""
        for token, number in self.tokenizer.get_vocab().items():
            word = token.removeprefix("Ġ").lower()
            if token.startswith("Ġ") and re.fullmatch(r"[a-z]{2,}", word) and word in known:
                self.words[number] = word
        self.asked = {number for number, word in self.words.items() if len(word) > 2 and word not in common}
        self.unknown = torch.ones(self.model.config.vocab_size, dtype=torch.bool)
        self.unknown[list(self.words)] = False
        self.numbers: dict[str, int] = {}
        for number, word in self.words.items():  # "Paris" and "paris" are one word here: the commoner token, made first
            self.numbers[word] = min(number, self.numbers.get(word, number))
        self.inside = {i for token, i in self.tokenizer.get_vocab().items() if token[0].isalpha() and token[0] != "Ġ"}
        """Tokens that go on with a word."""
        (self.stop,) = self.tokenizer(".", add_special_tokens=False).input_ids
        self.context: list[int] = self.tokenizer(context, add_special_tokens=False).input_ids
        with torch.inference_mode():
            self._read = self.model.model(input_ids=torch.tensor([self.context]), use_cache=True).past_key_values

    def past(self, rows: int) -> DynamicCache:
        """Keys and values of the context, read once, before each of `rows` rows; a pass appends to it, so each has its own."""
        past = copy.deepcopy(self._read)
        past.batch_repeat_interleave(rows)
        return past
