"""Measurements of the masked-language models and their baselines on the same held-out text and the same everyday sentences."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from dataclasses import asdict
from functools import partial
from pathlib import Path

import numpy as np
from transformers import BertModel, PreTrainedModel, PreTrainedTokenizerBase

from core.build.measure.quality import Scorer, agreement, attention, held_out, scorer, unigram_scorer
from core.build.text.cloze import SETS, cloze
from core.build.text.corpora import FIRST_TEXT, MEASURING
from core.build.text.encoding import Encoded
from core.build.text.frequency import log_unigram
from core.build.train.classifier import halved

SEQUENCES = 800
"""Number of held-out sequences measured of each kind where trainings are compared."""

WHOLLY = ("teacher", "head_only")
"""Models measured on every held-out sequence, in addition to the students and the unigram: the shipped one and its baseline."""

ATTENTION_SEQUENCES = 60
"""On how many of them the attention is compared with the original encoder's."""


def measure(
    makers: dict[str, Callable[[], PreTrainedModel]],
    source: Path,
    tokenizer: PreTrainedTokenizerBase,
    corpora: dict[str, Encoded],
    folder: Path,
    students: Collection[str],
) -> dict:
    """Loss, accuracy, calibration, everyday sentences, agreement and attention.

    Args:
        makers: what gives "teacher" and any other models, by name; each is called once, when its turn comes.
        source: the encoder that the teacher was made from.
        folder: each model's figures are kept here, so that a run that was killed measures only what is left.
        students: which of the models learn from the teacher, or are compared with those that do.

    Returns:
        By model name, and for "unigram": `in_domain` and `brown` (see `quality.HeldOut`), `cloze.SETS` (see `cloze.Cloze`); for
        `WHOLLY`, `students` and "unigram" `all_in_domain`, on every held-out sequence; for `students` `agreement` with the
        teacher; for the teacher and `original` (the encoder as it came) `attention`.
    """
    training = {name: corpora[name] for name in FIRST_TEXT}
    texts = {
        "in_domain": [row for encoded in training.values() for row in encoded.sequences(held_out=True)],
        # Brown never trains, so all of it is held out.
        "brown": [row for name in MEASURING for side in (True, False) for row in corpora[name].sequences(side)],
    }
    folder.mkdir(parents=True, exist_ok=True)
    teacher = halved(makers["teacher"]())

    def scores(score: Scorer, wholly: bool) -> dict:
        found = {kind: asdict(held_out(score, tokenizer, rows, SEQUENCES)) for kind, rows in texts.items()}
        if wholly:
            rows = texts["in_domain"]
            found["all_in_domain"] = asdict(held_out(score, tokenizer, rows, len(rows)))
        return found

    def of_model(name: str) -> dict:
        model = teacher if name == "teacher" else halved(makers[name]())
        found = scores(scorer(model), name in WHOLLY or name in students) | {
            kind: asdict(cloze(model, tokenizer, kind)) for kind in SETS
        }
        if name == "teacher":
            return found | {"attention": asdict(attention(model.bert, original, rows))}
        if name not in students:
            return found
        same, divergence = agreement(teacher, model, tokenizer, texts["in_domain"], SEQUENCES)
        return found | {"agreement": {"top1": same, "kl": divergence}}

    original = BertModel.from_pretrained(source, add_pooling_layer=False).eval()
    chosen = np.random.default_rng(0).permutation(len(texts["in_domain"]))[:ATTENTION_SEQUENCES]
    rows = [texts["in_domain"][i] for i in chosen]
    jobs = {name: partial(of_model, name) for name in makers}
    jobs["unigram"] = lambda: scores(unigram_scorer(log_unigram(training, len(tokenizer))), True)
    jobs["original"] = lambda: {"attention": asdict(attention(original, original, rows))}
    found = {}
    for name, job in jobs.items():
        file = folder / f"{name}.json"
        if not file.exists():
            file.write_text(json.dumps(_rounded(job()), indent=1))
        found[name] = json.loads(file.read_text())
    return found


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 4) if isinstance(value, float) else int(value) if isinstance(value, np.integer) else value
