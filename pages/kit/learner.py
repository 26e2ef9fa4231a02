"""Identity of the learner: a name, the corner that shows it, and the file that its progress travels in."""

from __future__ import annotations

from datetime import UTC, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import streamlit as st

import lessons
from core.errors import LabError
from core.practice.events import LONGEST_FILE
from core.practice.progress import LONGEST_NAME, Progress, clean_name
from pages.kit import session, visitor
from pages.kit.components.cookie import keep_cookie, kept_cookie
from pages.kit.components.file_button import file_button

COOKIE = "distillery_learner"
FIRST_NAME = "me"
"""Name of the learner on a machine of one's own before any was chosen."""


def terms() -> lessons.Labels:
    """The texts that the interview pages share."""
    return lessons.labels("interview", session.language())


def progress() -> Progress:
    """The log of what was learned on this machine."""
    return Progress()


def name() -> str | None:
    """The learner's name; None where it is unknown: on a server for others, before one is chosen."""
    chosen = st.session_state.get("_learner")
    if chosen is None:
        chosen = _cleaned(kept_cookie(COOKIE)) or (_local_name() if visitor.is_own_machine() else None)
        st.session_state["_learner"] = chosen
    return chosen


def _local_name() -> str:
    known = progress().learners()
    return known[0] if known else FIRST_NAME


def _cleaned(typed: str) -> str | None:
    try:
        return clean_name(typed)
    except LabError:
        return None


def zone() -> tzinfo:
    """Time zone of the learner's days, from the browser."""
    try:
        return ZoneInfo(st.context.timezone or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def ask() -> str | None:
    """The name; where there is none yet, a box to enter it."""
    known = name()
    if known is None:
        st.info(terms()("learner.choose"), icon=":material/person:")
        _name_box("_learner_asked")
    return known


def corner() -> None:
    """Name, file, deletion; drawn in the sidebar by every interview page."""
    t, known = terms(), name()
    with st.sidebar:
        label = t("learner.corner", name=_plain(known)) if known else t("learner.corner_nobody")
        with st.expander(label, icon=":material/person:"):
            _name_box("_learner_box")
            if known:
                _file(known)
                _deletion(known)
                if visitor.is_own_machine():
                    st.caption(t("learner.where", folder=progress().folder))
    keep_cookie(COOKIE, known or "")


def _plain(text: str) -> str:
    """A name inside a label, where Markdown signs would be read as such."""
    return "".join("\\" + sign if sign in "\\`*_{}[]()<>#+-.!|$~:" else sign for sign in text)


def _name_box(key: str) -> None:
    t, known = terms(), name()
    st.session_state.setdefault(key, known or "")
    if known and st.session_state[key] != known and not st.session_state.get(key + "_bad"):
        st.session_state[key] = known

    def typed() -> None:
        chosen = _cleaned(st.session_state[key])
        st.session_state[key + "_bad"] = chosen is None
        if chosen:
            st.session_state["_learner"] = chosen

    names = progress().learners() if visitor.is_own_machine() else []
    st.text_input(
        t("learner.name"),
        key=key,
        max_chars=LONGEST_NAME,
        help=t("learner.name_help"),
        on_change=typed,
        autocomplete="off",
    )
    if st.session_state.get(key + "_bad"):
        st.error(t("errors.bad_name", longest=LONGEST_NAME), icon=":material/info:")
    others = [other for other in names if other != known]
    if others:
        st.caption(t("learner.others"))
        for other in others[:8]:
            st.button(_plain(other), key=f"{key}_{other}", type="tertiary", on_click=_become, args=(other,))


def _become(other: str) -> None:
    st.session_state["_learner"] = other


def _file(known: str) -> None:
    """Progress out to one file, and in from one."""
    t = terms()
    st.download_button(
        t("learner.export"),
        lambda: progress().export(known).encode(),
        file_name="distillery-progress.json",
        mime="application/json",
        key="_learner_export",
        on_click="ignore",
        icon=":material/download:",
        width="stretch",
    )

    def brought(content: bytes) -> None:
        try:
            st.session_state["_learner_imported"] = progress().bring(known, content)
        except LabError as error:
            st.session_state["_learner_imported"] = error

    file_button(t("learner.import"), key="_learner_import", accept=".json", longest=LONGEST_FILE, on_file=brought)
    found = st.session_state.pop("_learner_imported", None)
    if isinstance(found, LabError):
        st.error(t(f"errors.{found.code}", **found.details), icon=":material/info:")
    elif found is not None:
        st.success(t("learner.imported", count=found), icon=":material/check:")


def _deletion(known: str) -> None:
    t = terms()

    def delete() -> None:
        st.session_state["_learner_deleted"] = progress().delete(known)

    label = t("learner.delete", name=_plain(known))
    st.button(label, key="_learner_delete", icon=":material/delete:", on_click=delete, width="stretch")
    deleted = st.session_state.pop("_learner_deleted", None)
    if deleted is not None:
        st.success(t("learner.deleted", count=deleted), icon=":material/check:")
