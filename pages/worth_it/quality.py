"""Quality of a report's models: a verdict in words, every seed, and calibration."""

from __future__ import annotations

import math

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

import lessons
from core.charts.reliability import reliability_diagram
from core.labs.worth_it import figures as plots
from core.labs.worth_it.report import Report, Series
from core.measure.calibration import BINS
from pages.kit import verdict as verdicts
from pages.kit.page import Page, code_span

MEASURES = ("accuracy", "agreement", "ece")

FEW = 1000
"""Below this number of predictions the calibration error is distinguished from noise mostly by comparing, not by its size."""


def names(page: Page, report: Report, arm: str) -> dict[str, str]:
    """Names of the models, by role: teacher, distilled, and control if there is one."""
    t, plain = page.t, arm == "distilled" or len(report.taught) == 1
    found = {"teacher": t("teacher"), "distilled": t("distilled") if plain else t("taught_arm", arm=arm)}
    if report.control and report.control != arm:
        usual = report.control == "control"
        found["control"] = t("control") if usual else t("control_arm", arm=report.control)
    return found


def shown(report: Report, arm: str) -> dict[str, Series]:
    """The figures of those models."""
    found = {"teacher": report.teacher, "distilled": report.arms[arm]}
    if report.control and report.control != arm:
        found["control"] = report.arms[report.control]
    return found


def share(page: Page, value: float) -> str:
    """A share, or that there is none."""
    return page.t("not_measured") if math.isnan(value) else f"{value:.1%}"


def error(page: Page, value: float) -> str:
    """A calibration error, or that there is none."""
    return page.t("not_measured") if math.isnan(value) else f"{value:.3f}"


def sides(page: Page, report: Report, arm: str) -> tuple[str, str]:
    """Names of an arm and the control inside a sentence."""
    t = page.t
    plain = arm == "distilled" or len(report.taught) == 1
    first = t("verdict.distilled") if plain else t("arm_in_words", arm=arm)
    return first, t("verdict.control") if report.control == "control" else t("arm_in_words", arm=report.control)


def sentences(page: Page, report: Report, arm: str) -> list[str]:
    """The verdict in words, and for a single seed what its texts leave open; nothing without a control."""
    found = report.compare(arm)
    if found is None:
        return []
    said = [verdicts.sentence(page, found, *sides(page, report, arm), page.t(f"verdict.{report.measure}"))]
    texts = report.on_these_texts(arm)
    return said if texts is None else [*said, page.t("on_these_texts", count=texts.count, **texts.points)]


def notes(page: Page, report: Report, arm: str) -> list[str]:
    """Notes on unusual or missing facts, in sentences."""
    found = [page.t(f"note.{code}", **numbers) for code, numbers in report.notes]
    found += [] if report.is_like(arm) else [page.t("note.unlike")]
    return found if report.labelled else [*found, page.t("note.no_labels")]


def about(page: Page, report: Report) -> str:
    """Describe the reported training, in a line."""
    t, facts = page.t, report.facts
    if "steps" not in facts:
        return ""
    parts = [code_span(report.title) if report.title else "", t("made_of", **facts)]
    if facts["page"] in lessons.slugs():
        parts.append(t("made_on", page=lessons.lesson(facts["page"], t.language).title))
    return " · ".join(part for part in parts if part)


def judged(page: Page, report: Report, arm: str) -> str:
    """On what, and how sure that makes a single figure."""
    what = page.t(f"judged_what.{report.task}")
    return page.t("judged", rows=f"{report.labelled or report.rows:,}", what=what, points=report.doubt(arm))


def verdict(page: Page, report: Report, arm: str) -> None:
    """The verdict, the models side by side, and every seed."""
    found = report.compare(arm)
    if found is not None:
        verdicts.show(page, found, *sides(page, report, arm), page.t(f"verdict.{report.measure}"))
    cards(page, report, arm)
    small_print = (
        *sentences(page, report, arm)[1:],
        about(page, report),
        *notes(page, report, arm),
        judged(page, report, arm),
    )
    st.caption("\n\n".join(line for line in small_print if line))
    page.prose("verdict")
    every_seed(page, report, arm)


def cards(page: Page, report: Report, arm: str) -> None:
    """A card per model."""
    t, called = page.t, names(page, report, arm)
    models = shown(report, arm)
    with st.grid(len(models), min_column_width=170):
        for whose, found in models.items():
            spread, count = f"{found.std_points(report.measure):.1f}", len(found.seeds)
            beside = "own_ece" if whose == "teacher" else "beside"
            with st.container(border=True, gap="xsmall"):
                st.metric(
                    f"{called[whose]} · {t(f'measures.{report.measure}')}",
                    share(page, found.mean(report.measure)),
                    t("seeds_of", spread=spread, count=count) if count > 1 else t("one_value"),
                    delta_color="off",
                    delta_arrow="off",
                )
                values = {"agreement": share(page, found.mean("agreement")), "ece": error(page, found.mean("ece"))}
                st.caption(t(beside, **values))


def figures_table(page: Page, report: Report, arm: str) -> pd.DataFrame:
    """Every mean with its spread, a row per model."""
    t, called, rows = page.t, names(page, report, arm), []
    for whose, found in shown(report, arm).items():
        row = {t("seeds.model"): called[whose]}
        for measure in MEASURES:
            write = error if measure == "ece" else share
            spread = f" ± {write(page, found.std(measure))}" if len(found.seeds) > 1 else ""
            row[t(f"measures.{measure}")] = write(page, found.mean(measure)) + spread
        rows.append(row)
    return pd.DataFrame(rows)


def every_seed(page: Page, report: Report, arm: str) -> None:
    """One measure of every seed."""
    t, measure = page.t, report.measure
    options = [name for name in MEASURES if report.labelled or name == "agreement"]
    words = t.group("measures")
    if len(options) > 1:
        measure = page.choice("measure", measure, t("measure"), options, format_func=words.__getitem__)
    models, labels = seeds_of(page, report, arm, measure), t.group("seeds")
    values = dict.fromkeys(("teacher", "distilled", "control"), "–")
    values |= {one.whose: f"{one.mean:.3f}" for one in models}
    page.figure(
        seeds_figure(page, report, arm, measure),
        f"seeds-{measure}",
        labels["alt"].format(measure=words[measure], **values),
        lambda: pd.DataFrame(
            {labels["model"]: one.name, labels["seed"]: seed, labels["value"]: value}
            for one in models
            for seed, value in zip(one.seeds, one.values, strict=True)
        ),
    )


def seeds_of(page: Page, report: Report, arm: str, measure: str) -> list[plots.Seeds]:
    """Data of the figure of every seed; the teacher's agreement with itself is left out."""
    called = names(page, report, arm)
    return [
        plots.Seeds(called[whose], whose, one.seeds, tuple(getattr(one, measure)), one.mean(measure), one.std(measure))
        for whose, one in shown(report, arm).items()
        if (whose, measure) != ("teacher", "agreement")
    ]


def seeds_figure(page: Page, report: Report, arm: str, measure: str) -> go.Figure:
    """The picture of every seed; also for the saved report."""
    level = report.majority if measure == "accuracy" and not math.isnan(report.majority) else None
    labels = page.t.group("seeds") | {"measure": page.t(f"measures.{measure}")}
    return plots.all_seeds(seeds_of(page, report, arm, measure), level, labels)


def calibration(page: Page, report: Report, arm: str) -> None:
    """The reliability diagram, and who can be believed."""
    t = page.t
    if not report.labelled:
        st.info(t("ece_none"), icon=":material/info:")
        return
    st.markdown(calibration_line(page, report, arm))
    if report.labelled < FEW:
        st.caption(t("few_answers", rows=report.labelled, bins=BINS))
    curves = reliability(page, report, arm)
    if len(curves) < len(shown(report, arm)):
        st.caption(t("bins_missing"))
    page.figure(
        reliability_diagram(curves, t.group("reliability")),
        "reliability",
        reliability_alt(page, report, arm),
        lambda: pd.concat(
            pd.DataFrame(
                {
                    t("reliability.model"): name,
                    t("reliability.confidence"): one.confidence,
                    t("reliability.accuracy"): one.accuracy,
                    t("reliability.predictions"): one.count,
                }
            )
            for name, _, one in curves
        ),
    )


def calibration_line(page: Page, report: Report, arm: str) -> str:
    """Compare the calibration errors of the models, in a sentence."""
    found = report.compare(arm, "ece")
    values = {whose: one.mean("ece") for whose, one in shown(report, arm).items()}
    if found is None:
        return page.t("ece_alone", **values)
    said = verdicts.sentence(page, found, *sides(page, report, arm), page.t("verdict.calibration"), "ece")
    return f"{page.t('ece_values', **values)} {said}"


def reliability(page: Page, report: Report, arm: str) -> list:
    """The curves whose bins are known, as `reliability_diagram` takes them."""
    styles = {"teacher": "teacher", "distilled": "distilled", "control": "alone"}
    called = names(page, report, arm)
    return [(called[w], styles[w], one.bins) for w, one in shown(report, arm).items() if one.bins is not None]


def reliability_alt(page: Page, report: Report, arm: str) -> str:
    """The diagram in a sentence."""
    called = names(page, report, arm)
    errors = ", ".join(f"{called[w]} {error(page, one.mean('ece'))}" for w, one in shown(report, arm).items())
    return page.t("reliability.alt", errors=errors)
