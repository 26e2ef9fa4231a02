"""One colour for each idea, the same in text, in pictures and in tables.

The colours start from the palette of Okabe and Ito (2008), made for readers with and without colour blindness. Its
yellow, orange and sky blue vanish on white, so those were darkened: every colour here has a contrast of at least 3 on
white, on #0e1117 and on #171614, the dark background of Streamlit 1.67. That leaves little room in lightness, so scores
and probabilities were found by search: the plum and the violet that stay furthest from query, key and value for normal
sight, deuteranopia and protanopia (every pair of the five is at least 10 apart in OKLab times 100, where 2 is just
visible). No ten colours are distinct to everyone, so the ones that share a picture come first: the five of attention,
teacher and student, positive and negative. And colour never carries the meaning alone: a word accompanies it.
"""

from __future__ import annotations

QUERY = "#0072B2"
"""The query vector of a token. Okabe and Ito's blue."""

KEY = "#D55E00"
"""The key vector of a token. Okabe and Ito's vermillion."""

VALUE = "#009E73"
"""The value vector of a token. Okabe and Ito's bluish green."""

SCORES = "#964C71"
"""Query times key, before the softmax."""

PROBABILITIES = "#8586FC"
"""Scores after the softmax: the attention weights."""

TEACHER = "#B07A00"
"""The large model. Gold against blue survives every common colour blindness."""

STUDENT = "#2C8FC7"
"""The small model."""

POSITIVE = "#5E6FD0"
"""More than zero, on a diverging scale that meets the background at zero."""

NEGATIVE = "#C2641A"
"""Less than zero. Orange against indigo, since red against green is what most colour-blind readers confuse."""

DIFFERENCE = "#B5508F"
"""Distance between two things, without a sign."""

NEUTRAL = "#808080"
"""Neither model: a label, a limit, a line to compare with. Always dashed or named next to it."""

ARMS = {"teacher": TEACHER, "distilled": STUDENT, "control": NEUTRAL}
"""Models of a run. The control is grey: the student trained without the teacher is the reference for the other."""

COLORS: dict[str, str] = {
    "query": QUERY,
    "key": KEY,
    "value": VALUE,
    "scores": SCORES,
    "probabilities": PROBABILITIES,
    "teacher": TEACHER,
    "student": STUDENT,
    "positive": POSITIVE,
    "negative": NEGATIVE,
    "difference": DIFFERENCE,
    "neutral": NEUTRAL,
}
"""The vocabulary by name, for text that looks a colour up."""
