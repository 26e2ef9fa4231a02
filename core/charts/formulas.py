"""The parts of formulas that lessons share, as LaTeX."""

from __future__ import annotations

import math
from collections.abc import Sequence


def number(value: float, digits: int = 3) -> str:
    """A number with `digits` digits that mean something; far from 1 as a power of ten."""
    if not math.isfinite(value):
        return r"\mathrm{nan}" if math.isnan(value) else r"\infty"
    if value == 0 or 1e-4 < abs(value) < 1e5:
        return f"{value:.{digits}g}" if abs(value) < 1000 else f"{value:.0f}"
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return rf"{mantissa}\times 10^{{{int(exponent)}}}"


def aligned(rows: Sequence[str], gap: str = "") -> str:
    """Several lines aligned at their &, for a formula that in one line would be wider than a phone.

    Args:
        gap: more room between two lines, such as "4pt".
    """
    between = rf" \\[{gap}] " if gap else r" \\ "
    return r"\begin{aligned} " + between.join(rows) + r" \end{aligned}"
