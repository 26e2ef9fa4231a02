"""The lab on order: the same words in another order, with positions and without."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import lessons
from core.charts.colors import DIFFERENCE
from core.engine import ENGINE
from core.labs.positional_encoding import order
from core.labs.positional_encoding import order_figures as draw_order
from pages.kit.components.token_strip import token_strip
from pages.kit.page import Page
from pages.kit.picked import picked_positions

SWAPS = {example["text"]: example["swap"] for example in lessons.examples("positional_encoding")}


def surgery(page: Page) -> None:
    """The same words in another order, with positions and without."""
    t = page.t
    setting, name = page.setting, page.setting.teacher
    text = page.sentence()
    tokens = ENGINE.tokens(setting, name, text)
    page.notices(tokens)
    ways = {one: t(f"way_{one}") for one in order.WAYS}
    way = page.choice("way", "swap", t("way"), list(ways), format_func=ways.__getitem__)
    marked, seed = [], 0
    if way == "swap":
        fixed = tokens.special.nonzero().flatten().tolist()
        wanted = order.default_swap(tokens, SWAPS.get(text, ()))
        marked = picked_positions(page, "token_swap", wanted, tokens.pieces, fixed, t.group("picker"))
    elif way == "shuffle":
        seed = page.number("seed", 1, t("seed"), 0, 9999)
    moves = order.new_order(tokens, way, marked, seed)
    found = order.surgery(ENGINE, setting, name, text, moves)
    st.caption(t("moved_sentence"))
    pieces = enumerate(found.moved_tokens.pieces)
    items = [
        {"text": piece, "color": DIFFERENCE} if i in found.moved_places else {"text": piece} for i, piece in pieces
    ]
    token_strip(items, key="pe:moved", alt=t("moved_sentence"))
    if not found.moved_places:
        st.info(t("nothing_moved"), icon=":material/touch_app:")
    left, right = st.columns(2)
    with left, page.guard():
        _shift(page, text, moves, positions=True)
    shown = page.predict("without_positions")
    if shown:
        with right, page.guard():
            _shift(page, text, moves, positions=False)
        _errors(page, found)
    page.check(found.check)
    page.code("order", text=text, order=moves)


def _shift(page: Page, text: str, moves: tuple[int, ...], positions: bool) -> None:
    """The masked word before and after, with positions or without."""
    t, axis = page.t, page.t.group("axis")
    found = order.prediction(ENGINE, page.setting, page.setting.teacher, text, moves, positions)
    which = axis["with_positions" if positions else "without_positions"]
    st.markdown(f"**[MASK]: {which}**")
    page.figure(
        draw_order.shift_bars(found.words, found.before, found.after, axis),
        f"shift_{int(positions)}",
        t("shift_alt", which=which, old=found.best_before, new=found.best_after),
        lambda: pd.DataFrame({"word": found.words, "before": found.before, "after": found.after}),
    )
    st.markdown(t("shift_none" if found.moved < 1e-4 else "shift_text", moved=found.moved))


def _errors(page: Page, found: order.Surgery) -> None:
    """The equivariance error by layer, and where it arises."""
    t, axis = page.t, page.t.group("axis")
    lines = {
        "with_positions": found.with_positions,
        "without_positions": found.without_positions,
        "other_way": found.other_way,
    }
    with st.container(horizontal=True):
        for name, values in lines.items():
            st.metric(axis[name], f"{values[-1]:.2g}", help=t("error_help"), border=True)
    left, right = st.columns(2)
    last = {name: values[-1].item() for name, values in lines.items()}
    with left:
        st.markdown(f"**{t('lines_title')}**")
        page.figure(
            draw_order.error_lines(*lines.values(), found.size, axis),
            "errors",
            t("error_alt", **last),
            lambda: pd.DataFrame(lines),
        )
    with right:
        st.markdown(f"**{t('map_title')}**")
        page.figure(
            draw_order.error_map(found.by_token, found.moved_tokens.pieces, axis),
            "error_map",
            t("error_map_alt", token=found.most_changed),
            lambda: pd.DataFrame(found.by_token.numpy()),
        )
    st.markdown(t("error_matters" if found.order_matters else "error_small", size=found.size, **last))
    if found.moved_places:
        st.markdown(t("error_other", **last))
