"""The page "What to match": internals of the teacher that a student imitates, and the effect on the student."""

import streamlit as st

from pages.kit import runs
from pages.kit.page import Page
from pages.what_to_match import board, result, run, shipped

page = Page("what_to_match", "wm")

text = page.sentence()
page.reset()

page.section("shipped")
page.run(shipped.side_by_side, text)

view = runs.current(page)
page.section("board")
page.run(board.board, text, view)

page.section("run")
runs.offer_interrupted(page, page.slug)
if view is None:
    page.run(run.setup, text)
else:
    runs.follow(page, view.name, lambda now: run.standing(page, now))
with st.container(horizontal=True, vertical_alignment="center"):
    if view is not None:
        run.another(page)
    run.earlier(page)

page.section("result")
if view is None or view.status.active:
    st.info(page.t("no_result" if view is None else "still_running"), icon=":material/hourglass_empty:")
else:
    page.run(result.convergence, view.name, text)
    page.section("outcome")
    page.run(result.outcome, view.name)

page.section("quiz")
page.quiz("raw_scores", "no_projection", "sixteen_heads")
