r"""Attention's formulas in LaTeX with the real numbers in them, in the colours of the figures.

A learner's token enters a formula only if it is plain letters and digits; any other is named by its number, so that no text
can become a command of LaTeX.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from torch import Tensor

from core.charts.colors import KEY, PROBABILITIES, QUERY, SCORES, VALUE
from core.charts.formulas import aligned
from core.labs.self_attention.heads import Joining, Steps
from core.numbering import shown

TERMS = 2
"""Terms of a long sum that are written out: as many as a phone's width holds."""

_PLAIN = re.compile(r"[A-Za-z0-9]+|\[[A-Z]+\]")


def colored(color: str, text: str) -> str:
    """LaTeX in one of the house's colours."""
    return rf"\textcolor{{{color}}}{{{text}}}"


def number(value: float, digits: int = 2, inside: bool = False) -> str:
    """A number in LaTeX; a negative one gets brackets inside a product."""
    if value == float("-inf"):
        return r"-\infty"
    text = f"{value:.{digits}f}"
    text = text.replace("-", "") if float(text) == 0 else text
    return f"({text})" if inside and text.startswith("-") else text


def index(tokens: Sequence[str], position: int) -> str:
    """A token as an index: its word, with its position if the word occurs twice; the position alone if it is no plain word."""
    token = tokens[position]
    if not _PLAIN.fullmatch(token):
        return str(shown(position))
    word = rf"\text{{{token}}}"
    return word if list(tokens).count(token) == 1 else rf"{word}_{{{shown(position)}}}"


def projections(steps: Steps, tokens: Sequence[str], query: int, key: int) -> str:
    """Formulas of the projections to q_i and k_j, with their first numbers."""
    rows = []
    for letter, matrix, color, vector, position in (
        ("q", "Q", QUERY, steps.query, query),
        ("k", "K", KEY, steps.keys[key], key),
    ):
        name = colored(color, f"{letter}_{{{index(tokens, position)}}}")
        numbers = r",\;".join(number(value) for value in vector[: TERMS + 1].tolist())
        rows.append(
            rf"{name} &= x_{{{index(tokens, position)}}}W_{matrix} + b_{matrix} \in \mathbb{{R}}^{{{len(vector)}}}"
            rf"\\ &= ({numbers},\;\dots)"
        )
    return aligned(rows)


def dot(steps: Steps, tokens: Sequence[str], query: int, key: int) -> str:
    """q·k with its first products."""
    q, k = index(tokens, query), index(tokens, key)
    pairs = zip(steps.query[:TERMS].tolist(), steps.keys[key, :TERMS].tolist(), strict=True)
    products = [_product(a, b) for a, b in pairs]
    total = colored(SCORES, number(float(steps.dots[key])))
    name = rf"{colored(QUERY, f'q_{{{q}}}')}\cdot{colored(KEY, f'k_{{{k}}}')}"
    return aligned(
        [rf"{name} &= \sum_{{m=1}}^{{{steps.width}}} q_m k_m", rf"&= {products[0]}"]
        + [rf"&\quad + {product}" for product in products[1:]]
        + [rf"&\quad + \dots = {total}"]
    )


def scaled(steps: Steps, tokens: Sequence[str], query: int, key: int) -> str:
    """The score after the scale."""
    value, score = number(float(steps.dots[key])), number(float(steps.scores[key]))
    name = colored(SCORES, f"s_{{{index(tokens, query)},{index(tokens, key)}}}")
    if steps.by_root:
        rows = [
            rf"{name} &= \frac{{q\cdot k}}{{\sqrt{{d_k}}}} = \frac{{{value}}}{{\sqrt{{{steps.width}}}}}",
            rf"&= \frac{{{value}}}{{{number(steps.width**0.5)}}} = {colored(SCORES, score)}",
        ]
    else:
        rows = [rf"{name} &= {value}\cdot {number(steps.scale, 4)} = {colored(SCORES, score)}"]
    return aligned(rows)


def softmax(steps: Steps, tokens: Sequence[str], query: int, key: int) -> str:
    """Formula of the softmax from the score to the weight."""
    name = colored(PROBABILITIES, f"a_{{{index(tokens, query)},{index(tokens, key)}}}")
    score, largest = number(float(steps.scores[key]), inside=True), number(steps.largest, inside=True)
    exponential, weight = number(float(steps.exponentials[key]), 3), number(float(steps.weights[key]), 3)
    return aligned(
        [
            rf"{name} &= \frac{{e^{{s_j - \max s}}}}{{\sum_{{j'}} e^{{s_{{j'}} - \max s}}}}"
            rf" = \frac{{e^{{{score} - {largest}}}}}{{{number(steps.total, 3)}}}",
            rf"&= \frac{{{exponential}}}{{{number(steps.total, 3)}}} = {colored(PROBABILITIES, weight)}",
        ]
    )


def weighted_sum(steps: Steps, tokens: Sequence[str], query: int) -> str:
    """The context, from its heaviest keys; its first number worked out."""
    best = steps.weights.topk(min(TERMS, len(steps.weights))).indices.tolist()
    rest = r" + \dots" if len(steps.weights) > len(best) else ""
    whole = " + ".join(
        rf"{colored(PROBABILITIES, number(float(steps.weights[j])))}\,{colored(VALUE, f'v_{{{index(tokens, j)}}}')}"
        for j in best
    )
    first = [_product(float(steps.weights[j]), float(steps.values[j, 0])) for j in best]
    name = f"z_{{{index(tokens, query)}}}"
    result = colored(VALUE, number(float(steps.context[0])))
    return aligned(
        [
            rf"{colored(VALUE, name)} &= \sum_j {colored(PROBABILITIES, 'a_j')}\,{colored(VALUE, 'v_j')}",
            f"&= {whole}{rest}",
            rf"{name}[1] &= {first[0]}",
            *(rf"&\quad + {part}" for part in first[1:]),
            rf"&\quad {rest} = {result}" if rest else rf"&= {result}",
        ]
    )


def joined(sizes: Joining) -> str:
    """All heads side by side, through W_O."""
    inner = sizes.heads * sizes.head_width
    return aligned(
        [
            rf"\text{{output}} &= [\,z^{{(1)}};\,\dots;\,z^{{({sizes.heads})}}\,]\;W_O + b_O",
            rf"{sizes.width} &\xleftarrow{{\;{inner}\times {sizes.width}\;}} {inner} = {sizes.heads}\times {sizes.head_width}",
        ]
    )


def toy_projection(part: str, values: Tensor) -> str:
    """Q = XW_Q, K = XW_K or V = XW_V with its numbers, for "query", "key" or "value"."""
    letter, color = {"query": ("Q", QUERY), "key": ("K", KEY), "value": ("V", VALUE)}[part]
    return matrix(f"{letter} = XW_{letter}", values, color)


def matrix(name: str, values: Tensor, color: str | None = None) -> str:
    """A small matrix `[row, column]` under its name; whole numbers have no decimals."""
    whole = bool((values == values.round()).all())
    rows = r" \\ ".join(" & ".join(number(cell, 0 if whole else 2) for cell in row) for row in values.tolist())
    body = rf"\begin{{pmatrix}} {rows} \end{{pmatrix}}"
    return rf"\begin{{gathered}} {colored(color, name) if color else name} \\[4pt] {body} \end{{gathered}}"


def _product(a: float, b: float) -> str:
    return rf"{number(a, inside=True)}\cdot {number(b, inside=True)}"
