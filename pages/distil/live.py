"""A run on the Distil page: its buttons, its curves, a sentence followed step by step, and its result."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import lessons
from core.errors import LabError
from core.labs.distil import curves
from core.labs.distil import figures as plots
from core.labs.distil import probe as looks
from core.labs.distil.setup import ARMS
from core.runs import export as made
from core.runs.index import open_run
from core.runs.queue import RunView
from core.runs.run import Run
from pages.distil import probe as distil_look
from pages.kit import runs, verdict
from pages.kit.page import Page, code_span

_METRICS = "_dl_metrics"


def draw(page: Page, view: RunView) -> None:
    """Everything that changes while a run is going."""
    run = open_run(view.name)
    lines, st.session_state[_METRICS] = curves.metrics(run, st.session_state.get(_METRICS, {}))
    st.markdown(f"#### {code_span(view.title)}")
    runs.control_bar(page, view)
    runs.progress_line(page, view)
    if set(view.plan["arms"]) != {*ARMS}:  # another page made it, and shows it better
        st.info(page.t("other_arms", arms=", ".join(view.plan["arms"])), icon=":material/info:")
        _to_report(page, view)
        return
    found = curves.conclusion(lines, view.plan)
    if found is not None and not view.status.active:
        _conclusion(page, view, found)
    _curves(page, view, lines)
    _watched(page, view, run)
    if not view.status.active:
        _take_away(page, view, run)


def _curves(page: Page, view: RunView, lines: list[dict]) -> None:
    t = page.t
    labels = t.group("arms") | t.group("curves") | t.group("terms")
    terms = curves.curves(lines)
    if not terms:
        if view.status.active:
            st.caption(t("no_point_yet"))
        return
    steps = view.plan["training"]["steps"]
    measures = {name: curves.quality(lines, name) for name in curves.MEASURES}
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(f"**{t('losses')}**", help=t("help.losses"))
        page.figure(
            plots.loss_curves(terms, steps, labels),
            "losses",
            t("losses_alt", terms=", ".join(terms), steps=view.status.done),
            lambda: _table(terms),
        )
    with right:
        st.markdown(f"**{t('quality')}**", help=t("help.quality", count=_held_out(view)))
        page.figure(
            plots.quality_curves(measures, steps, labels),
            "quality",
            t("quality_alt", **{name: _last(found) for name, found in measures.items()}),
            lambda: _table(measures),
        )


def _held_out(view: RunView) -> int:
    return view.plan["extra"].get("material", {}).get("held_out", 0)


def _last(found: list[curves.Curve]) -> str:
    """The latest value of the distilled student as a percentage."""
    values = [curve.values[-1] for curve in found if curve.arm == "distilled"]
    return f"{values[-1]:.0%}" if values else "–"


def _table(groups: dict[str, list[curves.Curve]]) -> pd.DataFrame:
    return pd.DataFrame(
        {"measure": name, "model": curve.arm, "seed": curve.seed, "step": step, "value": value}
        for name, found in groups.items()
        for curve in found
        for step, value in zip(curve.steps, curve.values, strict=True)
    )


def _watched(page: Page, view: RunView, run: Run) -> None:
    """The sentence: live while the run is going, afterwards at any step that was kept."""
    t, plan = page.t, view.plan
    st.markdown(f"**{t('watched')}**")
    text = distil_look.sentence(page, plan["task"])
    with page.guard():
        steps = run.snapshots("distilled")
        if view.status.active or not steps:
            if not text.strip():
                raise LabError("empty_text")
            mine = runs.is_mine(view)
            if mine:
                watch(run, text)
            look = looks.live(run)
            if look is None or (mine and look.text != text):
                st.caption(t("not_looked_yet"))
                return
            st.caption(t("looked_at", seed=look.seed, step=look.step, text=code_span(look.text)))
        else:
            step = page.chosen("at", steps[-1], steps)
            if len(steps) > 1:
                step = page.stops("at", steps[-1], t("scrub"), steps, help=t("help.scrub"))
            look = looks.at_step(run, text, step)
        distil_look.show(page, look)


def watch(run: Run, text: str) -> None:
    """Request that the run's process follow a sentence, once for each that is new."""
    asked = st.session_state.setdefault("_dl_watching", {})
    if text.strip() and asked.get(run.name) != text:
        run.watch(text)
        asked[run.name] = text


def _conclusion(page: Page, view: RunView, found: curves.Conclusion) -> None:
    """Draw the result in words and numbers, and the judgement of the guess."""
    t = page.t
    blanks = {
        "distilled": f"{found.distilled.mean:.1%}",
        "control": f"{found.control.mean:.1%}",
        "spread": f"{100 * found.distilled.std:.1f}",
        "control_spread": f"{100 * found.control.std:.1f}",
        "teacher": f"{found.teacher:.1%}",
        "agreement": f"{found.agreement.mean:.1%}",
        "control_agreement": f"{found.control_agreement.mean:.1%}",
    }
    with st.container(border=True):
        verdict.show(page, found.gain, t("verdict.distilled"), t("verdict.control"), t("verdict.accuracy"))
        with st.grid(3, min_column_width=130):
            spreads = {"distilled": blanks["spread"], "control": blanks["control_spread"]}
            beside = {
                a: t("spread", spread=s) if len(found.distilled.values) > 1 else t("one_seed")
                for a, s in spreads.items()
            }
            beside["teacher"] = t("no_learner")
            for arm in ("teacher", "distilled", "control"):
                plain = {"delta_color": "off", "delta_arrow": "off", "border": True}
                st.metric(t(f"arms.{arm}"), blanks[arm], beside[arm], **plain)
        st.markdown(t("conclusion.numbers", **blanks))
        _guessed(page, view, found)
        _to_report(page, view)


def _to_report(page: Page, view: RunView) -> None:
    """Draw the link to the report of a finished run."""
    if view.state == "finished":
        address = {"wi_run": view.name, "lang": page.t.language}
        st.page_link("worth_it/page.py", label=page.t("to_report"), icon=":material/balance:", query_params=address)


def _guessed(page: Page, view: RunView, found: curves.Conclusion) -> None:
    """Draw the guess next to the outcome."""
    guess = view.plan["extra"].get("prediction")
    choices = lessons.quiz(page.slug, page.t.language)["outcome"].choices
    if not isinstance(guess, int) or not 0 <= guess < len(choices):
        return
    if found.outcome is None:  # too few seeds to tell, or nothing to compare: the guess stays open
        st.markdown(page.t("guess_open", guess=choices[guess].text))
        return
    key = "guess_right" if guess == found.outcome else "guess_wrong"
    st.markdown(page.t(key, guess=choices[guess].text, outcome=choices[found.outcome].text))
    st.caption(choices[found.outcome].why)


def _take_away(page: Page, view: RunView, run: Run) -> None:
    """The finished students as files."""
    t, students = page.t, {one.name: one for one in made.students(run)}
    if not students:
        return
    with st.container(border=True):
        st.markdown(t("take_away" if view.state == "finished" else "take_away_part"))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            label = t("student")
            names = {n: t("student_name", arm=t(f"arms.{s.arm}"), seed=s.seed) for n, s in students.items()}
            chosen = page.select("student", next(iter(names)), label, list(names), format_func=names.get, width=320)
            st.download_button(
                t("download"),
                lambda: made.parcel(students[chosen]),
                file_name=f"distillery-{view.name}-{chosen}.zip",
                mime="application/zip",
                key=page.key("download"),
                on_click="ignore",
                icon=":material/folder_zip:",
            )
        which = "open" if view.plan["task"] == "single_label" else "open_words"
        page.code(which, name=chosen)
