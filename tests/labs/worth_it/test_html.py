"""The saved report: one file, plotly.js in it once, nothing from outside, and nothing of a learner's text executed."""

from __future__ import annotations

import re

import pandas as pd
import plotly.graph_objects as go

from core.labs.worth_it.html import Heading, Picture, Table, Words, inline, write

EVIL = '<script>alert(1)</script> & "quoted"'


def page():
    figure = go.Figure(go.Scatter(x=[1, 2], y=[3, 4], name=EVIL))
    figure.update_layout(xaxis_title="</script><b>bold</b>")
    blocks = [
        Heading(EVIL),
        Words(f"**bold** and ` {EVIL} ` and {EVIL}"),
        Table(pd.DataFrame({EVIL: [EVIL, "2"]})),
        Picture(figure, EVIL),
        Picture(figure, "second"),
    ]
    return write(blocks, EVIL, "zh")


def test_nothing_comes_from_outside():
    found = page()
    assert len(found) > 1_000_000  # plotly.js itself
    assert not re.search(r"<(script|link|img|iframe)[^>]+(src|href)=", found)
    assert found.count("Plotly.newPlot(") >= 2 and found.count("<figure") == 2


def test_plotly_is_in_it_once():
    with_one = len(write([Picture(go.Figure(), "a")], "t", "en"))
    with_two = len(write([Picture(go.Figure(), "a"), Picture(go.Figure(), "b")], "t", "en"))
    assert with_two - with_one < 100_000


def test_a_learners_text_is_escaped():
    found = page()
    own = re.sub(r"<script[^>]*>/\*\*.*?</script>", "", found, flags=re.DOTALL)
    assert "<script>alert(1)" not in own and "</script><b>" not in own
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in own
    assert '<html lang="zh">' in own


def test_inline_markdown():
    assert inline("**a** `b<c` d") == "<strong>a</strong> <code>b&lt;c</code> d"
    assert inline("`` a`b ``") == "<code>a`b</code>"
    assert inline("`**x**` <i>") == "<code>**x**</code> &lt;i&gt;"
