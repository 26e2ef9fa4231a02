"""Layer surgery: layers and heads taken off a real model, and what that costs before any training."""

import streamlit as st

from core.engine import ENGINE
from core.labs.layer_surgery import surgery as study
from pages.kit import session
from pages.kit.page import Page, code_span
from pages.layer_surgery import board, sweeps

page = Page("layer_surgery", "ls")
t = page.t
setting = page.setting

page.section("table")
with page.guard():
    first = study.start_with(setting)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        name = page.select(
            "model",
            first,
            t("model"),
            study.on_offer(setting),
            width=320,
            format_func=lambda one: f"{session.readable(one)} · {t(f'task.{study.task_of(one)}')}",
            on_change=lambda: board.clear(page),
        )
        page.reset()
    if first != setting.teacher:
        st.info(t("not_operable", name=code_span(session.readable(setting.teacher))), icon=":material/info:")
    with st.spinner(t("opening")):
        opened = study.table(ENGINE, setting, name)
    page.run(board.operate, name, opened)

    for section, lab in (("one", sweeps.each_layer), ("rules", sweeps.rules), ("heads", sweeps.heads)):
        page.section(section)
        page.run(lab, name)

page.section("quiz")
page.quiz("zeros", "together", "afterwards")
