"""A report as one HTML file that needs no network: its text, its tables, its figures, and plotly.js once.

write([Heading("..."), Words("..."), Table(frame), Picture(figure, "alt text")], "Title", "en")
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
import plotly.graph_objects as go

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.55 system-ui, "Noto Sans SC", sans-serif; color: #1b1f24; background: #fff; margin: 0 auto; max-width: 60rem;
  padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; margin: 0 0 .3rem; } h2 { font-size: 1.25rem; margin: 2.2rem 0 .4rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .92rem; }
th, td { text-align: right; padding: .35rem .7rem; border-bottom: 1px solid #e3e6ea; }
th:first-child, td:first-child { text-align: left; }
.wide { overflow-x: auto; } figure { margin: 1rem 0; } figcaption { color: #59636e; font-size: .9rem; }
code { background: #f1f3f5; padding: .1em .3em; border-radius: .25em; }
"""


@dataclass(frozen=True)
class Heading:
    """A section's title, plain text."""

    text: str


@dataclass(frozen=True)
class Words:
    """A paragraph; of Markdown only `code` and **bold** mean something."""

    text: str


@dataclass(frozen=True)
class Table:
    """A table of numbers, written unchanged."""

    rows: pd.DataFrame


@dataclass(frozen=True)
class Picture:
    """A figure with its alternative text."""

    figure: go.Figure
    alt: str


Block = Heading | Words | Table | Picture


def write(blocks: Sequence[Block], title: str, language: str) -> str:
    """The file's content. All text that a learner typed is escaped."""
    parts, drawn = [], False
    for block in blocks:
        parts.append(_written(block, library=isinstance(block, Picture) and not drawn))
        drawn = drawn or isinstance(block, Picture)
    return (
        f'<!DOCTYPE html>\n<html lang="{html.escape(language)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{html.escape(title)}</h1>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def _written(block: Block, library: bool) -> str:
    match block:
        case Heading(text):
            return f"<h2>{html.escape(text)}</h2>"
        case Words(text):
            return f"<p>{inline(text)}</p>"
        case Table(rows):
            return f'<div class="wide">{rows.to_html(index=False, escape=True, border=0)}</div>'
        case Picture(figure, alt):
            shown = go.Figure(figure)
            shown.update_layout(template="plotly_white", autosize=True)
            drawn = shown.to_html(full_html=False, include_plotlyjs=library, config={"displaylogo": False})
            said = html.escape(alt)
            return f'<figure aria-label="{said}">{drawn}<figcaption>{said}</figcaption></figure>'


def inline(text: str) -> str:
    """Markdown's code spans and bold as HTML, all else escaped."""
    parts = re.split(r"(?<!`)(`+)(?!`)(.+?)(?<!`)\1(?!`)", text, flags=re.DOTALL)
    written = []
    for number, part in enumerate(parts):
        if number % 3 == 0:
            written.append(re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", html.escape(part)))
        elif number % 3 == 2:
            written.append(f"<code>{html.escape(part.strip() if parts[number - 1] != '`' else part)}</code>")
    return "".join(written)
