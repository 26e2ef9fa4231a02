"""Layer outputs: hidden states and attention of teacher and student, compared layer by layer."""

import streamlit as st

from core.engine import ENGINE
from core.labs.layer_outputs import hidden_states as study
from core.numbering import listed
from pages.kit.page import Page
from pages.layer_outputs import layers, tokens

page = Page("layer_outputs", "lo")
t = page.t

text = page.sentence()
if st.session_state.setdefault("_lo_read", text) != text:  # positions belong to the text that they were chosen in
    for name in ("token_pair", "token_path", "token_cell"):
        page.set_parameter(name, "")
    st.session_state["_lo_read"] = text

with page.guard():
    page.notices(ENGINE.tokens(page.setting, page.setting.teacher, text))
    both = study.read(ENGINE, page.setting, text)
    with st.container(horizontal=True, vertical_alignment="center"):
        page.check(max(trace.check() for trace in both.traces.values()))
        page.reset()
    made = listed(both.made_from)
    st.caption(t("map_recorded" if both.recorded else "map_assumed", layers=len(both.made_from), made=made))

    for section, lab in (
        ("similarity", tokens.similarity),
        ("motion", tokens.motion),
        ("paths", tokens.paths),
        ("cka", layers.layers_match),
        ("attention", layers.heads_match),
    ):
        page.section(section)
        page.run(lab, both, text)

page.section("quiz")
page.quiz("few", "tinybert_map", "distilbert_hidden", "widths")
