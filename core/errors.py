"""Errors that a learner can do something about."""

from __future__ import annotations


class LabError(ValueError):
    """A problem with what was asked, said in a sentence that tells what to do.

    Attributes:
        code: names the sentence, so that a page can say it in the learner's language.
        details: the numbers and names that fill its blanks.
    """

    sentences = {
        "empty_text": "There is no text to read. Type a sentence.",
        "no_mask": "No word is masked. Mask at least one word.",
        "not_one_token": "{word!r} is not one token of this vocabulary, and a label must be one. Give another word.",
        "unknown_model": "There is no model named {name!r}. The catalogue has: {known}.",
        "missing_checkpoint": "No checkpoint was found at {name!r}. Check the folder, or choose a shipped model.",
        "broken_checkpoint": "The checkpoint {name!r} cannot be read ({reason}). Restore its files, or choose another model.",
        "unknown_family": "{family!r} models are not supported. Supported: {known}.",
        "no_vocabulary_head": "The model {name!r} has no vocabulary head, so it predicts no words. Choose another model.",
        "different_vocabulary": "{teacher!r} and {student!r} do not share a vocabulary, so their predictions cannot be compared.",
        "different_tokens": "{teacher!r} and {student!r} split this text into different tokens, so no token has a partner.",
        "too_few_tokens": "This text is a single token, and one token cannot be compared. Type a few words.",
        "no_position_table": "The model {name!r} has no learned position table. Choose another model.",
        "bad_intervention": "The intervention {intervention} does not fit this text and model: {reason}.",
        "empty_cell": "Row {row}, column {column} of {matrix} holds no number. Fill it in, or press Reset.",
        "large_cell": "Row {row}, column {column} of {matrix} is beyond {largest}. Choose a number nearer to zero.",
        "busy": "Too many people are computing at this moment. Your input is kept: try again in a few seconds.",
    }

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(self.sentences[code].format(**details))
        self.code = code
        self.details = details
