"""The learner's choices for the whole app: language, models, device, precision, form of saved figures."""

from __future__ import annotations

import streamlit as st

import lessons
from core.engine import ENGINE, Setting, default_setting
from core.models import ModelCard, catalog
from core.models.finished import find_card
from core.runs.index import finished_students
from pages.kit.controls import Controls
from pages.kit.visitor import owner

PRECISIONS = {"cpu": ["float32", "bfloat16"], "cuda": ["float32", "bfloat16", "float16"], "mps": ["float32", "float16"]}

FRAME = Controls("")
"""The controls around every page."""

OFFERED = 12
"""Students of one's own runs that the corner offers, the latest first."""


def language() -> str:
    """The language's code; before the learner chooses one, the address's or the browser's."""
    for asked in (st.session_state.get("lang"), st.query_params.get("lang")):
        if asked in lessons.LANGUAGES:
            return asked
    return _browser_language()


def _browser_language() -> str:
    return "zh" if (st.context.locale or "").lower().startswith("zh") else "en"


def choose_language() -> None:
    """The language switch in the sidebar."""
    FRAME.choice(
        "lang",
        _browser_language(),
        "Language / 语言",
        list(lessons.LANGUAGES),
        format_func=lessons.LANGUAGES.__getitem__,
        label_visibility="collapsed",
    )


def setting() -> Setting:
    """Setting chosen in the corner."""
    standard = default_setting(ENGINE.devices()[0])
    device = st.session_state.get("device") or standard.device
    precision = st.session_state.get("precision")
    return Setting(
        _there("teacher") or standard.teacher,
        _there("student") or standard.student,
        device,
        precision if precision in PRECISIONS[device] else "float32",
    )


def _there(role: str) -> str | None:
    """The model that was chosen for a role, unless it came from a run that has been deleted since."""
    chosen = st.session_state.get(role)
    return chosen if chosen is None or "/" not in chosen or find_card(chosen) is not None else None


def image_format() -> str:
    """Format of saved figures: "png" or "svg"."""
    return st.session_state.get("image_format") or "png"


def choose_setting() -> None:
    """The settings corner; what is in use stays visible when it is closed."""
    t = lessons.labels("common", language())
    own = own_students()
    names = [card.name for card in (*catalog(), *own) if card.role]
    devices = ENGINE.devices()
    in_use = st.empty()
    with st.expander(t("settings"), icon=":material/tune:"):
        standard = default_setting(devices[0])
        shown = {card.name: _with_task(card) for card in (*catalog(), *own)}
        _select("teacher", t("teacher"), names, standard.teacher, shown)
        _select("student", t("student"), names, standard.student, shown)
        _select("device", t("device"), devices, devices[0])
        _select("precision", t("precision"), PRECISIONS[setting().device], standard.precision)
        _select("image_format", t("image_format"), ["png", "svg"], "png")
    current = setting()
    in_use.caption(
        t(
            "in_use",
            teacher=readable(current.teacher),
            student=readable(current.student),
            device=current.device,
            precision=current.precision,
        )
    )


def own_students() -> list[ModelCard]:
    """Finished students of the visitor's own runs, of each run those of one seed; one that is in use is among them."""
    found, seen = [], set()
    for card in finished_students(owner()):
        run, _, student = card.name.partition("/")
        arm = student.rpartition("-")[0]
        if (run, arm) not in seen and len(found) < OFFERED:
            seen.add((run, arm))
            found.append(card)
    return found


def readable(name: str) -> str:
    """Name of a model on the page: a student of a run by the run's title and its own name in it."""
    card = find_card(name) if "/" in name else None
    return name if card is None else f"{card.title} · {name.partition('/')[2]}"


def _with_task(card: ModelCard) -> str:
    """A model's name with what it answers."""
    t, key = lessons.labels("common", language()), f"task.{card.task}"
    return f"{readable(card.name)} · {t(key)}" if key in t else readable(card.name)


def _select(key: str, label: str, options: list[str], default: str, shown: dict[str, str] | None = None) -> None:
    """A select box of the corner; `shown` holds longer labels of the options, by name."""
    FRAME.select(key, default, label, options, format_func=lambda name: (shown or {}).get(name, name))
