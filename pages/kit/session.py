"""What the learner chose for the whole app: language, models, device, precision, form of saved figures."""

from __future__ import annotations

import streamlit as st

import lessons
from core.engine import ENGINE, Setting, default_setting
from core.models import catalog
from pages.kit import address

PRECISIONS = {"cpu": ["float32", "bfloat16"], "cuda": ["float32", "bfloat16", "float16"], "mps": ["float32", "float16"]}


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
    address.control(
        st.segmented_control,
        "lang",
        _browser_language(),
        "Language / 语言",
        list(lessons.LANGUAGES),
        format_func=lessons.LANGUAGES.__getitem__,
        required=True,
        label_visibility="collapsed",
    )


def setting() -> Setting:
    """What is chosen in the corner."""
    standard = default_setting(ENGINE.devices()[0])
    device = st.session_state.get("device") or standard.device
    precision = st.session_state.get("precision")
    return Setting(
        st.session_state.get("teacher") or standard.teacher,
        st.session_state.get("student") or standard.student,
        device,
        precision if precision in PRECISIONS[device] else "float32",
    )


def image_format() -> str:
    """How figures are saved: "png" or "svg"."""
    return st.session_state.get("image_format") or "png"


def choose_setting() -> None:
    """The settings corner; what is in use stays visible when it is closed."""
    t = lessons.labels("common", language())
    names = [card.name for card in catalog() if card.role]
    devices = ENGINE.devices()
    in_use = st.empty()
    with st.expander(t("settings"), icon=":material/tune:"):
        standard = default_setting(devices[0])
        tasks = {card.name: f"{card.name} · {t(f'task.{card.task}')}" for card in catalog() if f"task.{card.task}" in t}
        _select("teacher", t("teacher"), names, standard.teacher, tasks)
        _select("student", t("student"), names, standard.student, tasks)
        _select("device", t("device"), devices, devices[0])
        _select("precision", t("precision"), PRECISIONS[setting().device], standard.precision)
        _select("image_format", t("image_format"), ["png", "svg"], "png")
    current = setting()
    in_use.caption(
        t(
            "in_use",
            teacher=current.teacher,
            student=current.student,
            device=current.device,
            precision=current.precision,
        )
    )


def _select(key: str, label: str, options: list[str], default: str, shown: dict[str, str] | None = None) -> None:
    """A select box of the corner; `shown` says more of an option than its name."""
    if st.session_state.get(key, default) not in options:  # float16 was chosen, then the CPU, which has none
        address.put(key, default)
    address.control(st.selectbox, key, default, label, options, format_func=lambda name: (shown or {}).get(name, name))
