"""Choice of the reported run, and of one of its students."""

from __future__ import annotations

import time

import streamlit as st

from core.labs.worth_it.report import Report
from core.runs.index import finished_runs, open_run
from core.runs.run import Run
from pages.kit.page import Page
from pages.kit.runs import PARAMETER
from pages.kit.visitor import keep_owner, owner


def choose_run(page: Page) -> Run | None:
    """The run that the learner or the address names; None for the shipped pair. A name that is gone is reported."""
    t, known = page.t, {run.name: run for run in finished_runs(owner())}
    if known:
        keep_owner()
    named = page.parameter(PARAMETER)
    if named and named not in known:
        with page.guard():
            known = {named: open_run(named)} | known
    if not known:
        st.page_link("distil/page.py", label=t("no_runs"), icon=":material/science:")
        return None
    names = {"": t("shipped")}
    for name, run in known.items():
        label = _option(page, run)
        # Streamlit knows an option by what it shows: two runs of one title need different ones.
        names[name] = f"{label} · {name}" if label in names.values() else label
    if st.session_state.get(page.key(PARAMETER)) != named and named in names:
        st.session_state[page.key(PARAMETER)] = named  # a link from another page names a run that was not open before
    chosen = page.select(PARAMETER, "", t("which"), list(names), format_func=names.__getitem__)
    return known.get(chosen)


def choose_arm(page: Page, report: Report) -> str:
    """The student that is compared with the control; a choice only where several were trained on a teacher."""
    if len(report.taught) == 1:
        return report.taught[0]
    return page.choice("arm", report.taught[0], page.t("arm"), report.taught, format_func=str)


def _option(page: Page, run: Run) -> str:
    with page.guard():
        submitted = time.localtime(run.status().submitted)
        return page.t("run_option", title=run.written_plan["title"], when=time.strftime("%Y-%m-%d %H:%M", submitted))
    return run.name
