"""The lab that hides words: both models fill the gaps, and one gap with its neighbour hidden too."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import streamlit as st

from core.charts.colors import COLORS
from core.engine import ENGINE
from core.labs.mlm_masking import gaps as mlm_masking
from core.labs.mlm_masking import tables
from core.labs.mlm_masking.gaps import MaskedPosition
from core.numbering import written
from pages.kit import components
from pages.kit.page import Page, code_span
from pages.mlm_masking.sentence import Sentence, answers, choose_word, roles

NONE = "none"
"""Value in the address where the reader has shown every word again."""


def gap(page: Page, sentence: Sentence) -> None:
    """Click words away; both models answer."""
    t, setting, text = page.t, page.setting, sentence.text
    called, columns = roles(page), t.group("columns")
    whole = page.toggle("whole", False, t("whole_words"), help=t("whole_words_help"))
    hidden = _picker(page, sentence, whole)
    found = mlm_masking.fill_gaps(ENGINE, setting, text, hidden)
    losses = {"teacher": found.teacher_loss, "student": found.student_loss}
    for column, who in zip(st.columns(2), called, strict=True):
        terms = [getattr(gap, who).loss for gap in found.gaps]
        with column:
            st.metric(t("mean_loss", who=called[who]), f"{losses[who]:.3f}", border=True)
            if len(terms) > 1:
                st.latex(tables.mean_loss_formula(terms, losses[who]))
    chosen = _choose_gap(page, sentence, found.gaps)
    answers(page, {who: getattr(chosen, who) for who in called}, called, COLORS, chosen.truth, "gap")
    st.markdown(t(f"right.{chosen.right}", word=code_span(chosen.truth)))
    if len(found.gaps) > 1:
        st.dataframe(tables.gap_table(found.gaps, columns), hide_index=True)
    page.check(max(found.teacher.check(), found.student.check()))
    page.code("gap", text=text, positions=hidden)
    st.markdown(f"#### {page.lesson['pair'].title}")
    page.prose("pair")
    _pair(page, sentence, chosen.position)


def _pair(page: Page, sentence: Sentence, first: int) -> None:
    """The same gap with its neighbour hidden too."""
    t, setting, text = page.t, page.setting, sentence.text
    called = roles(page)
    second = _neighbour(page, sentence, first)
    if second is None:
        st.info(t("no_neighbour"), icon=":material/info:")
        return
    found = dict(zip(called, mlm_masking.hide_pair(ENGINE, setting, text, first, second), strict=True))
    if not page.predict("pair", mlm_masking.direction(found["teacher"].effect)):
        return
    words = (sentence.tokens.pieces[first], sentence.tokens.pieces[second])
    labels = t.group("columns") | {"alone": t("pair_alone"), "together": t("pair_together")}
    st.dataframe(tables.pair_table({called[who]: found[who] for who in called}, words, labels), hide_index=True)
    for who, one in found.items():
        blanks = {
            "chained": f"{one.chained:.2f}",
            "independent": f"{one.independent:.2f}",
            "price": f"{one.price:+.2f}",
        }
        st.markdown(t("pair_price", who=called[who], first=code_span(words[0]), second=code_span(words[1]), **blanks))
    st.caption(t("pair_source"))
    page.code("pair", text=text, first=first, second=second)


def _picker(page: Page, sentence: Sentence, whole_words: bool) -> list[int]:
    """The line of chips; what it hides goes into the address."""
    asked = page.positions("token_masks", sentence.start, len(sentence.tokens.pieces))
    marked = [position for position in asked if position in sentence.allowed]
    if not marked and page.parameter("token_masks") != NONE:  # nothing in the address fits this text
        marked = sentence.start
    # A new text gets a new component, and so does a Reset: the browser would send the old choice again.
    if not st.session_state.get("_mm_begun"):
        st.session_state["mm_resets"] = st.session_state.get("mm_resets", 0) + 1
        st.session_state["_mm_begun"] = True
    text = zlib.crc32(" ".join(sentence.tokens.pieces).encode())
    hidden = components.token_picker(
        sentence.tokens.pieces,
        key=f"mm_picker_{st.session_state['mm_resets']}_{text:x}",
        labels=page.t.group("picker"),
        alt=page.t("picker_alt"),
        marked=marked,
        disabled=[p for p in range(len(sentence.tokens.pieces)) if p not in sentence.allowed],
        groups=mlm_masking.groups_of(sentence.tokens) if whole_words else None,
    )
    page.set_parameter("token_masks", "" if hidden == sentence.start else written(hidden) or NONE)
    return hidden


def _choose_gap(page: Page, sentence: Sentence, gaps: Sequence[MaskedPosition]) -> MaskedPosition:
    """Draw the choice of the masked position to look into, where there are several."""
    by_position = {gap.position: gap for gap in gaps}
    if len(gaps) == 1:
        return gaps[0]
    return by_position[
        choose_word(page, sentence, "token_gap", page.t("gap_choice"), list(by_position), gaps[0].position)
    ]


def _neighbour(page: Page, sentence: Sentence, first: int) -> int | None:
    """The token next to a gap that is hidden with it, on the side that the learner chooses; None if it has none."""
    sides = {"right": first + 1, "left": first - 1}
    there = {side: position for side, position in sides.items() if position in sentence.allowed}
    if not there:
        return None
    names = page.t.group("sides")
    first_side = next(iter(there))
    return there[page.choice("side", first_side, page.t("side"), list(there), format_func=names.get)]
