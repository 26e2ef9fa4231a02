"""One sentence as teacher and students see it: soft labels side by side, and one attention map of each."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import lessons
from core.charts import colors
from core.labs.distil import figures as plots
from core.labs.distil.probe import Look
from core.numbering import numbers, read, shown
from pages.kit import components
from pages.kit.page import Page, code_span

CLASSES = 8
"""Classes that are drawn: the teacher's most likely ones."""


def sentence(page: Page, task: str) -> str:
    """The text box: a definition for the classifier, a sentence with a gap for a model of words."""
    name = "text" if task in ("kinds", "single_label") else "gap"
    return page.sentence(name, page.t(f"your_{name}"), examples=lessons.table(page.slug, f"{name}s"))


def show(page: Page, look: Look) -> None:
    """The soft labels, what they say in a sentence, and the attention of a head of each."""
    left, right = st.columns([5, 6], gap="large")
    with left:
        _soft_labels(page, look)
    with right:
        _attention(page, look)


def name_of(page: Page, look: Look, answer: str) -> str:
    """A class in the learner's language, where it has a word for it; a word of the vocabulary as it is."""
    return lessons.labels("temperature", page.t.language).group("kinds").get(answer, answer) if look.whole else answer


def _soft_labels(page: Page, look: Look) -> None:
    t = page.t
    if not look.probabilities:
        st.info(t("no_soft_label"), icon=":material/info:")
        return
    order, labels = look.order(CLASSES), t.group("arms")
    if look.step == 0:
        labels |= {"distilled": t("untrained")}
    models = {name: [shares[index] for index in order] for name, shares in look.probabilities.items()}
    rows = [name_of(page, look, look.classes[index]) for index in order]
    st.markdown(_sentence(page, look))
    page.figure(
        plots.soft_labels(rows, models, labels | {"probability": t("probability")}),
        "soft",
        t("soft_alt", kind=rows[0], step=look.step),
        lambda: pd.DataFrame({t("class"): rows, **{labels.get(name, name): shares for name, shares in models.items()}}),
    )


def _sentence(page: Page, look: Look) -> str:
    said = look.order(1)[0]
    blanks = {"p": f"{look.probabilities['teacher'][said]:.1%}", "q": f"{look.probabilities['distilled'][said]:.1%}"}
    for blank, model in {"kind": "teacher", "own": "distilled"}.items():
        blanks[blank] = name_of(page, look, look.first[model]) if look.whole else code_span(look.first[model])
    if look.whole:
        blanks["distance"] = f"{look.distance('distilled'):.0%}"
    agrees = look.first["distilled"] == look.first["teacher"]
    key = "before" if look.step == 0 else "same" if agrees else "differs"
    line = page.t(f"look.{'before_same' if agrees and look.step == 0 else key}", step=look.step, **blanks)
    return f"{line} {page.t(f'misplaced_{key}', **blanks)}" if look.whole else line


def _attention(page: Page, look: Look) -> None:
    """A head of the teacher next to a head of the student."""
    t, language = page.t, page.t.language
    labels = lessons.labels("self_attention", language).group("map")
    sides = {"teacher": colors.TEACHER, "distilled": colors.STUDENT}
    for column, (model, color) in zip(st.columns(2, gap="medium"), sides.items(), strict=True):
        with column:
            found = look.attention[model]
            with st.container(horizontal=True, gap="small"):
                layers, heads = numbers(len(found)), numbers(len(found[0]))
                layer = read(page.select(f"layer_{model}", layers[-1], t(f"layer_of.{model}"), layers, width=120))
                head = read(page.select(f"head_{model}", heads[0], t("head"), heads, width=90))
            name = t(f"arms.{model}") if look.step or model == "teacher" else t("untrained")
            components.attention_map(
                found[layer][head],
                look.tokens,
                look.tokens,
                key=f"dl:attention:{model}",
                labels=labels,
                alt=t("attention_alt", model=name, layer=shown(layer), head=shown(head)),
                color=color,
                limits=(0.0, 1.0),
                show_numbers=False,
                save_as=f"attention-{model}",
            )
