"""Costs of a report's models on this machine: a guess first, then sizes, times, int8 and the frontier."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from core.engine import ENGINE
from core.labs.worth_it import costs as study
from core.labs.worth_it import figures as plots
from core.labs.worth_it.report import Report
from core.measure.latency import WARM_UP
from pages.kit.page import Page
from pages.worth_it.quality import names, shown

ANSWERS = {"faster": 0, "same": 1, "slower": 2}
"""The choices of the question about int8."""


def measured(page: Page, report: Report, arm: str, device: str, place: st.delta_generator.DeltaGenerator):
    """The costs, with a bar in `place` while they are measured; None after an error, which is shown."""
    again = st.session_state.get(page.key("again"), 0)

    def show(share: float) -> None:
        share = min(share, 1.0)
        place.progress(share, page.t("measuring", share=f"{share:.0%}"))

    with page.guard():
        found = study.costs(report, arm, ENGINE, device, show, again)
        place.empty()
        return found
    place.empty()
    return None


def spent(page: Page, report: Report, arm: str, device: str) -> None:
    """A guess, then sizes and times."""
    with st.container(key=page.key("costs")):
        _spent(page, report, arm, device)


def _spent(page: Page, report: Report, arm: str, device: str) -> None:
    """The guess, and everything that is measured."""
    place = st.empty()
    again = st.session_state.get(page.key("again"), 0)
    asks = device == "cpu"
    wanted = not asks or page.guessed("int8") or study.is_measured(report, arm, device, again)
    found = measured(page, report, arm, device, place) if wanted else None
    if found is None and wanted:
        return
    if asks and (found is None or found.has_int8):
        answer = ANSWERS[found.int8_speed(arm, 1)[1]] if found else None
        if not page.predict("int8", answer):
            return
    if found is not None:
        results(page, report, arm, found)


def results(page: Page, report: Report, arm: str, found: study.Costs) -> None:
    """Sizes and times in a table, then at one batch the times, the frontier and what follows."""
    t = page.t
    rows = table(page, report, arm, found)
    first = rows.columns[0]
    pinned = {first: st.column_config.TextColumn(pinned=True)}
    st.dataframe(rows, hide_index=True, height="content", column_config=pinned, alt=t("table.alt"))
    page.numbers("costs", lambda: rows)
    sizes = size_lines(page, arm, found)
    if sizes:
        st.markdown("  \n".join(sizes))
    batch = page.choice("batch", 1, t("cost_batch"), list(study.BATCHES), format_func=str)
    st.markdown("\n\n".join(lines(page, report, arm, found, batch)))
    models = drawn(page, report, arm, found, batch)
    left, right = st.columns(2, gap="medium")
    with left:
        page.figure(
            times_figure(page, models), f"times-{batch}", times_alt(page, models, batch), lambda: behind(models)
        )
    with right:
        alt = frontier_alt(page, models, batch)
        page.figure(frontier_figure(page, report, models), f"frontier-{batch}", alt, lambda: behind(models))
        st.caption(t("frontier_note"))
    st.caption("\n\n".join(conditions(page, arm, report, found)))

    def anew() -> None:
        st.session_state[page.key("again")] = st.session_state.get(page.key("again"), 0) + 1

    st.button(t("again"), key=page.key("measure_again"), icon=":material/timer:", on_click=anew, help=t("again_help"))


def table(page: Page, report: Report, arm: str, found: study.Costs) -> pd.DataFrame:
    """A row per model, int8 next to float32."""
    labels, called = page.t.group("table"), names(page, report, arm)
    rows = []
    for whose, one in _measured(report, arm, found).items():
        sizes = one.sizes
        row = {labels["model"]: called[whose], labels["parameters"]: f"{sizes.parameters:,}"}
        row |= {labels[precision]: f"{sizes.megabytes(precision):.1f}" for precision in ("float32", "float16", "int8")}
        row |= {labels["one"]: _ms(one, 1), labels["eight"]: _ms(one, 8)}
        if found.has_int8:
            small = found.of(one.arm, int8=True)
            row |= {labels["one_int8"]: _ms(small, 1), labels["eight_int8"]: _ms(small, 8)}
        rows.append(row)
    return pd.DataFrame(rows)


def size_lines(page: Page, arm: str, found: study.Costs) -> list[str]:
    """Describe the effect of int8 on the student's size and predictions."""
    t, sizes = page.t, found.of(arm).sizes
    if not found.has_int8:
        return [t("no_int8", device=found.device.upper())]
    before, after = sizes.megabytes(), sizes.megabytes("int8")
    numbers = {"share": sizes.embedded_share, "parameters": sizes.parameters, "before": before, "after": after}
    rows, agreement = f"{found.rows:,}", found.int8_points(arm, "agreement")
    if found.is_labelled:
        change = {"accuracy": found.int8_points(arm, "accuracy"), "ece": found.int8_change(arm, "ece")}
        return [t("embedded", **numbers), t("int8_quality", rows=rows, **change)]
    return [t("embedded", **numbers), t("int8_agreement", rows=rows, agreement=agreement)]


def lines(page: Page, report: Report, arm: str, found: study.Costs, batch: int) -> list[str]:
    """The bargain in words, and what int8 does to the times."""
    t, called = page.t, names(page, report, arm)
    deal = found.trade(report, arm, batch)
    numbers = {"gap": deal.gap, "kept": deal.kept, "faster": deal.faster, "smaller": deal.smaller}
    said = [t(f"trade.{deal.verdict}", batch=batch, **numbers | ({"price": deal.per_doubling} if deal.priced else {}))]
    if found.has_int8:
        for whose, one in (("distilled", arm), ("teacher", "teacher")):
            factor, clear = found.int8_speed(one, batch)
            said.append(t(f"int8.{clear}", batch=batch, name=called[whose], factor=factor))
    return said


def drawn(page: Page, report: Report, arm: str, found: study.Costs, batch: int) -> list[plots.Timed]:
    """The marks of both pictures at one batch; the control, if it has the student's shape, at the student's times."""
    t, called, marks = page.t, names(page, report, arm), []
    for whose, series in shown(report, arm).items():
        one = _cost(report, arm, whose, found)
        for cost in (one, found.of(one.arm, int8=True)) if found.has_int8 else (one,):
            own = cost.arm == {"teacher": "teacher", "distilled": arm}.get(whose, report.control)
            if cost.int8 and not own:  # the control's own answers in int8 were not asked for
                continue
            passes = cost.latency[batch]
            moved = found.int8_change(cost.arm, report.measure) if cost.int8 else 0.0
            name = t("precision_int8", name=called[whose]) if cost.int8 else called[whose]
            times = (passes.low, passes.median, passes.high)
            marks.append(
                plots.Timed(name, whose, cost.int8, *times, series.mean(report.measure) + moved, cost.megabytes)
            )
    return marks


def times_figure(page: Page, models: list[plots.Timed]) -> go.Figure:
    """A bar per model."""
    return plots.times(models, page.t.group("times"))


def frontier_figure(page: Page, report: Report, models: list[plots.Timed]) -> go.Figure:
    """Quality against time."""
    labels = page.t.group("frontier") | {"quality": page.t(f"measures.{report.measure}")}
    return plots.frontier(models, labels)


def times_alt(page: Page, models: list[plots.Timed], batch: int) -> str:
    """The bars in a sentence."""
    values = ", ".join(f"{one.name} {one.median:.3g}" for one in models)
    return page.t("times.alt", batch=batch, values=values)


def frontier_alt(page: Page, models: list[plots.Timed], batch: int) -> str:
    """The marks in a sentence."""
    values = ", ".join(f"{one.name} {one.quality:.1%} / {one.median:.3g} ms" for one in models)
    return page.t("frontier.alt", batch=batch, values=values)


def behind(models: list[plots.Timed]) -> pd.DataFrame:
    """The numbers of both pictures."""
    return pd.DataFrame([one.__dict__ for one in models])


def conditions(page: Page, arm: str, report: Report, found: study.Costs) -> list[str]:
    """Describe the conditions of the measurement, and what may have disturbed it."""
    t, passes = page.t, found.of(arm).latency
    how = t(
        "how",
        passes=f"{min(len(one.milliseconds) for one in passes.values())}",
        warm=WARM_UP,
        counted=t(f"counted.{found.counted}"),
        device=found.device.upper(),
        threads=found.threads,
        kernels=found.kernels,
        one=found.tokens[1],
        eight=found.tokens[8],
    )
    clock = {"teacher": found.of("teacher").latency[1].by_the_clock, "student": found.of(arm).latency[1].by_the_clock}
    busy = {"trainings": found.trainings, "load": found.load, "cores": found.cores}
    calm = t(f"conditions.{found.conditions}", **busy, **clock)
    shared = report.control in next(one.same_shape for one in report.models if one.arm == arm)
    return [how, calm, *([t("shared_cost")] if shared else [])]


def _measured(report: Report, arm: str, found: study.Costs) -> dict[str, study.Cost]:
    """The float32 models that were timed, by whose they are."""
    whose = {"teacher": "teacher", arm: "distilled"}
    return {whose.get(one.arm, "control"): one for one in found.models if not one.int8}


def _cost(report: Report, arm: str, whose: str, found: study.Costs) -> study.Cost:
    """The costs of a model, or of the one that has its shape."""
    timed = _measured(report, arm, found)
    return timed.get(whose, timed["distilled"])


def _ms(one: study.Cost, batch: int) -> str:
    return f"{one.latency[batch].median:.2f}"
