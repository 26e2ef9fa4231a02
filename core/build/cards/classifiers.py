"""The cards of the classifiers: what was measured, and the words around it."""

from __future__ import annotations

from core.build.text.sentiment_data import HELD_OUT_PERCENT, LABELS, PASSAGES
from core.build.train import kinds, sentiment
from core.build.train.classifier import Schedule
from core.data.kinds import KINDS, definitions
from core.distill.label_budget import SOFT_WEIGHT, StudentRecipe, Trial

READ_BEFORE = (
    "Its encoder is that of `minilm-teacher` as it was after 6.2 million tokens. It had read texts like these, many of the "
    "held-out ones among them, without their labels: a model that never saw them might do a little worse."
)


def front(role: str, task: str, labels: tuple[str, ...], origin: str, metrics: dict, datasets: list[str]) -> dict:
    """The front matter that all classifiers share."""
    return {
        "license": "apache-2.0",
        "language": "en",
        "library_name": "transformers",
        "pipeline_tag": "text-classification",
        "datasets": datasets,
        "distillery": {"role": role, "task": task, "labels": list(labels), "origin": origin, "metrics": metrics},
    }


def recipe(schedule: Schedule) -> str:
    """The training in a sentence."""
    return (
        f"AdamW, peak learning rate {schedule.peak}, {schedule.epochs} pass{'es' if schedule.epochs > 1 else ''}, warm-up over "
        f"{schedule.warmup:.0%} of the steps and linear decay to zero, batches of {schedule.batch_tokens:,} tokens (padding "
        f"counted), texts cut at {schedule.longest} tokens, dropout 0.1, weight decay 0.01 on matrices, bfloat16 products, "
        f"seed {schedule.seed}."
    )


def kinds_teacher(metrics: dict) -> tuple[dict, str]:
    """The card of the kinds teacher."""
    facts = front("teacher", "kinds", KINDS, "minilm-teacher's encoder, fine-tuned", metrics, ["wordnet"])
    rows = "\n".join(f"| {kind} | {found:.1%} |" for kind, found in metrics["recall"].items())
    prose = f"""
# Kinds teacher: which of 16 kinds of things a definition defines

6 layers × 384, 12 heads; the encoder of `minilm-teacher`, fine-tuned on {len(definitions("teacher")):,} labelled noun
definitions of WordNet 3.0 (`assets/data/kinds`). The word embeddings stayed frozen and are stored once, beside
`minilm-teacher`; plain transformers opens the folder with `AutoModelForSequenceClassification.from_pretrained`.

## Recipe

{recipe(kinds.SCHEDULE)} Made again by `python -m core.build kinds_teacher`.

## Measured

On {len(definitions("test")):,} test definitions, no near-copy of which is in its training part: accuracy
**{metrics["accuracy"]:.1%}**, expected calibration error {metrics["ece"]:.3f} (10 bins of equal width), mean confidence
{metrics["overconfidence"]:+.3f} from accuracy. On the {len(definitions("transfer")):,} texts of the transfer set, whose labels it
never saw: {metrics["transfer_accuracy"]:.1%}. {metrics["milliseconds"]:.0f} ms a definition (fastest of 60, one at a time, one
core).

| kind | found among the test definitions of this kind |
|---|---:|
{rows}

## Known weaknesses

One training run. {READ_BEFORE} It knows definitions, not sentences: other text gets a kind too. Kinds whose borders are a matter
of taste (event, phenomenon, cognition) are its worst. English, lower-case only; WordNet's view of the world.
"""
    return facts, prose


def kinds_student(metrics: dict, run: Trial, shape: StudentRecipe) -> tuple[dict, str]:
    """The card of the kinds student."""
    origin = "fresh, distilled from kinds-teacher"
    facts = front("student", "kinds", KINDS, origin, metrics, ["wordnet"])
    few, full = metrics["control"], metrics["control_all_labels"]
    gain = metrics["accuracy"] - few["accuracy"]
    versus = metrics["accuracy"] - full["accuracy"]
    prose = f"""
# Kinds student: {shape.layers} layers × {shape.width}, {shape.heads} heads, distilled from the kinds teacher

A fresh model with the teacher's vocabulary and word embeddings of its own. It was given {run.labels:,} labels and the teacher's
soft labels for {len(definitions("transfer")):,} definitions (`assets/data/kinds`).

## Recipe

`core.distill`: {SOFT_WEIGHT} × soft loss (T = {run.temperature:g}, T² included, forward KL) + {1 - SOFT_WEIGHT:.1f} × hard loss
where there is a label; AdamW, peak learning rate {shape.rate}, {shape.steps:,} steps of {shape.batch} texts, no dropout, seed
{run.seed}. Made again by `python -m core.build kinds_student`.

## Measured

On {len(definitions("test")):,} test definitions; the same start, shape and number of steps for all three students:

| model | accuracy | agrees with the teacher | ECE |
|---|---:|---:|---:|
| teacher | {metrics["teacher_accuracy"]:.1%} | – | {metrics["teacher_ece"]:.3f} |
| **this student: {run.labels:,} labels and the teacher** | {_row(metrics)} |
| control: {run.labels:,} labels, no teacher | {_row(few)} |
| control: all {len(definitions("transfer")):,} labels, no teacher | {_row(full)} |

With {run.labels:,} labels the teacher is worth {gain:+.1%}; against a student with every label, distillation comes to
{versus:+.1%}. One seed each; `python -m core.build kinds_experiment` repeats it over five.
{metrics["milliseconds"]:.1f} ms a definition (fastest of 60, one at a time, one core); the
teacher takes {metrics["teacher_milliseconds"]:.1f} ms.

## Known weaknesses

Words that the transfer set lacks kept their random embeddings, so a definition of rare words is half noise to it. Otherwise as
`kinds-teacher`.
"""
    return facts, prose


def _row(found: dict) -> str:
    return f"{found['accuracy']:.1%} | {found['agreement']:.1%} | {found['ece']:.3f}"


def sentiment_teacher(metrics: dict) -> tuple[dict, str]:
    """The card of the sentiment teacher."""
    origin = "minilm-teacher's encoder, fine-tuned"
    facts = front("teacher", "sentiment", LABELS, origin, metrics, ["sentence_polarity", "movie_reviews"])
    prose = f"""
# Sentiment teacher: does a film critic like it?

6 layers × 384, 12 heads; the encoder of `minilm-teacher`, fine-tuned on film criticism. The word embeddings stayed frozen and are
stored once, beside `minilm-teacher`.

{_opinions()}

## Recipe

{recipe(sentiment.TEACHER_SCHEDULE)} Made again by `python -m core.build sentiment_teacher`.

## Measured

{_sentiment_table(metrics, ("teacher", metrics))}

{metrics["milliseconds"]:.0f} ms a sentence (fastest of 60, one at a time, one core).

## Known weaknesses

One training run. {READ_BEFORE} A passage carries the verdict of its whole review, so many are labelled by luck. Film criticism
in English only.
"""
    return facts, prose


def sentiment_student(metrics: dict) -> tuple[dict, str]:
    """The card of the sentiment student."""
    facts = front(
        "student",
        "sentiment",
        LABELS,
        "distilled from sentiment-teacher",
        metrics,
        ["sentence_polarity", "movie_reviews"],
    )
    kept = ", ".join(str(layer + 1) for layer in sentiment.LAYERS)
    helped = metrics["sentences"]["accuracy"] - metrics["control"]["sentences"]["accuracy"]
    prose = f"""
# Sentiment student: 3 layers × 384, distilled from the sentiment teacher

It starts as layers {kept} of `sentiment-teacher` with its head; the word embeddings stay frozen and are shared.

{_opinions()}

## Recipe

{sentiment.SOFT_WEIGHT} × soft loss (T = {sentiment.TEMPERATURE:g}, T² included) + {1 - sentiment.SOFT_WEIGHT:.1f} × hard loss.
{recipe(sentiment.STUDENT_SCHEDULE)} It reads {sentiment.STUDENT_TEXTS:,} of the teacher's texts. The control: the same start,
texts and steps, the hard loss alone. Made again by
`python -m core.build sentiment_student`.

## Measured

{_sentiment_table(metrics, ("teacher", metrics["teacher"]), ("student", metrics), ("control", metrics["control"]))}

Distillation comes to {helped:+.1%} on sentences against the control; one run each, and with {metrics["sentences"]["count"]:,}
sentences a difference of two points is within chance. {metrics["milliseconds"]:.0f} ms a sentence, the teacher
{metrics["teacher"]["milliseconds"]:.0f} ms (fastest of 60, one at a time, one core).

## Known weaknesses

As `sentiment-teacher`.
"""
    return facts, prose


def _opinions() -> str:
    return f"""## Text

sentence_polarity (Pang and Lee 2005; CC BY 4.0): single sentences. movie_reviews (Pang and Lee 2004; CC BY 4.0): {PASSAGES}
passages of about 50 words of each review, its opening and its end. Neither is part of the project. {HELD_OUT_PERCENT} % are
held out by document."""


def _sentiment_table(metrics: dict, *rows: tuple[str, dict]) -> str:
    lines = [
        f"| model | {metrics['sentences']['count']:,} sentences: accuracy, ECE | "
        f"{metrics['reviews']['count']:,} reviews: accuracy | agrees with the teacher |",
        "|---|---:|---:|---:|",
    ]
    for name, found in rows:
        agreement = f"{found['agreement']:.1%}" if "agreement" in found else "–"
        single, whole = found["sentences"], found["reviews"]
        lines.append(
            f"| {name} | {single['accuracy']:.1%}, {single['ece']:.3f} | {whole['accuracy']:.1%} | {agreement} |"
        )
    return "\n".join(
        [*lines, "", "A review is judged by the mean of its passages' logits; agreement is over sentences."]
    )
