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
        "changed_checkpoint": "The file {file} of {name!r} is not the one that its card names (its SHA-256 begins with {found}, "
        "not with {expected}). Restore it, or choose another model.",
        "missing_data": "The data file {name} is missing. Restore the folder assets/data.",
        "missing_pair": "No {role} for this task is installed. Restore its folder in assets/models.",
        "unknown_family": "{family!r} models are not supported. Supported: {known}.",
        "no_vocabulary_head": "The model {name!r} has no vocabulary head, so it predicts no words. Choose another model.",
        "different_vocabulary": "{teacher!r} and {student!r} do not share a vocabulary, so their predictions cannot be compared.",
        "different_tokens": "{teacher!r} and {student!r} split this text into different tokens, so no token has a partner.",
        "too_few_tokens": "This text is a single token, and one token cannot be compared. Type a few words.",
        "no_position_table": "The model {name!r} has no learned position table. Choose another model.",
        "bad_intervention": "The intervention {intervention} does not fit this text and model: {reason}.",
        "empty_cell": "Row {row}, column {column} of {matrix} holds no number. Fill it in, or press Reset.",
        "large_cell": "Row {row}, column {column} of {matrix} is beyond {largest}. Choose a number nearer to zero.",
        "bad_name": "A learner's name has 1 to {longest} visible characters. Choose another one.",
        "progress_unwritable": "Progress cannot be kept in {folder} ({reason}). Make the folder writable, or name another one.",
        "progress_large": "This is too large to be kept: the limit is {largest}.",
        "progress_file": "This is not a progress file that can be read ({reason}). Nothing was imported.",
        "empty_data": "There are no texts to learn from. Choose a data set, or enter some.",
        "zero_labels": "There are no labels to learn from. Ask for at least one, or give the soft loss a weight.",
        "untrained_head": "The head of {name!r} was never trained ({weights}): it would teach noise. Choose another teacher.",
        "different_labels": "The teacher tells {teacher} labels apart and the student {student}. Give the student as many.",
        "different_heads": "The loss {term!r} compares head with head, but there are {teacher} and {student}. Leave it out.",
        "heads_do_not_divide": "A width of {width} cannot be split into {heads} equal heads. Choose a number that divides it.",
        "bad_shape": "A model of {layers} layers, width {width} and {heads} heads does not exist. Each must be at least 1.",
        "bad_layers": "The layers {layers} do not fit a model of {count}: each must exist (1 is the lowest) and come once.",
        "bad_heads": "There is no head {head} (layer.head, counted from 1) in a model of {layers} layers of {heads} heads.",
        "not_bert_like": "Heads can be switched off in BERT-like encoders only ({known}), not in {family!r} models.",
        "bad_temperature": "The temperature must be a positive, finite number, not {temperature}.",
        "bad_weight": "The weight of a loss must be a finite number of at least 0, not {weight}.",
        "no_objective": "Every loss has the weight 0, so there is nothing to learn from. Give at least one a weight.",
        "nan_loss": "The loss of {arm!r} became {loss} at step {step}; the student stays as it was. Lower the learning rate.",
        "no_space": "The disk is full: nothing more can be written to {folder!r}. Make room, then go on.",
        "long_code": "The code is longer than {longest} characters. Shorten it.",
        "sandbox_off": "Running code is switched off on this server. Read the exercise and run its code on your own machine.",
        "sandbox_lost": "The process for exercises stopped. Your code is kept: try again in a few seconds.",
        "run_missing": "The folder of the run {name!r} is gone. Start a new run.",
        "broken_run": "The run {name!r} cannot be read ({reason}). Start a new run.",
        "run_unfinished": "The run {name!r} has done {done} of {steps} steps and no student is finished. Let it finish.",
        "nothing_held_out": "The run {name!r} held no texts out, so nothing can be said of its students. Start one that does.",
        "worker_died": "The process of the run {name!r} ended unexpectedly. Go on from its last checkpoint.",
        "busy": "Too many people are computing at this moment. Your input is kept: try again in a few seconds.",
    }

    def __init__(self, code: str, **details: object) -> None:
        super().__init__(self.sentences[code].format(**details))
        self.code = code
        self.details = details
