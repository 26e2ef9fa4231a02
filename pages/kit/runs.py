"""Parts of the pages that show runs: one's own, the buttons that steer one, its progress, and a part that follows it.

    for view in runs.mine("distil"): ...
    view = runs.current(page)                     # named in the address, or one's latest that is still at work
    runs.follow(page, view.name, draw)            # draws `draw(view)`, again and again while the run is active

in which `draw` begins with

    runs.control_bar(page, view)
    runs.progress_line(page, view)
"""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.errors import LabError
from core.runs.queue import RunView
from core.runs.server import run_queue
from pages.kit.components.arrive import arrival, bring
from pages.kit.components.ticker import again_after
from pages.kit.page import Page, code_span
from pages.kit.visitor import keep_owner, owner

POLL_SECONDS = 0.7
"""Seconds between two redraws of a part that follows a run."""

PARAMETER = "run"
"""Under this name, behind the page's prefix, the address names the run that is shown."""

_ASKED = "_runs_asked"
"""Requests to runs that are not yet carried out, for the time until the run's process answers."""


# Whose runs


def is_mine(view: RunView) -> bool:
    """Return True if the visitor may steer it; anyone who has its name may look."""
    return view.status.owner == owner()


def mine(slug: str | None = None) -> list[RunView]:
    """The visitor's own runs, the latest first; only those that the page `slug` made, if it is given."""
    views = run_queue().views(owner())
    return [view for view in views if slug is None or view.plan["extra"].get("page") == slug]


def current(page: Page) -> RunView | None:
    """The run that the address names; without one, the visitor's latest run of this page that is still active.

    An error is shown if the named one is gone or cannot be read.
    """
    named = page.parameter(PARAMETER)
    if named:
        with page.guard():
            return run_queue().view(named)
        return None
    active = next((view for view in mine(page.slug) if view.status.active), None)
    if active is not None:
        show(page, active.name)  # it stays when it comes to rest
    return active


def show(page: Page, name: str) -> None:
    """Make a run the one that the page shows, and the address names; an empty name shows none."""
    page.set_parameter(PARAMETER, name)


def go_to(page: Page, name: str) -> None:
    """Show a run that the learner has just started or picked, and bring the reader to it."""
    show(page, name)
    bring(page.key("run"))


# Steering


def control_bar(page: Page, view: RunView) -> None:
    """Play or pause, one step, stop, delete. Who does not own the run sees whose it is not."""
    if not is_mine(view):
        st.caption(page.t("runs.not_yours"))
        return
    t, active, key = page.t, view.status.active, page.key(f"bar_{view.name}_")
    asked = _asked(view)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if active:
            queued = view.state == "queued"
            _button(page, view, "leave" if queued else "pause", "pause", "pause", disabled=bool(asked), kind="primary")
        else:
            done = not view.resumable and view.state != "new"
            words = "play" if view.status.done == 0 else "resume"
            _button(page, view, words, "resume", "play_arrow", disabled=done, kind="primary")
        _button(page, view, "step", "step", "skip_next", disabled=active or view.state == "finished")
        _button(page, view, "stop", "stop", "stop", disabled=view.state != "running" or bool(asked))
        with st.popover(t("runs.delete"), icon=":material/delete:", key=key + "sure", type="tertiary"):
            st.markdown(t("runs.delete_sure"))
            arguments = (page, view.name)
            st.button(t("runs.delete_yes"), key=key + "delete", on_click=_delete, args=arguments, type="primary")


def _button(
    page: Page, view: RunView, words: str, wanted: str, icon: str, disabled: bool = False, kind: str = "secondary"
) -> None:
    st.button(
        page.t(f"runs.{words}"),
        key=page.key(f"bar_{view.name}_{wanted}"),
        icon=f":material/{icon}:",
        disabled=disabled,
        type=kind,
        on_click=_ask,
        args=(view.name, wanted),
        help=page.t(f"runs.{wanted}_help"),
    )


def _ask(name: str, wanted: str) -> None:
    """Pass a wish on to the run_queue, and remember it until the run's process has answered."""
    shop, asked = run_queue(), st.session_state.setdefault(_ASKED, {})
    asked.pop(name, None)
    try:
        if wanted in ("resume", "step"):
            getattr(shop, wanted)(name, owner())
        else:
            getattr(shop, wanted)(name)
            asked[name] = wanted
    except LabError:
        return  # it is gone: the part that follows it says so


def _delete(page: Page, name: str) -> None:
    run_queue().delete(name)
    if page.parameter(PARAMETER) == name:
        show(page, "")


def _asked(view: RunView) -> str:
    """Request to an active run that is not yet carried out."""
    asked = st.session_state.get(_ASKED, {})
    if not view.status.active:
        asked.pop(view.name, None)
    return asked.get(view.name, "")


# Standing


def progress_line(page: Page, view: RunView) -> None:
    """Draw the progress of a run: state, steps, seed, steps per second, time left, device; in the queue its place and
    the wait."""
    t, status = page.t, view.status
    words = [f"**{t(f'runs.states.{_state(view)}')}**"]
    if status.state == "queued" and view.place:
        words.append(t("runs.place", place=view.place, wait=duration(page, view.wait_seconds)))
    if status.done or not status.active:
        words.append(t("runs.steps", done=f"{status.done:,}", steps=f"{status.steps:,}"))
    if status.state == "running":
        words.append(t("runs.seed", seed=status.seed))
    if status.per_second and status.state != "queued":
        words.append(t("runs.per_second", number=f"{status.per_second:.1f}"))
    if status.state == "running" and status.seconds_left:
        words.append(t("runs.left", time=duration(page, status.seconds_left)))
    elif not status.active and status.seconds:
        words.append(t("runs.took", time=duration(page, status.seconds)))
    words.append(str(view.plan.get("device", "cpu")).upper())
    st.progress(status.share, text=" · ".join(words))
    failed = status.lab_error
    if failed is not None and not status.active:
        st.error(t(f"errors.{failed.code}", **failed.details), icon=":material/error:")


def _state(view: RunView) -> str:
    """The state as shown to the learner: a request counts at once."""
    asked = _asked(view)
    if asked in ("pause", "stop"):
        return "pausing" if asked == "pause" else "stopping"
    if view.state == "queued" and not view.place:
        return "starting"
    if view.state == "queued" and not run_queue().ready:
        return "warming"
    return view.state


def duration(page: Page, seconds: float) -> str:
    """A time in words, to the second."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return page.t("runs.seconds", seconds=rest)
    return page.t("runs.minutes", minutes=minutes, seconds=rest)


def offer_interrupted(page: Page, slug: str | None = None) -> None:
    """Offer to go on with the visitor's runs that the server's end cut off."""
    cut = [view for view in mine(slug) if view.state == "interrupted"]
    if not cut:
        return
    with st.container(border=True, key=page.key("interrupted")):
        st.markdown(page.t("runs.interrupted_lead", count=len(cut)))
        for view in cut[:3]:
            with st.container(horizontal=True, vertical_alignment="center"):
                done = page.t("runs.steps", done=f"{view.status.done:,}", steps=f"{view.status.steps:,}")
                st.markdown(f"{code_span(view.title)} · {done}")
                key, arguments = page.key(f"cut_{view.name}_"), (page, view.name)
                label = page.t("runs.resume")
                st.button(label, key=key + "go", icon=":material/play_arrow:", on_click=_go_on, args=arguments)
                st.button(
                    page.t("runs.delete"),
                    key=key + "delete",
                    icon=":material/delete:",
                    type="tertiary",
                    on_click=_delete,
                    args=arguments,
                )


def _go_on(page: Page, name: str) -> None:
    _ask(name, "resume")
    go_to(page, name)


# Following


def follow(page: Page, name: str, draw: Callable[[RunView], None]) -> None:
    """Draw `draw(view)`: while the run is active again after each `POLL_SECONDS`, then no more.

    When it comes to rest, or goes on, the whole page is drawn once, so that what is outside may follow too.

    Call it at most once per page, outside other fragments.
    """
    arrival(page.key("run"))
    with page.guard():
        view = run_queue().view(name)
        if is_mine(view):
            keep_owner()
        active = view.status.active

        @st.fragment
        def part() -> None:
            try:
                now = run_queue().view(name)
            except LabError:
                st.rerun()  # the page says that it is gone, and does not ask again
            with page.guard():
                draw(now)
            if now.status.active != active:
                st.rerun()
            if active:
                again_after(POLL_SECONDS, key=page.key("tick"))

        part()
