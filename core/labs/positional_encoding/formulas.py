"""The formulas of the page on positions with the real numbers in them: numbers in, LaTeX out."""

from __future__ import annotations

import math

from numpy.typing import ArrayLike


def wave_formulas(position: int, pair: int, width: int, base: int, angle: float) -> tuple[str, str]:
    """Both dimensions of one pair at one position: the sine and the cosine."""
    argument = rf"\frac{{{position}}}{{{base}^{{{2 * pair}/{width}}}}}"
    sine, cosine = (
        rf"\begin{{aligned}}PE({position},\,{dimension})&=\{name} {argument}\\&=\{name}({angle:.4f})={value:.4f}\end{{aligned}}"
        for dimension, name, value in (
            (2 * pair, "sin", math.sin(angle)),
            (2 * pair + 1, "cos", math.cos(angle)),
        )
    )
    return sine, cosine


def turn_formula(matrix: ArrayLike, hands: ArrayLike) -> str:
    """The rotation that takes the first hand (sin, cos) to the second, `[2, 2]` both."""
    (a, b), (c, d) = matrix
    (s, t), (u, v) = hands
    return (
        rf"\begin{{pmatrix}}{a:.2f}&{b:.2f}\\{c:.2f}&{d:.2f}\end{{pmatrix}}"
        rf"\begin{{pmatrix}}{s:.3f}\\{t:.3f}\end{{pmatrix}}=\begin{{pmatrix}}{u:.3f}\\{v:.3f}\end{{pmatrix}}"
    )


def dot_formula(first: int, second: int, width: int, dot: float) -> str:
    """Formula of the dot product of two positions: a sum over pairs that depends on their distance only."""
    return (
        rf"\begin{{aligned}}PE({first})\cdot PE({second})&=\sum_{{i=0}}^{{{width // 2 - 1}}}"
        rf"\cos(\omega_i\cdot{abs(first - second)})\\&={dot:.3f}\end{{aligned}}"
    )


ADDED = {
    "learned": r"\Delta_{{ij}}",
    "t5": r"b_{{{index}}}",
    "shaw": r"\frac{{q_i\cdot a_{{{index}}}}}{{\sqrt{{d_k}}}}",
    "alibi": r"\left(-{slope:.4g}\cdot{distance}\right)",
    "rotary": r"\left[\frac{{(R_iq_i)\cdot(R_jk_j)}}{{\sqrt{{d_k}}}}-\frac{{q_i\cdot k_j}}{{\sqrt{{d_k}}}}\right]",
}
"""Formula of each scheme's addition, as in its paper."""


def score_formula(
    scheme: str, words: float, added: float, weight: float, distance: int, slope: float, index: int | None
) -> str:
    """Formula of one cell: the words' score, the scheme's addition to it, and the attention weight after the softmax.

    Args:
        distance: |key − query|.
        slope: ALiBi's.
        index: T5's bucket or Shaw's clipped distance.
    """
    term = ADDED[scheme].format(index=index, slope=slope, distance=distance)
    if math.isinf(added):
        return rf"\frac{{q_i\cdot k_j}}{{\sqrt{{d_k}}}}-\infty={words:.3f}-\infty,\qquad a_{{ij}}=0"
    sign = "-" if added < 0 else "+"
    return (
        rf"\begin{{aligned}}\frac{{q_i\cdot k_j}}{{\sqrt{{d_k}}}}+{term}&={words:.3f}{sign}{abs(added):.3f}={words + added:.3f}\\"
        rf"a_{{ij}}=\mathrm{{softmax}}_j&={weight:.4f}\end{{aligned}}"
    )
