"""The objective of a run as LaTeX, with its numbers in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.charts.formulas import aligned, number
from core.distill.objectives.objective import Stage
from core.distill.objectives.schedules import Schedule
from core.distill.objectives.terms import Soft, Term

_SYMBOLS = {
    "hard": r"\mathrm{CE}(y, s)",
    "matching": r"\tfrac{1}{2}\,\mathrm{MSE}(\bar z^s, \bar z^t)",
    "hidden": r"\sum_\ell\mathrm{MSE}(W h_\ell^s, h_{g(\ell)}^t)",
    "embedding": r"\mathrm{MSE}(W e^s, e^t)",
    "attention_scores": r"\sum_\ell\mathrm{MSE}(A_\ell^s, A_{g(\ell)}^t)",
    "attention_kl": r"\mathrm{KL}(A^t\,\|\,A^s)",
    "value_relation": r"\mathrm{KL}(V\!R^t\,\|\,V\!R^s)",
    "cosine": r"(1 - \cos(h^s, h^t))",
    "cls": r"\mathrm{MSE}(\hat h_{\mathrm{CLS}}^s, \hat h_{\mathrm{CLS}}^t)",
}

_DIVERGENCES = {
    "forward": r"\mathrm{{KL}}(t^{{{T}}}\,\|\,s^{{{T}}})",
    "reverse": r"\mathrm{{KL}}(s^{{{T}}}\,\|\,t^{{{T}}})",
    "jsd": r"\mathrm{{JSD}}(t^{{{T}}},\,s^{{{T}}})",
}


def objective(stages: Sequence[Stage], labels: Mapping[str, str]) -> str:
    """The weighted sum, of each stage if there are several; a line for each of many terms.

    Args:
        labels: `share` with {share}, for a stage of several.
    """
    lines = []
    for stage in stages:
        if len(stages) > 1:
            share = labels["share"].format(share=f"{stage.share:.0%}").replace("%", r"\%")
            lines.append(rf"&\text{{{share}}}")
        terms = [_weighted(term) for term in stage.objective.terms]
        # More than two in a line do not fit a phone.
        breaks = r"\\&\quad {}+ " if len(terms) > 2 else " + "
        lines.append(r"\mathcal{L} &= " + breaks.join(terms))
    return aligned(lines)


def _weighted(term: Term) -> str:
    weight = "" if term.weight == 1 else rf"{_number(term.weight)}\cdot "
    if not isinstance(term, Soft):
        return weight + _SYMBOLS[term.kind]
    square = rf"{_number(term.temperature)}^2\," if term.scaled and term.temperature != 1 else ""
    warm = _number(term.temperature)
    return weight + square + _DIVERGENCES[term.direction].format(T=f"T={warm}")


def _number(value: float | Schedule) -> str:
    """A number; a schedule as where it starts and ends."""
    if isinstance(value, Schedule):
        return rf"[{number(value.start)}\to {number(value.end)}]"
    return number(value)
