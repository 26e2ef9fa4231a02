"""Start of a run, on every page that has runs: a guess, the time it will take, the buttons, and the way to the new run.

    guess, ready = start_run.guess(page, "outcome")
    start_run.start(page, plans, begin, ready=ready)

in which `begin(steps)` writes the run into the queue and returns it. An error of it is shown at the buttons.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

import lessons
from core.runs.plan import RunPlan
from core.runs.run import Run
from core.runs.server import run_queue
from pages.kit import runs
from pages.kit.page import Page


def guess(
    page: Page,
    question: str,
    values: Sequence[Any] | None = None,
    *,
    name: str = "guess",
    private: bool = False,
    before: Any = None,
    may_skip: bool = True,
) -> tuple[Any, bool]:
    """Request a guess of a run's result, before it is begun or its result is shown.

    Args:
        question: an id in the lesson's quiz.
        values: of its choices, in the address and in the plan; their numbers from 0 if not given.
        name: of the guess in the address.
        private: kept out of the address, so that a reader who opens a link to the result has to guess too; one choice per line.
        before: what was guessed earlier, as a run has it; shown as the guess if it is one of `values`.
        may_skip: whether there is something that can be seen without a guess.

    Returns:
        The guess, or None; and whether the learner has guessed, or would rather see at once.
    """
    asked = lessons.quiz(page.slug, page.t.language)[question]
    values = list(range(len(asked.choices))) if values is None else list(values)
    if before in values and not isinstance(before, bool):
        st.session_state.setdefault(page.key(name), before)
    with st.container(border=True):
        label, texts = f"**{page.t('predict')}** {asked.prompt}", [choice.text for choice in asked.choices]
        shown = {"format_func": lambda value: texts[values.index(value)]}
        if private:
            chosen = st.radio(label, values, index=None, key=page.key(name), persist_state="session", **shown)
        else:
            chosen = page.choice(name, None, label, values, required=False, **shown)
        if chosen is not None or not may_skip:
            return chosen, chosen is not None
        return None, st.toggle(page.t("show_at_once"), key=page.key(name) + "_skip", persist_state="session")


def start(
    page: Page,
    plans: Sequence[RunPlan],
    begin: Callable[[int | None], Any],
    *,
    then: Callable[[Any], None] | None = None,
    name: str = "play",
    label: str = "",
    kind: str = "primary",
    help: str | None = None,
    note: str = "",
    one_step: bool = True,
    ready: bool = True,
) -> None:
    """The buttons that begin, with what it will take; then the page shows what was begun.

    Args:
        plans: what will be computed; the queue estimates how long it takes.
        begin: writes it into the queue: a number of steps, or all of them if None.
        then: shows what `begin` returned; if not given, that is a run, and the reader is brought to it.
        name: of the button.
        label: of the button; "Play" if not given.
        kind, help: of the button.
        note: a text next to it.
        one_step: whether there is a second button, for a single step.
        ready: False while the learner has to guess first; the buttons wait.
    """
    t = page.t
    with st.container(horizontal=True, vertical_alignment="center"):
        play = st.button(
            label or t("runs.play"),
            key=page.key(name),
            type=kind,
            icon=":material/play_arrow:",
            help=help,
            disabled=not ready,
        )
        step = one_step and st.button(
            t("runs.step"), key=page.key(f"{name}_one"), icon=":material/skip_next:", disabled=not ready
        )
        st.caption(f"{note} {_takes(page, plans) if ready else t('runs.guess_first')}".strip())
    if play or step:
        with st.spinner(t("runs.preparing")), page.guard():
            begun = begin(1 if step else None)
            (then or _go_to(page))(begun)
            st.rerun()  # what was begun has a part of its own on the page


def _takes(page: Page, plans: Sequence[RunPlan]) -> str:
    """Time that the queue expects them to take, one after the other."""
    seconds = sum(run_queue().estimate(plan.to_dict()) for plan in plans)
    return page.t("runs.takes", time=runs.duration(page, seconds))


def _go_to(page: Page) -> Callable[[Run], None]:
    return lambda run: runs.go_to(page, run.name)
