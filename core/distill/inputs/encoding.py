"""From words to `TokenizedTexts`.

For example:

    encode(tokenizer, ["a king", "a cat"], [0, 1])                                       # one class a text
    encode(tokenizer, ["a king", "a cat"], [[1, 0], [1, 1]], "multi_label")              # any number of labels
    encode(tokenizer, [["a", "king"]], [[0, 1]], "token_labels")                         # a class a word
    masked(tokenizer, ["a king", "a cat"], probability=0.15, seed=0)                     # words to be guessed
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from core.distill.inputs.texts import UNLABELLED, MaskedTexts, Task, TokenizedTexts, starts_of
from core.errors import LabError
from core.theory.masking import IGNORED


def encode(
    tokenizer, texts: Sequence, labels: Sequence | Tensor | None = None, task: Task = "single_label", longest: int = 128
) -> TokenizedTexts:
    """Texts with their labels as token ids, cut at `longest` tokens.

    Args:
        tokenizer: a fast tokenizer of transformers.
        texts: strings, or pairs of strings; for "token_labels" lists of words.
        labels: a class number per text; for "multi_label" a list of 0 and 1; for "token_labels" a class number per word, of
            which the word's first piece gets it (the other pieces are `IGNORED`). `UNLABELLED` where there is none; None
            for a set without labels.
        task: any but "masked_words", for which see `masked`.

    Raises:
        LabError: `empty_data`.
        ValueError: there are not as many labels as texts.
    """
    if not len(texts):
        raise LabError("empty_data")
    if labels is not None and len(labels) != len(texts):
        raise ValueError(f"{len(texts)} texts need as many labels, not {len(labels)}.")
    words = task == "token_labels"
    pairs = not words and not isinstance(texts[0], str)
    columns = list(zip(*texts, strict=True)) if pairs else [list(texts)]
    encoding = tokenizer(
        *[list(column) for column in columns],
        truncation=True,
        max_length=longest,
        is_split_into_words=words,
        return_token_type_ids=pairs,
        verbose=False,
    )
    rows = encoding["input_ids"]
    if words:
        given = labels if labels is not None else [[UNLABELLED] * len(row) for row in texts]
        by_token: list[int] = []
        for number, row in enumerate(given):
            before = None
            for word in encoding.word_ids(number):
                by_token.append(IGNORED if word is None or word == before else int(row[word]))
                before = word
        target = torch.tensor(by_token)
    elif labels is None:
        target = torch.full((len(texts),), UNLABELLED)
    else:
        target = torch.as_tensor(labels)
        target = target.float() if task == "multi_label" else target.long()
    segments = torch.tensor([id for row in encoding["token_type_ids"] for id in row]) if pairs else None
    ids = torch.tensor([id for row in rows for id in row])
    return TokenizedTexts(
        ids, starts_of(torch.tensor([len(row) for row in rows])), target, task, tokenizer.pad_token_id, segments
    )


def masked(
    tokenizer,
    texts: Sequence,
    probability: float = 0.15,
    seed: int = 0,
    longest: int = 128,
    whole_words: bool = False,
) -> MaskedTexts:
    """Texts whose words are to be guessed, masked anew in each epoch.

    Args:
        texts: strings, or rows of token ids with their special tokens.
        whole_words: mask all pieces of a word together; needs strings.

    Raises:
        LabError: `empty_data`.
    """
    if not len(texts):
        raise LabError("empty_data")
    word_ids = None
    if isinstance(texts[0], str):
        encoding = tokenizer(list(texts), truncation=True, max_length=longest, verbose=False)
        rows = [torch.tensor(row) for row in encoding["input_ids"]]
        if whole_words:
            words = [word for number in range(len(rows)) for word in encoding.word_ids(number)]
            word_ids = torch.tensor([-1 if word is None else word for word in words])
    else:
        rows = [torch.as_tensor(row).long()[:longest] for row in texts]
    ids = torch.cat(rows)
    return MaskedTexts(
        ids=ids,
        starts=starts_of(torch.tensor([len(row) for row in rows])),
        labels=torch.full_like(ids, IGNORED),
        task="masked_words",
        pad_id=tokenizer.pad_token_id,
        special=torch.isin(ids, torch.tensor(tokenizer.all_special_ids)),
        mask_id=tokenizer.mask_token_id,
        vocabulary_size=len(tokenizer),
        probability=probability,
        seed=seed,
        word_ids=word_ids,
    )
