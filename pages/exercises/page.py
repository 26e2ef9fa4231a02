"""Code exercises: a list, then one with its editor, its hints and what the tests say."""

import streamlit as st

import lessons
from core.practice import grading
from core.practice.sandbox import SANDBOX, permission
from lessons.interview import exercises
from pages.exercises import feedback
from pages.kit import learner, session, visitor
from pages.kit.components.code_editor import code_editor, typed
from pages.kit.course import script
from pages.kit.page import Page

page = Page("exercises", "ex")
t = page.t
LEVEL_COLORS = {1: "green", 2: "blue", 3: "violet"}
STATES = ("all", "open", "repair")

bank = {slug: exercises.exercise(slug, session.language()) for slug in exercises.slugs()}


def choose(slug: str) -> None:
    """Open an exercise, or the list."""
    page.set_parameter("open", slug)


def passed() -> set[str]:
    """Exercises that this learner has passed: in this session, and before where it has a name."""
    known = learner.name()
    return st.session_state.setdefault("_ex_passed", set()) | set(learner.progress().passed(known) if known else ())


def badges(exercise: exercises.Exercise, done: bool) -> None:
    """Level, kind and success in a line."""
    with st.container(horizontal=True, gap="small", width="content"):
        st.badge(t(f"levels.{exercise.level}"), color=LEVEL_COLORS[exercise.level])
        if exercise.repairs:
            st.badge(t("repair"), icon=":material/build:", color="orange")
        if done:
            st.badge(t("done"), icon=":material/check:", color="green")


def listed() -> None:
    """The exercises by topic."""
    learner.ask()
    done = passed() & set(bank)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        topic = page.select(
            "topic",
            "",
            t("search_topic"),
            ["", *exercises.TOPICS],
            format_func=lambda name: t(f"topics.{name}") if name else t("any"),
            width=200,
            filter_mode=None,
        )
        level = page.select(
            "level",
            0,
            t("search_level"),
            [0, *exercises.LEVELS],
            format_func=lambda number: t(f"levels.{number}") if number else t("any"),
            width=160,
            filter_mode=None,
        )
        state = page.choice(
            "state",
            "all",
            t("search_state"),
            STATES,
            format_func=lambda name: t(f"states.{name}"),
        )
    st.progress(len(done) / len(bank), t("count", passed=len(done), total=len(bank)))
    for name in exercises.TOPICS:
        chosen = [
            exercise
            for exercise in bank.values()
            if exercise.topic == name
            and topic in ("", name)
            and level in (0, exercise.level)
            and (state != "open" or exercise.slug not in done)
            and (state != "repair" or exercise.repairs)
        ]
        if not chosen:
            continue
        st.markdown(f"#### {t(f'topics.{name}')}")
        for exercise in chosen:
            with st.container(
                border=True, horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"
            ):
                st.button(
                    exercise.title,
                    key=f"_ex_open_{exercise.slug}",
                    type="tertiary",
                    on_click=choose,
                    args=(exercise.slug,),
                    wrap=True,
                )
                badges(exercise, exercise.slug in done)


def heading(exercise: exercises.Exercise) -> None:
    """The way back and to the neighbours, and what the exercise is."""
    order = list(bank)
    place = order.index(exercise.slug)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(t("back"), icon=":material/arrow_back:", on_click=choose, args=("",))
        st.button(t("previous"), type="tertiary", on_click=choose, args=(order[place - 1],), disabled=place == 0)
        st.button(
            t("next"),
            type="tertiary",
            on_click=choose,
            args=(order[(place + 1) % len(order)],),
            disabled=place == len(order) - 1,
        )
    badges(exercise, exercise.slug in passed())
    st.markdown(f"### {exercise.title}")


def statement(exercise: exercises.Exercise) -> None:
    """Draw the task, with an example."""
    if exercise.repairs:
        st.markdown(t("repairs", document=exercise.repairs))
    st.markdown(exercise.statement)
    with st.container(border=True):
        st.markdown(f"**{t('example')}**")
        st.markdown(exercise.example)
    st.caption(t("source", source=exercise.source))


def hints() -> None:
    """One hint at a time."""
    exercise = opened
    key = f"_ex_hints_{exercise.slug}"
    shown = st.session_state.get(key, 0)
    total = len(exercise.hints)
    for number, hint in enumerate(exercise.hints[:shown], start=1):
        with st.container(border=True, gap="xsmall"):
            st.caption(t("hint", number=number, total=total))
            st.markdown(hint)
    if shown < total:

        def reveal() -> None:
            st.session_state[key] = shown + 1

        label = t("next_hint", number=shown + 1, total=total)
        st.button(label, icon=":material/lightbulb:", type="tertiary", on_click=reveal)


def draft(exercise: exercises.Exercise) -> str:
    """The learner's latest version of the code, from this or an earlier session; at first, the starter."""
    drafts = st.session_state.setdefault("_ex_drafts", {})
    if exercise.slug not in drafts:
        known = learner.name()
        kept = learner.progress().draft(known, exercise.slug) if known else None
        drafts[exercise.slug] = exercise.starter if kept is None else kept
    return drafts[exercise.slug]


def keep(slug: str, code: str) -> None:
    """Keep what is in the editor, in the session and under the learner's name."""
    if st.session_state["_ex_drafts"][slug] != code:
        st.session_state["_ex_drafts"][slug] = code
        if known := learner.name():
            learner.progress().save_draft(known, slug, code[: grading.LONGEST_CODE])


def put(slug: str, code: str) -> None:
    """Put other code into the editor."""
    keep(slug, code)
    revisions = st.session_state.setdefault("_ex_revisions", {})
    revisions[slug] = revisions.get(slug, 0) + 1


def allowed(asked: bool) -> bool:
    """Return True if code may run here; if not, show the reason. Only a learner who has `asked` to run it waits for the
    sandbox's self-test."""
    if not asked and SANDBOX.published() is None:
        st.caption(t("testing"))
        return True
    with st.spinner(t("testing")):
        isolation = SANDBOX.start()
    answer = permission.permission(isolation, visitor.is_own_machine(), False)
    if answer == "ask":
        st.warning(t("consent_why"), icon=":material/gpp_maybe:")
        return st.checkbox(t("consent"), key="_ex_consent", persist_state="session")
    if answer == "read_only":
        st.info(t("switched_off" if isolation.level == "off" else "read_only"), icon=":material/lock:")
        return False
    feedback.sandbox_badge(page, isolation)
    return True


def ask_to_run() -> None:
    st.session_state["_ex_run"] = True


def test(slug: str, code: str) -> None:
    """Have the code graded, and keep what was found before anything else is drawn."""
    with st.spinner(t("running")):
        answer = grading.grade(slug, code, bank[slug].avoid)
    st.session_state["_ex_feedback"][slug] = (code, answer)
    if answer.right:
        st.session_state["_ex_passed"].add(slug)
        if known := learner.name():
            learner.progress().save_pass(known, slug, code)


def work() -> None:
    """The editor, the tests, what they say."""
    exercise, slug = opened, opened.slug
    key, revision = f"_ex_editor_{slug}", st.session_state.setdefault("_ex_revisions", {}).get(slug, 0)
    code = typed(key, revision, draft(exercise))
    keep(slug, code)
    editor = st.container()
    asked = st.session_state.pop("_ex_run", False)
    may_run = allowed(asked)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(t("run"), type="primary", icon=":material/play_arrow:", disabled=not may_run, on_click=ask_to_run)
        st.button(
            t("start_over"), type="tertiary", icon=":material/restart_alt:", on_click=put, args=(slug, exercise.starter)
        )
    answers = st.session_state.setdefault("_ex_feedback", {})
    if asked and may_run:
        test(slug, code)
    checked, answer = answers.get(slug, ("", None))
    with editor:
        code_editor(
            code,
            key=key,
            revision=revision,
            label=t("editor"),
            hint=t("editor_keys"),
            on_run=ask_to_run,
            checked=checked,
            line=answer.line if answer else None,
        )
    if answer:
        if code != checked:
            st.caption(t("stale"))
        feedback.show(page, answer)
    if slug in passed():
        feedback.solution(page, exercise)


opened = bank.get(page.parameter("open"))
with page.guard():
    if opened:
        heading(opened)
        left, right = st.columns([5, 7], gap="large")
        with left:
            statement(opened)
            hints()
            if opened.lab:
                title = lessons.lesson(opened.lab, session.language()).title
                st.page_link(script(opened.lab), label=t("open_lab", lesson=title), icon=":material/science:")
        with right:
            work()
    else:
        listed()
    learner.corner()
