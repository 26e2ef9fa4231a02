"""Plotly figures that a moved control redraws in place, and that are not drawn while they are far outside the window.

Streamlit's own `st.plotly_chart` gives every new figure a new element, which the browser then draws two or three times;
a lab with four figures took 300 ms for that. The browser fetches plotly.js from this server, out of the installed package
`plotly`, so that both sides have the same version.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import plotly
import plotly.graph_objects as go
import streamlit as st
from plotly.io.json import to_json_plotly

from pages.kit.components.component import Component

LIBRARY_FILE = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
LIBRARY_ROUTE = f"/plotly-{plotly.__version__}.min.js"

# plotly writes its style sheet into the document, where a shadow tree would not see it.
_FIGURE = Component("figure", isolated=False, attributes='role="figure"')


def plotly_figure(
    figure: go.Figure,
    *,
    key: str,
    alt: str,
    config: Mapping[str, Any],
    on_click: Callable[[Any], None] | None = None,
) -> None:
    """Draw a figure as wide as the page allows, in the page's theme.

    Args:
        figure: read-only from here on, since its JSON is kept with it.
        key: the component's key in the session state.
        alt: the figure in a sentence, for a screen reader.
        config: plotly.js's own options.
        on_click: receives the `customdata` of the point that was clicked.
    """

    def clicked() -> None:
        held = customdata_at(figure, st.session_state[key].clicked)
        if on_click and held is not None:
            on_click(held)

    data = {
        "spec": spec(figure),
        "config": dict(config),
        "alt": alt,
        "library": LIBRARY_ROUTE.removeprefix("/"),
        "clicks": on_click is not None,
    }
    _FIGURE.draw(key, data, events={"clicked": clicked})


def customdata_at(figure: go.Figure, where: Any) -> Any:
    """`customdata` of a clicked point, or None for one that carries nothing, or that a browser made up.

    Args:
        where: `curve` and `point`, their numbers in the figure, as the browser sent them.
    """
    try:
        curve, point = int(where["curve"]), int(where["point"])
    except (KeyError, TypeError, ValueError):
        return None
    if not 0 <= curve < len(figure.data):
        return None
    held = getattr(figure.data[curve], "customdata", None)
    return held[point] if held is not None and 0 <= point < len(held) else None


def spec(figure: go.Figure) -> str:
    """The figure as JSON without its template, which the browser makes from the page's theme; computed once a figure."""
    if not hasattr(figure, "_spec"):
        parts = figure.to_plotly_json()
        parts["layout"].pop("template", None)
        figure._spec = to_json_plotly(parts)
    return figure._spec
