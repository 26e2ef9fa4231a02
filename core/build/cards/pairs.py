"""The cards of the heads for pairs of sentences."""

from __future__ import annotations

from core.build.cards.masked import front_matter
from core.build.train.pairs import MOST


def pairs_card(task: str, scores: dict[str, dict[str, float]], pairs: int, by_words: float) -> tuple[dict, str]:
    """Front matter and prose of a head for pairs of sentences.

    Args:
        scores: accuracies, `[head][task]`.
        pairs: from how many a linear model of words learned the order, and `by_words` how often it was right.
    """
    title = {"nsp": "next-sentence prediction", "sop": "sentence-order prediction"}[task]
    says = {
        "nsp": "whether the second sentence follows the first or comes from another text (Devlin et al. 2019, section 3.1)",
        "sop": "whether two consecutive sentences are in order or swapped (Lan et al. 2020, section 3.1)",
    }[task]
    rows = "\n".join(f"| {head} | {found['nsp']:.1%} | {found['sop']:.1%} |" for head, found in scores.items())
    prose = f"""
# MiniLM {task.upper()}: a head for {title} on the teacher

It says {says}; class 0: yes.
Pooler and head on the encoder of `minilm-teacher`, which stays frozen and is shared by file: plain
transformers opens this folder with `BertForNextSentencePrediction`.

## Text and recipe

{MOST["train"]:,} pairs of consecutive sentences from the corpora whose sentences follow one another (film and product
reviews, MASC, speeches, Genesis), split by document, one pass; every second pair is made wrong. Both heads learn from
the same pairs.

## Measured

Accuracy on {MOST["test"]:,} held-out pairs (chance: 50 %; two standard errors: {2 * (0.25 / MOST["test"]) ** 0.5:.1%}):

| head | on NSP | on SOP |
|---|---:|---:|
{rows}

A stranger is told by its topic, which this encoder was tuned to hold; the order of two sentences of one text is not, and
a frozen encoder that never read pairs hardly gives it away. Nor do the words: a linear model of them and of the first two of each
sentence, trained on all {pairs:,} pairs there are, is right in {by_words:.1%} of the same cases. In ALBERT, trained for it
from the start, a model trained on NSP stays at chance on SOP (52.0 %), while one trained on SOP reaches 78.9 % on NSP (Lan et al.
2020, table 5). Three trained layers on 13,000 of these pairs had not learned the order either when that trial was stopped (loss
0.694; ln 2 is 0.693).
"""
    metrics = {"accuracy": {head: dict(found) for head, found in scores.items()}, "pairs": MOST["test"]}
    return front_matter("", "minilm-teacher, with a new head", metrics, task="pairs", tag="text-classification"), prose
