"""Tables and formulas of the lesson on masked language modelling, with the numbers in them and the page's words above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from torch import Tensor

from core.charts.figures import percent
from core.labs.mlm_masking.context import Lens
from core.labs.mlm_masking.gaps import Answer, MaskedPosition, Pair
from core.labs.mlm_masking.masking import (
    BERT_TABLE_8,
    FATES,
    RECIPES,
    ROBERTA_TABLE_1,
    Draw,
    Epochs,
    Expectation,
    Masking,
)

MOST_TERMS = 3
"""A formula with more numbers than these ends in dots."""


def mean_loss_formula(losses: Sequence[float], mean: float) -> str:
    """LaTeX of the mean of −ln p over the masked positions, term by term."""
    terms = [f"{loss:.2f}" for loss in losses[:MOST_TERMS]]
    if len(losses) > MOST_TERMS:
        terms.append(r"\cdots")
    return rf"\mathcal{{L}} = \frac{{1}}{{{len(losses)}}}({' + '.join(terms)}) = {mean:.2f}"


def count_formula(tokens: int, probability: float, share: float) -> str:
    """n · p · share with its numbers, as plain text for a table."""
    return f"{tokens} · {probability:.2f} · {share:g}"


def coverage_formula(probability: float, draws: int, value: float) -> str:
    """LaTeX: the chance to be a target in at least one of `draws` draws."""
    return rf"1-(1-{probability:.2f})^{{{draws}}} = {value:.4f}"


def guesses(answer: Answer, truth: str) -> tuple[list[str], list[float], list[int]]:
    """Words, probabilities and ranks to draw: the best ones, and the true word where it is not among them."""
    words = [guess.word for guess in answer.best]
    probabilities = [guess.probability for guess in answer.best]
    ranks = list(range(1, len(words) + 1))
    if truth not in words:
        return [*words, truth], [*probabilities, answer.probability], [*ranks, answer.rank]
    return words, probabilities, ranks


def answer_table(answers: Mapping[str, Answer], truth: str, labels: Mapping[str, str]) -> pd.DataFrame:
    """The best words of several predictions at one masked position, each with its rank; `answers` by the model's name."""
    rows = []
    for who, answer in answers.items():
        for word, probability, rank in zip(*guesses(answer, truth), strict=True):
            rows.append((who, rank, word, probability))
    return pd.DataFrame(rows, columns=[labels[name] for name in ("model", "rank", "word", "probability")])


def gap_table(
    gaps: Sequence[MaskedPosition], labels: Mapping[str, str], fates: Mapping[int, str] | None = None
) -> pd.DataFrame:
    """A row for each masked position: the true word, and both models' top-1 prediction, probability, rank and loss.

    Args:
        labels: the group `columns`.
        fates: the replacement at each position, in words; adds a column of it and one of the model's input.
    """
    table: dict[str, list] = {"truth": [f"{gap.position} · {gap.truth}" for gap in gaps]}
    if fates is not None:
        table["fate"] = [fates[gap.position] for gap in gaps]
        table["shown"] = [gap.shown for gap in gaps]
    for who in ("teacher", "student"):
        answers = [getattr(gap, who) for gap in gaps]
        table[f"says_{who}"] = [answer.best[0].word for answer in answers]
        table[f"p_{who}"] = [percent(answer.probability) for answer in answers]
        table[f"rank_{who}"] = [answer.rank for answer in answers]
        table[f"loss_{who}"] = [f"{answer.loss:.3f}" for answer in answers]
    return pd.DataFrame(table).rename(columns=labels)


def pair_table(pairs: Mapping[str, Pair], words: tuple[str, str], labels: Mapping[str, str]) -> pd.DataFrame:
    """Two words' losses alone and together, a row for each model and word.

    Args:
        pairs: by the model's name.
        labels: `model`, `word`, `alone`, `together`.
    """
    rows = []
    for who, pair in pairs.items():
        rows.append((who, words[0], round(pair.first_alone, 3), round(pair.first_together, 3)))
        rows.append((who, words[1], round(pair.second_alone, 3), round(pair.second_together, 3)))
    return pd.DataFrame(rows, columns=[labels[name] for name in ("model", "word", "alone", "together")])


def fates_of(drawn: Draw, labels: Mapping[str, str]) -> dict[int, str]:
    """The replacement of each selected position, in words; `labels` is the group `fates`."""
    return {position: labels[FATES[int(drawn.masked.action[position])]] for position in drawn.selected}


def strip(drawn: Draw, fates: Mapping[int, str], colors: Mapping[str, str]) -> list[dict[str, str]]:
    """The sentence after a draw for `token_strip`: the replaced tokens with their replacements, and those only selected.

    Args:
        fates: the replacement at each selected position, in words.
        colors: by the names in `FATES`.
    """
    items = []
    for position, (before, after) in enumerate(zip(drawn.before, drawn.after, strict=True)):
        item = {"text": after}
        if position in fates:
            item |= {"note": fates[position], "color": colors[FATES[int(drawn.masked.action[position])]]}
        if before != after:
            item["old"] = before
        items.append(item)
    return items


def count_table(
    drawn: Draw, expected: Expectation, how: Masking, columns: Mapping[str, str], fates: Mapping[str, str]
) -> pd.DataFrame:
    """This draw's counts, n·p·share and its standard deviation."""
    counts = drawn.masked.counts()
    rows = []
    for name, share in zip(counts, (1.0, *how.shares), strict=True):
        mean, spread = expected.mean[name], expected.std[name]
        formula = count_formula(len(drawn.candidates), how.probability, share)
        rows.append((fates[name], counts[name], f"{mean:.2f} ± {spread:.2f}", formula))
    return pd.DataFrame(rows, columns=[columns[name] for name in ("fate", "count", "expected", "formula")])


def shares_of(counts: Tensor) -> dict[str, str]:
    """Shares of all selected tokens that were masked, randomised, kept; `counts` is `[draw, 4]` of `many_draws`."""
    total = counts.sum(0).tolist()
    names = ("masked", "random", "kept")
    return {name: f"{count / max(total[0], 1):.1%}" for name, count in zip(names, total[1:], strict=True)}


def histogram_table(counts: Tensor, chances: Tensor, labels: Mapping[str, str]) -> pd.DataFrame:
    """Number of draws that selected k tokens, and the expected share, `[k]`."""
    found = counts.bincount(minlength=len(chances)).tolist()
    rows = zip(range(len(chances)), found, chances.tolist(), strict=True)
    return pd.DataFrame(rows, columns=[labels[name] for name in ("selected", "draws", "expected")])


def sight_table(
    words: Sequence[str], chances: Mapping[str, Sequence[float]], labels: Mapping[str, str]
) -> pd.DataFrame:
    """The true word's probability by the input token at its position."""
    columns = {labels["shown"]: list(words)}
    return pd.DataFrame(columns | {labels[f"p_{who}"]: list(values) for who, values in chances.items()})


def coverage_table(found: Mapping[str, Epochs], names: Mapping[str, str], labels: Mapping[str, str]) -> pd.DataFrame:
    """Coverage after each epoch, measured and expected, for each way to mask."""
    length = len(next(iter(found.values())).covered)
    table: dict[str, list] = {labels["epoch"]: list(range(1, length + 1))}
    for regime, one in found.items():
        table[names[regime]] = one.covered
        table[f"{names[regime]} ({labels['expected']})"] = one.expected
    return pd.DataFrame(table)


def shares(values: Mapping[str, float]) -> str:
    """ "name 80 %, name 20 %" for an alternative text."""
    return ", ".join(f"{name} {percent(value)}" for name, value in values.items())


def recipe_name(recipe: str) -> str:
    """A key of `RECIPES` as "80 / 10 / 10"."""
    return " / ".join(recipe.split("-"))


def table_8(labels: Mapping[str, str]) -> pd.DataFrame:
    """BERT's table 8, all six rows."""
    rows = [(recipe_name(recipe), *BERT_TABLE_8[recipe]) for recipe in RECIPES]
    return pd.DataFrame(rows, columns=[labels[name] for name in ("recipe", "mnli", "ner", "features")])


def table_1(names: Mapping[str, str], labels: Mapping[str, str]) -> pd.DataFrame:
    """RoBERTa's table 1, all three rows."""
    rows = [(names[key], *(f"{score:.1f}" for score in scores)) for key, scores in ROBERTA_TABLE_1.items()]
    return pd.DataFrame(rows, columns=[labels[name] for name in ("masking", "squad", "mnli", "sst")])


def lens_table(seen: Lens, depths: Sequence[str], labels: Mapping[str, str]) -> pd.DataFrame:
    """The best words of every depth with their probabilities, a row each."""
    rows = [
        (depth, place, guess.word, guess.probability)
        for depth, row in zip(depths, seen.best, strict=True)
        for place, guess in enumerate(row, 1)
    ]
    return pd.DataFrame(rows, columns=[labels[name] for name in ("layer", "rank", "word", "probability")])


def depth_table(
    values: Mapping[str, Sequence[float]],
    depths: Mapping[str, Sequence[str]],
    names: Mapping[str, str],
    measure: str,
    labels: Mapping[str, str],
) -> pd.DataFrame:
    """One measure by depth, a row for each model and layer."""
    rows = [
        (names[who], depth, value)
        for who, series in values.items()
        for depth, value in zip(depths[who], series, strict=True)
    ]
    return pd.DataFrame(rows, columns=[labels["model"], labels["layer"], measure])
