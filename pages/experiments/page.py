"""Experiments: five claims about distillation, each put to the test by runs of a few seconds."""

import streamlit as st

from core.labs.experiments import plans as study
from pages.experiments import previews, state
from pages.experiments import results as shown
from pages.kit import runs
from pages.kit.page import Page

page = Page("experiments", "xp")
t = page.t

begun = state.found(page)
names = t.group("names")
with st.container(border=True):
    which = page.radio(
        "which",
        study.KEYS[0],
        t("which"),
        study.KEYS,
        format_func=names.__getitem__,
        captions=[state.summary(page, key, begun[key]) for key in study.KEYS],
    )
views = begun[which]
if views:
    state.show(page, which, [view.name for view in views])

page.section(which)
choices = {}
if which == "absent":
    with page.guard():
        choices = previews.absent_choices(page)
page.run(previews.PREVIEWS[which], **choices)

guessed, may_see = state.guess(page, which, views)
active = next((view for view in views if view.status.active), None)
if active is not None:
    runs.follow(page, active.name, lambda view: shown.live(page, which, [one.name for one in views]))
elif views and all(view.state == "finished" for view in views):
    if may_see:
        with page.guard():
            shown.finished(page, which, views, guessed)
elif views:
    with page.guard():
        shown.live(page, which, [view.name for view in views])
state.launch(page, which, views, guessed, choices)

page.section("sources")
