"""Was it worth it? The report of a run: quality over the seeds, calibration, costs on this machine, and a verdict in words."""

import streamlit as st

from core.engine import ENGINE
from core.labs.worth_it import sources
from core.labs.worth_it.report import Report
from pages.kit.page import Page
from pages.worth_it import costs as cost_parts
from pages.worth_it import download as take
from pages.worth_it import quality
from pages.worth_it.choice import choose_arm, choose_run

page = Page("worth_it", "wi")
t = page.t


def asked(run: sources.Run | None) -> Report:
    """The report of a run, or of the shipped pair; a bar while the students are asked."""
    place = st.empty()

    def show(share: float) -> None:
        place.progress(min(share, 1.0), t("reading"))

    report = sources.shipped(ENGINE, show) if run is None else sources.of_run(run, ENGINE, show)
    place.empty()
    return report


def open_report() -> Report | None:
    """What is chosen; the shipped pair where that cannot be judged, with the reason above."""
    run = choose_run(page)
    if run is not None:
        with page.guard():
            return asked(run)
        st.caption(t("instead"))
    with page.guard():
        return asked(None)
    return None


@page.lab
def verdict() -> None:
    """The verdict and every seed."""
    quality.verdict(page, report, arm)


@page.lab
def calibration() -> None:
    """Reliability diagram."""
    quality.calibration(page, report, arm)


@page.lab
def spent() -> None:
    """A guess, then sizes and times."""
    with st.container(key=page.key("costs")):
        cost_parts.lab(page, report, arm, page.setting.device)


@page.lab
def taken() -> None:
    """The report as files."""
    take.lab(page, report, arm, page.setting.device)


report = open_report()
if report is not None:
    arm = choose_arm(page, report)
    st.subheader(page.lesson["verdict"].title, anchor="verdict")
    verdict()
    with st.expander(page.lesson["reading_verdict"].title, icon=":material/menu_book:"):
        page.prose("reading_verdict")
    page.section("calibration")
    calibration()
    page.section("costs")
    spent()
    with st.expander(page.lesson["reading_costs"].title, icon=":material/menu_book:"):
        page.prose("reading_costs")
    page.section("take")
    taken()
page.section("quiz")
page.quiz("control", "interval", "faster", "calibrated")
page.section("sources")
