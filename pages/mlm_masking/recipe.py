"""The labs on BERT's 80/10/10: its effect on the text, and a model's predictions at a word that may be wrong."""

from __future__ import annotations

import streamlit as st

from core.charts.figures import percent
from core.engine import ENGINE
from core.labs.mlm_masking import figures as plots
from core.labs.mlm_masking import masking as mlm_draws
from core.labs.mlm_masking import tables
from pages.kit.components.token_strip import token_strip
from pages.kit.page import Page, code_span
from pages.mlm_masking.sentence import Sentence, choose_word, roles

DRAWS = 1000

OWN = "own"
"""Instead of a recipe of BERT's: shares from two sliders."""


def recipe(page: Page, sentence: Sentence) -> None:
    """80/10/10 on the learner's text."""
    t, setting, text = page.t, page.setting, sentence.text
    columns = t.group("columns")
    how, seed = _masking(page)
    drawn = mlm_draws.draw(ENGINE, setting, text, how, seed)
    counts = drawn.masked.counts()
    fates = tables.fates_of(drawn, t.group("fates"))
    blanks = {name: counts[name] for name in plots.FATES}
    alt = t("strip_alt", total=len(drawn.candidates), **blanks)
    token_strip(tables.strip(drawn, fates, plots.FATES), key="mm_strip", alt=alt)
    expected = mlm_draws.expectation(sentence.tokens, drawn.candidates, how)
    if drawn.selected:
        found = mlm_draws.read_draw(ENGINE, setting, text, drawn)
        st.markdown(t("draw_loss", teacher=f"{found.teacher_loss:.2f}", student=f"{found.student_loss:.2f}"))
        with st.expander(t("draw_rows"), icon=":material/table_rows:"):
            st.dataframe(tables.gap_table(found.gaps, columns, fates), hide_index=True)
    else:
        st.info(t("none_selected", share=f"{float(expected.chances[0]):.1%}"), icon=":material/info:")
    left, right = st.columns(2)
    with left:
        st.dataframe(tables.count_table(drawn, expected, how, columns, t.group("fates")), hide_index=True)
        many = mlm_draws.many_draws(ENGINE, setting, text, how, DRAWS, seed)
        st.markdown(t("many", draws=f"{DRAWS:,}", **tables.shares_of(many)))
    with right:
        mean = f"{float(many[:, 0].float().mean()):.2f}"
        page.figure(
            plots.selected_histogram(many[:, 0], expected.chances, counts["selected"], t.group("histogram")),
            "histogram",
            t("histogram_alt", draws=DRAWS, mean=mean, now=counts["selected"]),
            lambda: tables.histogram_table(many[:, 0], expected.chances, columns),
        )
    options = {"probability": how.probability, "shares": how.shares, "whole": how.whole_words, "seed": seed}
    page.code("draw", text=text, **options)
    with st.expander(t("copying_title"), icon=":material/bug_report:"):
        copied = mlm_draws.copying(ENGINE, setting, text)
        st.markdown(t("copying", teacher=f"{copied.teacher_loss:.2f}", student=f"{copied.student_loss:.2f}"))


def why(page: Page, sentence: Sentence) -> None:
    """Draw the predictions at a word that may be right or wrong, and the small effect of the recipe."""
    t, setting, text = page.t, page.setting, sentence.text
    called = roles(page)
    position = choose_word(page, sentence, "token_sight", t("sight"))
    seen = mlm_draws.three_sights(ENGINE, setting, text, position, seed=0)
    truth = sentence.tokens.pieces[position]
    chances = {who: [getattr(gap, who).probability for gap in seen.values()] for who in called}
    sights, words = [t("sights." + name) for name in seen], [gap.shown for gap in seen.values()]
    said = {who: ", ".join(map(percent, values)) for who, values in chances.items()}
    page.figure(
        plots.sight_bars(
            sights, words, chances["teacher"], chances["student"], called | {"probability": t("probability")}
        ),
        "sights",
        t("sight_alt", truth=truth, **said),
        lambda: tables.sight_table(words, chances, t.group("columns")),
    )
    wrong = seen["random"]
    believed = percent(wrong.teacher.shown)
    true = percent(wrong.teacher.probability)
    st.markdown(t("sight_trust", wrong=code_span(wrong.shown), truth=code_span(truth), believed=believed, true=true))
    st.caption(t("sight_trained"))
    if page.predict("table8"):
        _table_8(page)


def _masking(page: Page) -> tuple[mlm_draws.Masking, int]:
    """Chance, recipe, whole words, seed."""
    t = page.t
    first, second, third = st.columns([2, 2, 2], vertical_alignment="bottom")
    with first:
        rate = page.slider("rate", 15, t("rate"), 1, 60)
    with second:
        recipes = [*mlm_draws.RECIPES, OWN]
        shown = {recipe: tables.recipe_name(recipe) for recipe in mlm_draws.RECIPES} | {OWN: t("own")}
        recipe = page.select("recipe", recipes[0], t("recipe"), recipes, format_func=shown.get)
    with third, st.container(horizontal=True, vertical_alignment="bottom"):
        seed = page.number("seed", 179, t("seed"), 0, 9999, width=120)
        st.button(t("again"), icon=":material/casino:", on_click=_next_seed, args=(page,))
    shares = mlm_draws.RECIPES.get(recipe) or _own_shares(page)
    whole = page.toggle("words", False, t("whole_words"))
    return mlm_draws.Masking(rate / 100, shares, whole), seed


def _own_shares(page: Page) -> tuple[float, float, float]:
    left, right = st.columns(2)
    with left:
        masked = page.slider("masked", 80, page.t("own_masked"), 0, 100)
    with right:
        random = page.slider("random", 50, page.t("own_random"), 0, 100)
    return mlm_draws.shares(masked, random)


def _next_seed(page: Page) -> None:
    key = page.key("seed")
    page.put("seed", (st.session_state[key] + 1) % 10_000)


def _table_8(page: Page) -> None:
    """BERT's table 8 as differences, the recipe in use enlarged."""
    t = page.t
    columns = t.group("columns")
    recipes = list(mlm_draws.RECIPES)
    chosen = st.session_state.get(page.key("recipe"), recipes[0])
    largest = mlm_draws.largest_differences()
    page.figure(
        plots.recipe_differences(
            [tables.recipe_name(recipe) for recipe in recipes],
            [mlm_draws.BERT_TABLE_8[recipe] for recipe in recipes],
            [columns[name] for name in ("mnli", "ner", "features")],
            recipes.index(chosen) if chosen in recipes else -1,
            t("table8_axis"),
        ),
        "table8",
        t("table8_alt", mnli=f"{largest[0]:.1f}", features=f"{largest[2]:.1f}"),
        lambda: tables.table_8(columns),
    )
    st.caption(t("table8_note"))
