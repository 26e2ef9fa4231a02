"""Frame of every page: title, language, settings, navigation. Streamlit runs this script for each of them."""

import streamlit as st

import lessons
from core.engine import ENGINE
from pages.kit import course, old_links, session
from pages.kit.components import arrive
from pages.kit.questions import related

st.set_page_config(page_title="Distillery", page_icon="⚗️", layout="wide")
old_links.follow()
# A page link is one line, and what does not fit is cut; some of ours are longer than a phone is wide.
st.html("<style>[data-testid='stPageLink-NavLink'] * { white-space: normal; }</style>")

with st.sidebar:
    session.choose_language()

language = session.language()
t = lessons.labels("common", language)


def _page(slug: str, icon: str) -> st.Page:
    return st.Page(
        course.script(slug),
        title=lessons.lesson(slug, language).title,
        icon=icon,
        url_path=slug.replace("_", "-"),
        default=slug == course.HOME,
    )


home = _page(course.HOME, ":material/home:")
groups = {group: {slug: _page(slug, icon) for slug, icon in icons.items()} for group, icons in course.groups().items()}
chosen = st.navigation(
    {"": [home]} | {t(group): list(pages.values()) for group, pages in groups.items()}, expanded=True
)
slug = next((slug for pages in groups.values() for slug, page in pages.items() if page == chosen), course.HOME)
arrive.visit(slug)

heading = lessons.lesson(slug, language)
st.title(heading.title, anchor=False)
st.markdown(heading.lead)
if line := course.needs(slug, language):
    st.caption(line)

if not ENGINE.is_ready():  # the heading is already on the screen while torch loads, once in a server's life
    with st.spinner(t("warming_up")):
        ENGINE.devices()

with st.sidebar:
    session.choose_setting()

chosen.run()

course.next_lesson(slug, language)
if slug not in (course.HOME, *course.INTERVIEW):
    related(slug)
