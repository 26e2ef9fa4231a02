"""What stands around every page: title, language, settings, navigation. Streamlit runs this script for each of them."""

import streamlit as st

import lessons
from core.engine import ENGINE
from pages.kit import arrive, old_links, session
from pages.kit.course import script
from pages.kit.questions import related

st.set_page_config(page_title="Distillery", page_icon="⚗️", layout="wide")
old_links.follow()
# A page link is one line, and what does not fit is cut; some of ours are longer than a phone is wide.
st.html("<style>[data-testid='stPageLink-NavLink'] * { white-space: normal; }</style>")

with st.sidebar:
    session.choose_language()

language = session.language()
t = lessons.labels("common", language)

COURSE = {
    "home": ":material/home:",
    "self_attention": ":material/grid_on:",
    "positional_encoding": ":material/waves:",
    "mlm_masking": ":material/visibility_off:",
    "temperature": ":material/thermostat:",
    "layer_outputs": ":material/layers:",
}

DISTILLING = {
    "distil": ":material/science:",
    "layer_surgery": ":material/content_cut:",
    "what_to_match": ":material/compare_arrows:",
    "worth_it": ":material/balance:",
    "experiments": ":material/labs:",
}

INTERVIEW = {
    "interview_study": ":material/menu_book:",
    "interview_recall": ":material/style:",
    "interview_mock": ":material/timer:",
    "interview_mistakes": ":material/bug_report:",
    "exercises": ":material/code:",
}

ICONS = COURSE | DISTILLING | INTERVIEW


def _page(slug: str) -> st.Page:
    return st.Page(
        script(slug),
        title=lessons.lesson(slug, language).title,
        icon=ICONS[slug],
        url_path=slug.replace("_", "-"),
        default=slug == "home",
    )


home = _page("home")
pages = {slug: _page(slug) for slug in ICONS if slug != "home"}
groups = {t("course"): COURSE, t("distilling"): DISTILLING, t("interview"): INTERVIEW}
chosen = st.navigation(
    {"": [home]} | {title: [pages[slug] for slug in group if slug != "home"] for title, group in groups.items()},
    expanded=True,
)
st.session_state["_course"] = {slug: COURSE[slug] for slug in COURSE if slug != "home"}  # home draws its map from it
st.session_state["_distilling"] = DISTILLING
st.session_state["_interview"] = INTERVIEW
slug = next((slug for slug, page in pages.items() if page == chosen), "home")
arrive.visit(slug)

heading = lessons.lesson(slug, language)
st.title(heading.title, anchor=False)
st.markdown(heading.lead)

if not ENGINE.is_ready():  # the heading is already on the screen while torch loads, once in a server's life
    with st.spinner(t("warming_up")):
        ENGINE.devices()

with st.sidebar:
    session.choose_setting()

chosen.run()

if slug in COURSE | DISTILLING and slug != "home":
    related(slug)
