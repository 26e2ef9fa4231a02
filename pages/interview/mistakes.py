"""Spot the mistake: pick the line, say what is wrong, run it, see the fix."""

import streamlit as st

from core.practice import snippets
from lessons.interview.mistakes import Mistake, mistakes
from pages.kit import address, components, learner, session
from pages.kit.components.line_picker import line_picker
from pages.kit.page import Page
from pages.kit.questions import lab_link

page = Page("interview_mistakes", "ix")
t, terms = page.t, learner.terms()
bank = mistakes(session.language())
ids = list(bank)


def found_before() -> set[str]:
    """The mistakes that the learner has found, line and reason."""
    known = learner.name()
    events = learner.progress().events(known, "mistake") if known else []
    return {event.item for event in events if event.data["right"]}


def to(item: str) -> None:
    """Open another one."""
    page.put("item", item)
    begin()


def begin() -> None:
    """The open one starts from its beginning, whatever was answered on an earlier visit."""
    page.set_parameter("line", "")
    components.assign(lines_key(st.session_state[page.key("item")]), None)
    address.reset(page.key("choice_"))


def lines_key(item: str) -> str:
    return f"ix_lines_{item}"


def choose(found: set[str]) -> Mistake:
    """Draw the choice of a mistake and return it: the address's, else the first."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        item = page.select(
            "item",
            ids[0],
            t("which"),
            ids,
            format_func=lambda id: t("solved_mark", title=bank[id].title) if id in found else bank[id].title,
            on_change=begin,
            width=360,
        )
        place = ids.index(item)
        before, after = ids[max(place - 1, 0)], ids[min(place + 1, len(ids) - 1)]
        st.button(t("previous"), on_click=to, args=(before,), disabled=place == 0)
        st.button(t("next"), on_click=to, args=(after,), disabled=place == len(ids) - 1)
    st.progress(len(found & set(ids)) / len(ids), t("solved", count=len(found & set(ids)), total=len(ids)))
    return bank[item]


def line_of(mistake: Mistake) -> int | None:
    """The picked line; it lives in the address, counted from one."""
    written = page.parameter("line")
    asked = int(written) - 1 if written.isdecimal() and 0 < int(written[:4]) <= len(mistake.lines) else None
    labels = {"right": t("line_right"), "wrong": t("line_wrong")}
    line = line_picker(
        mistake.lines,
        key=lines_key(mistake.id),
        alt=t("lines_alt", count=len(mistake.lines)),
        labels=labels,
        code=mistake.is_code,
        selected=asked,
        right=mistake.wrong,
    )
    page.set_parameter("line", "" if line is None else str(line + 1))
    return line


def puzzle(page: Page) -> None:
    """One mistake, step by step."""
    mistake = choose(found_before())
    with st.container(border=True):
        st.badge(terms(f"topics.{mistake.topic}"), color="gray")
        st.markdown(f"### {mistake.title}")
        st.markdown(t("find_line"))
        line = line_of(mistake)
        if line is None:
            return
        hit = line == mistake.wrong
        st.markdown(t("line_found" if hit else "line_missed", line=mistake.wrong + 1))
        choices = [str(number) for number in range(len(mistake.choices))]
        chosen = page.radio(
            f"choice_{mistake.id}",
            None,
            t("what"),
            choices,
            format_func=lambda number: mistake.choices[int(number)],
            on_change=lambda: keep(mistake, hit),
        )
        if chosen is None:
            return
        explain(mistake, int(chosen))
    if mistake.run:
        run(mistake)
    mend(mistake)


def keep(mistake: Mistake, hit: bool) -> None:
    """Write an answer down, if it was given before the explanation was seen; a link that holds one is no answer."""
    chosen, known = st.session_state[page.key(f"choice_{mistake.id}")], learner.name()
    if known and chosen is not None and mistake.id not in st.session_state.get("_ix_explained", ()):
        with page.guard():
            right = hit and int(chosen) == mistake.answer
            learner.progress().add(known, "mistake", mistake.id, {"right": right})


def explain(mistake: Mistake, chosen: int) -> None:
    """Draw the verdict on the chosen reason, with its explanation."""
    st.session_state.setdefault("_ix_explained", set()).add(mistake.id)
    if chosen == mistake.answer:
        st.success(f"**{t('right')}** {mistake.why}", icon=":material/check:")
    else:
        st.warning(
            f"**{t('not_right', answer=mistake.choices[mistake.answer])}** {mistake.why}", icon=":material/undo:"
        )


def run(mistake: Mistake) -> None:
    """The program, run now in a process of its own."""
    key = f"_ix_outcome_{mistake.id}"
    if st.button(t("run"), type="primary", icon=":material/play_arrow:"):
        with st.spinner(t("running")):
            try:
                st.session_state[key] = snippets.run([mistake.run])[0]
            except (TimeoutError, RuntimeError, OSError) as error:
                st.error(t("failed", reason=error), icon=":material/info:")
    outcome = st.session_state.get(key)
    if outcome:
        st.markdown(f"##### {t('outcome')}")
        st.code(f"{outcome.output}{outcome.error}".strip(), language=None, wrap_lines=True)
        where = f"{t('stopped_at', line=outcome.line)} · " if outcome.error else ""
        st.caption(where + t("took", seconds=f"{outcome.seconds:.1f}"))
    with st.expander(t("program"), icon=":material/code:"):
        st.code(mistake.run, language="python", line_numbers=True)


def mend(mistake: Mistake) -> None:
    """Draw the fix, its sources and the link to a lab."""
    st.markdown(f"##### {t('fix' if mistake.is_code else 'fix_claim')}")
    if mistake.is_code:
        st.code(mistake.fix, language="python", wrap_lines=True)
    else:
        st.markdown(mistake.fix)
    numbers = ", ".join(sorted({number.partition("-")[0] for number in mistake.errata}))
    st.caption(f"{terms('sources', sources='; '.join(mistake.sources))} · {t('errata', numbers=numbers)}")
    if mistake.lab:
        lab_link(mistake.lab)


page.run(puzzle)
page.section("method")
with page.guard():
    learner.corner()
