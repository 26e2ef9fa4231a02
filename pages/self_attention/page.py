"""Self-attention: all heads, one head, one query step by step, what breaks, a toy, BertViz."""

import streamlit as st

from pages.kit.page import Page
from pages.self_attention.ablations import broken
from pages.self_attention.heads import heads
from pages.self_attention.toy import bertviz, toy

page = Page("self_attention", "sa")
t = page.t

text = page.sentence()
with st.container(horizontal=True, vertical_alignment="bottom"):
    roles = ["teacher", "student"]
    role = page.choice("model", "teacher", t("model"), roles, format_func=t)
    page.reset()
name = getattr(page.setting, role)

page.section("heads")
page.run(heads, name, text)

page.section("break")
page.run(broken, name, text)

page.section("toy")
page.run(toy)

page.section("bertviz")
page.run(bertviz, name, text)

page.section("mistakes")
for key in page.lesson.sections:
    if key.startswith("mistake_"):
        with st.expander(page.lesson[key].title):
            page.prose(key)

page.section("quiz")
page.quiz("projections", "axis", "parameters", "explanation")
