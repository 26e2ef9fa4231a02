"""Was it worth it? The report of a run: quality over the seeds, calibration, costs on this machine, and a verdict in words."""

import streamlit as st

from core.engine import ENGINE
from core.labs.worth_it import sources
from core.labs.worth_it.report import Report
from pages.kit.page import Page
from pages.worth_it import costs, download, quality
from pages.worth_it.choice import choose_arm, choose_run

page = Page("worth_it", "wi")


def asked(page: Page, run: sources.Run | None) -> Report:
    """The report of a run, or of the shipped pair; a bar while the students are evaluated."""
    place = st.empty()

    def show(share: float) -> None:
        place.progress(min(share, 1.0), page.t("reading"))

    report = sources.shipped(ENGINE, show) if run is None else sources.of_run(run, ENGINE, show)
    place.empty()
    return report


def open_report(page: Page) -> Report | None:
    """Open the chosen report; the shipped pair where that cannot be judged, with the reason above."""
    run = choose_run(page)
    if run is not None:
        with page.guard():
            return asked(page, run)
        st.caption(page.t("instead"))
    with page.guard():
        return asked(page, None)
    return None


report = open_report(page)
if report is not None:
    arm = choose_arm(page, report)
    st.subheader(page.lesson["verdict"].title, anchor="verdict")
    page.run(quality.verdict, report, arm)
    with st.expander(page.lesson["reading_verdict"].title, icon=":material/menu_book:"):
        page.prose("reading_verdict")
    page.section("calibration")
    page.run(quality.calibration, report, arm)
    page.section("costs")
    page.run(costs.spent, report, arm, page.setting.device)
    with st.expander(page.lesson["reading_costs"].title, icon=":material/menu_book:"):
        page.prose("reading_costs")
    page.section("take")
    page.run(download.downloads, report, arm, page.setting.device)
page.section("quiz")
page.quiz("control", "interval", "faster", "calibrated")
page.section("sources")
