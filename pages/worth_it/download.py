"""The report as files: one HTML file, and a notebook that runs it again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

import lessons
from core.charts.reliability import reliability_diagram
from core.labs.worth_it import costs as study
from core.labs.worth_it import html as saved
from core.labs.worth_it import notebook as writing
from core.labs.worth_it import sources
from core.labs.worth_it.report import Report
from pages.kit.components.plotly_figure import LIBRARY_FILE
from pages.kit.page import Page, code_span
from pages.worth_it import costs, quality


@dataclass(frozen=True)
class Spoken:
    """A page's texts in the language that is chosen now: a download is written later, when the language is no longer known."""

    t: lessons.Labels
    lesson: lessons.Lesson


def downloads(page: Page, report: Report, arm: str, device: str) -> None:
    """Both downloads, and the lines of Python."""
    t, place = page.t, st.empty()
    found = costs.measured(page, report, arm, device, place)
    if found is None:
        return
    spoken, plan = Spoken(t, page.lesson), sources.Run(report.folder).written_plan if report.folder else None
    with st.container(horizontal=True):
        st.download_button(
            t("save_html"),
            lambda: html(spoken, report, arm, found).encode(),
            file_name=f"distillery-{report.name or 'kinds'}.html",
            mime="text/html",
            key=page.key("save_html"),
            icon=":material/description:",
            on_click="ignore",
            help=t("save_html_help", size=LIBRARY_FILE.stat().st_size / 1e6),
        )
        st.download_button(
            t("save_notebook"),
            lambda: notebook(spoken, report, plan).encode(),
            file_name=f"distillery-{report.name or 'kinds'}.ipynb",
            mime="application/x-ipynb+json",
            key=page.key("save_notebook"),
            icon=":material/terminal:",
            on_click="ignore",
            help=t("save_notebook_help"),
        )
    if report.folder:
        page.code("report_run", name=report.name, arm=arm)
    else:
        page.code("report", arm=arm)


def notebook(page: Spoken | Page, report: Report, plan: Mapping[str, Any] | None) -> str:
    """The notebook that runs the report again, in the learner's language; `plan` as the run's folder has it."""
    texts = {name: page.t(f"notebook.{name}") for name in writing.TEXTS if name != "title"}
    shown = code_span(report.title) if report.title else page.t("shipped")
    return writing.notebook(report, plan, texts | {"title": page.t("notebook.title", title=shown)})


def title(page: Spoken | Page, report: Report) -> str:
    """Of the report, in the learner's language."""
    return page.t("report_title", title=report.title or page.t("shipped"))


def html(page: Spoken | Page, report: Report, arm: str, found: study.Costs) -> str:
    """The whole report as one file."""
    t, lesson = page.t, page.lesson
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(found.at))
    words = quality.sentences(page, report, arm)
    words += [quality.about(page, report), *quality.notes(page, report, arm), quality.judged(page, report, arm)]
    measures = [name for name in quality.MEASURES if report.labelled or name == "agreement"]
    blocks: list[saved.Block] = [saved.Words(t("made_at", when=when)), saved.Heading(lesson["verdict"].title)]
    blocks += [saved.Words(line) for line in words if line]
    blocks.append(saved.Table(quality.figures_table(page, report, arm)))
    blocks += [
        saved.Picture(quality.seeds_figure(page, report, arm, measure), t(f"measures.{measure}"))
        for measure in measures
    ]
    if report.labelled:
        curves = quality.reliability(page, report, arm)
        blocks += [
            saved.Heading(lesson["calibration"].title),
            saved.Words(quality.calibration_line(page, report, arm)),
            saved.Picture(
                reliability_diagram(curves, t.group("reliability")), quality.reliability_alt(page, report, arm)
            ),
        ]
    blocks += [
        saved.Heading(lesson["costs"].title),
        saved.Table(costs.table(page, report, arm, found)),
        *(saved.Words(line) for line in costs.size_lines(page, arm, found)),
    ]
    for batch in study.BATCHES:
        models = costs.drawn(page, report, arm, found, batch)
        blocks += [saved.Words(line) for line in costs.lines(page, report, arm, found, batch)]
        blocks.append(saved.Picture(costs.times_figure(page, models), costs.times_alt(page, models, batch)))
        frontier = costs.frontier_figure(page, report, models)
        blocks.append(saved.Picture(frontier, costs.frontier_alt(page, models, batch)))
    blocks.append(saved.Words(t("frontier_note")))
    blocks += [saved.Words(line) for line in costs.conditions(page, arm, report, found)]
    return saved.write(blocks, title(page, report), t.language)
