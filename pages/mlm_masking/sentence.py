"""The sentence that the labs of the page on masked language modelling share, and what several of them draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import streamlit as st

import lessons
from core.charts.figures import percent
from core.engine import ENGINE
from core.labs.mlm_masking import figures as plots
from core.labs.mlm_masking import gaps as mlm_masking
from core.labs.mlm_masking import tables
from core.labs.mlm_masking.gaps import Answer
from core.numbering import read, shown
from core.trace import Tokens
from pages.kit.page import Page


@dataclass(frozen=True)
class Sentence:
    """A text of which something can be hidden.

    Attributes:
        text: as it was written.
        tokens: the teacher's.
        allowed: the positions that can be hidden.
        start: those hidden at first.
    """

    text: str
    tokens: Tokens
    allowed: list[int]
    start: list[int]


def open_sentence(page: Page) -> Sentence | None:
    """Draw the text box and return the sentence; None, with the reason on the page, where nothing in the text can be masked."""
    text, setting = page.sentence(), page.setting
    page.reset()
    with page.guard():
        tokens = ENGINE.tokens(setting, setting.teacher, text)
        page.notices(tokens)
        allowed = mlm_masking.maskable(ENGINE, setting, tokens)
        if allowed:
            suggested = [example["mask"] for example in lessons.examples(page.slug) if example["text"] == text]
            return Sentence(text, tokens, allowed, mlm_masking.first_choice(tokens, allowed, suggested))
        st.info(page.t("nothing_to_hide"), icon=":material/info:")
    return None


def models(page: Page) -> dict[str, str]:
    """The names of the two models, by role."""
    return {"teacher": page.setting.teacher, "student": page.setting.student}


def roles(page: Page) -> dict[str, str]:
    """Names of the two models on the page."""
    return {who: page.t(who) for who in models(page)}


def choose_word(
    page: Page,
    sentence: Sentence,
    name: str,
    label: str,
    options: Sequence[int] | None = None,
    default: int | None = None,
) -> int:
    """A word of the text, by its position; one of all that can be hidden if no options are given."""
    number = page.select(
        name,
        shown(sentence.start[0] if default is None else default),
        label,
        [shown(place) for place in options or sentence.allowed],
        format_func=lambda number: f"{number} · {sentence.tokens.pieces[read(number)]}",
    )
    return read(number)


def answers(
    page: Page,
    said: Mapping[str, Answer],
    titles: Mapping[str, str],
    colors: Mapping[str, str],
    truth: str,
    name: str,
) -> None:
    """Two answers to one gap side by side: five best words, the true one marked."""
    t = page.t
    guesses = {who: tables.guesses(answer, truth) for who, answer in said.items()}
    longest = max(max(probabilities) for _, probabilities, _ in guesses.values())
    for column, (who, answer) in zip(st.columns(2), said.items(), strict=True):
        words, probabilities, ranks = guesses[who]
        labels = {"model": titles[who], "probability": t("probability"), "true": t("true_word")}
        chance = percent(answer.probability)
        alt = t("gap_alt", who=titles[who], truth=truth, best=words[0], rank=answer.rank, probability=chance)
        with column:
            blanks = {"rank": f"{answer.rank:,}", "probability": f"{answer.probability:.4g}"}
            st.markdown(t("gap_says", who=f"**{titles[who]}**", loss=f"{answer.loss:.3f}", **blanks))
            page.figure(
                plots.top_words(words, probabilities, ranks, truth, colors[who], labels, longest),
                f"{name}-{who}",
                alt,
                lambda who=who, answer=answer: tables.answer_table({titles[who]: answer}, truth, t.group("columns")),
            )
