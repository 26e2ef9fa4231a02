"""The formulas of the temperature lesson as LaTeX, with the learner's numbers in them."""

from __future__ import annotations

import math

from core.charts.formulas import aligned, number

_DIVERGENCES = {
    "forward": r"\mathrm{KL}(t\,\|\,s)",
    "reverse": r"\mathrm{KL}(s\,\|\,t)",
    "jsd": r"\mathrm{JSD}(t,\,s)",
}


def softmax_formula(distance: float, temperature: float, probability: float) -> str:
    """The softmax at one word.

    Args:
        distance: its logit minus the largest one, at most 0.
        probability: the result.
    """
    power = math.exp(distance / temperature)
    raised = rf"e^{{{distance:.2f}/{temperature:g}}}"
    total = number(power / probability)
    rows = (
        r"p &= \frac{e^{(z - z_{\max})/T}}{\sum_j e^{(z_j - z_{\max})/T}}",
        rf"&= \frac{{{raised}}}{{{total}}} = \frac{{{number(power)}}}{{{total}}} = {number(probability)}",
    )
    return aligned(rows, "4pt")


def loss_formula(
    divergence: float,
    hard: float,
    mixed: float,
    temperature: float,
    soft_weight: float,
    direction: str,
    scaled: bool,
    reduction: str,
    classes: int,
) -> str:
    """The mixed loss: the options as symbols in the first line, as numbers in the second.

    Args:
        divergence: without T² and before the reduction.
        direction, scaled, reduction: see `core.distill.objectives.losses.soft_loss`.
        classes: the divisor of the reduction "mean".
    """
    square = (r"T^2\,", rf"{temperature:g}^2 \cdot ") if scaled else ("", "")
    divided = (r"\tfrac{1}{V}\,", rf"\tfrac{{1}}{{{classes}}} \cdot ") if reduction == "mean" else ("", "")
    rows = (
        rf"L &= w \cdot {square[0]}{divided[0]}{_DIVERGENCES[direction]} + (1 - w) \cdot \mathrm{{CE}}(y,\,s)",
        rf"&= {soft_weight:g} \cdot {square[1]}{divided[1]}{number(divergence)}"
        rf" + {1 - soft_weight:.2g} \cdot {number(hard)}",
        rf"&= {number(mixed, 4)}",
    )
    return aligned(rows, "4pt")


def push_formula(
    teacher: float,
    student: float,
    plain: float,
    soft: float,
    hard: float,
    is_truth: bool,
    temperature: float,
    scaled: bool,
) -> str:
    """Both labels' pushes on one word: (p − q)/T, times T² if `scaled`, and y − q.

    Args:
        teacher, student: p and q at the temperature.
        plain: q at T = 1.
        soft, hard: the results.
        is_truth: True if this word is the hard label.
    """
    symbols = r"T^2 \cdot \frac{p - q}{T}" if scaled else r"\frac{p - q}{T}"
    square = rf"{temperature:g}^2 \cdot " if scaled else ""
    fraction = rf"\frac{{{number(teacher)} - {number(student)}}}{{{temperature:g}}}"
    rows = (
        rf"\Delta z_{{\mathrm{{soft}}}} &= {symbols}",
        rf"&= {square}{fraction}",
        rf"&= {number(soft)}",
        r"\Delta z_{\mathrm{hard}} &= y - q_{T=1}",
        rf"&= {int(is_truth)} - {number(plain)} = {number(hard)}",
    )
    return aligned(rows, "4pt")
