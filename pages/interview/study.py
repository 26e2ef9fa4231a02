"""Interview questions to read: filter, search, then reveal one step by step."""

import streamlit as st

from lessons import interview
from pages.interview import question as parts
from pages.kit import learner, session
from pages.kit.page import Page

page = Page("interview_study", "is")
t, terms = page.t, learner.terms()
bank = interview.questions(session.language())
ROWS = 15
STEPS = list(parts.STEPS)
FILTERS = ("search", "topic", "level", "role", "origin")


def choose(question: str) -> None:
    """Open a question with its answers hidden, or the list."""
    page.set_parameter("question", question)
    page.set_parameter("step", "")


def reveal(step: int) -> None:
    page.set_parameter("step", str(step) if step else "")


def clear() -> None:
    for name in FILTERS:
        page.put(name, "")


def more(rows: int) -> None:
    page.set_parameter("rows", str(rows))


def filters() -> list[interview.InterviewQuestion]:
    """The controls that choose questions, and the questions that they leave."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = page.text(
            "search",
            "",
            t("search"),
            icon=":material/search:",
            placeholder=t("search_placeholder"),
            width=210,
        )

        def box(name: str, label: str, names: dict[str, str]) -> str:
            return page.select(
                name,
                "",
                label,
                ["", *names],
                format_func=lambda value: names.get(value, t("any")),
                width=145,
                filter_mode=None if len(names) < 20 else "fuzzy",
            )

        topic = box("topic", terms("topic"), terms.group("topics"))
        level = box("level", terms("level"), terms.group("levels"))
        role = box("role", terms("role"), terms.group("roles"))
        origin = box("origin", t("origin"), {name: parts.origin_name(name) for name in interview.origins()})
    return [
        question
        for question in bank.values()
        if topic in ("", question.topic)
        and level in ("", str(question.level))
        and (not role or role in question.roles)
        and (not origin or origin in question.origins)
        and question.contains(search)
    ]


def listed(found: list[interview.InterviewQuestion]) -> None:
    """A page of questions under their topics."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(t("count", count=len(found), total=len(bank)))
        if len(found) < len(bank):
            st.button(t("clear"), type="tertiary", icon=":material/filter_alt_off:", on_click=clear)
    if not found:
        st.info(t("none"), icon=":material/search_off:")
        return
    st.html("<style>.st-key-is_list button p { text-align: left; }</style>")
    read, topic = reads(), ""
    written = page.parameter("rows")
    rows = max(ROWS, int(written)) if written.isdecimal() and len(written) < 4 else ROWS
    with st.container(key=page.key("list")):
        for question in found[:rows]:
            if question.topic != topic:
                topic = question.topic
                st.markdown(f"#### {terms(f'topics.{topic}')}")
            with st.container(border=True, gap=None):
                st.button(
                    question.ask,
                    key=f"_is_open_{question.id}",
                    type="tertiary",
                    on_click=choose,
                    args=(question.id,),
                    wrap=True,
                )
                parts.badges(question, of_topic=False, read=t("read") if question.id in read else "")
    if rows < len(found):
        st.button(t("more", count=min(ROWS, len(found) - rows)), on_click=more, args=(rows + ROWS,))


def reads() -> set[str]:
    known = learner.name()
    return set(learner.progress().latest(known, "read")) if known else set()


def reading(question: interview.InterviewQuestion, found: list[interview.InterviewQuestion]) -> None:
    """One question; what is revealed stays in the address."""
    written = page.parameter("step")
    shown = min(int(written), len(STEPS)) if written.isdecimal() and len(written) < 3 else 0
    ids = [other.id for other in found]
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(t("back"), icon=":material/arrow_back:", on_click=choose, args=("",))
        if question.id in ids:
            place = ids.index(question.id)
            before, after = ids[max(place - 1, 0)], ids[min(place + 1, len(ids) - 1)]
            st.button(t("previous"), on_click=choose, args=(before,), disabled=place == 0, type="tertiary")
            st.caption(t("place", place=place + 1, count=len(ids)), width="content")
            st.button(t("next"), on_click=choose, args=(after,), disabled=place == len(ids) - 1, type="tertiary")
    parts.badges(question)
    st.markdown(f"### {question.ask}")
    if not shown:
        st.markdown(t("say_first"))
    for step in STEPS[:shown]:
        parts.STEPS[step](question)
    with st.container(horizontal=True):
        if shown < len(STEPS):
            label = t(f"reveal_{STEPS[shown]}")
            st.button(label, type="primary", on_click=reveal, args=(shown + 1,), icon=":material/visibility:")
            st.button(t("reveal_all"), type="tertiary", on_click=reveal, args=(len(STEPS),))
        else:
            st.button(t("hide_all"), type="tertiary", on_click=reveal, args=(0,), icon=":material/visibility_off:")
    if shown >= 2:
        parts.lab(question)
        if learner.name() and question.id not in reads():
            learner.progress().add(learner.name(), "read", question.id, {})
    parts.origins(question)


opened = bank.get(page.parameter("question"))
with page.guard():
    if opened:
        with st.popover(t("filters"), icon=":material/filter_alt:"):
            found = filters()
        reading(opened, found)
    else:
        listed(filters())
    learner.corner()
