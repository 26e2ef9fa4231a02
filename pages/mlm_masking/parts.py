"""The pieces of the page on masked language modelling: its controls that depend on the text, and its figures with tables."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.charts.colors import COLORS
from core.charts.figures import percent
from core.labs.mlm_masking import context as mlm_context
from core.labs.mlm_masking import context_figures as context_plots
from core.labs.mlm_masking import figures as plots
from core.labs.mlm_masking import gaps as mlm_masking
from core.labs.mlm_masking import masking as mlm_draws
from core.labs.mlm_masking import tables
from core.labs.mlm_masking.gaps import Answer, Gap
from core.numbering import numbers, read, shown, written
from core.trace import Tokens
from pages.kit import components
from pages.kit.page import Page, code_span

NONE = "none"
"""Stands in the address where the reader has shown every word again."""

OWN = "own"
"""Instead of a recipe of BERT's: shares from two sliders."""


@dataclass(frozen=True)
class Parts:
    """What the page draws for one text.

    Attributes:
        allowed: the positions that can be hidden.
        start: those hidden at first.
    """

    page: Page
    tokens: Tokens
    allowed: list[int]
    start: list[int]

    # Controls

    def picker(self, whole_words: bool) -> list[int]:
        """The line of chips; what it hides goes into the address."""
        asked = self.page.positions("token_masks", self.start, len(self.tokens.pieces))
        marked = [position for position in asked if position in self.allowed]
        if not marked and self.page.parameter("token_masks") != NONE:  # nothing in the address fits this text
            marked = self.start
        # A new text gets a new component, and so does a Reset: the browser would send the old choice again.
        if not st.session_state.get("_mm_begun"):
            st.session_state["mm_resets"] = st.session_state.get("mm_resets", 0) + 1
            st.session_state["_mm_begun"] = True
        text = zlib.crc32(" ".join(self.tokens.pieces).encode())
        hidden = components.token_picker(
            self.tokens.pieces,
            key=f"mm_picker_{st.session_state['mm_resets']}_{text:x}",
            labels=self.page.t.group("picker"),
            alt=self.page.t("picker_alt"),
            marked=marked,
            disabled=[p for p in range(len(self.tokens.pieces)) if p not in self.allowed],
            groups=mlm_masking.groups_of(self.tokens) if whole_words else None,
        )
        self.page.set_parameter("token_masks", "" if hidden == self.start else written(hidden) or NONE)
        return hidden

    def position(self, name: str, label: str, options: Sequence[int] | None = None, default: int | None = None) -> int:
        """A word of the text, by its position."""
        choices = [shown(place) for place in options or self.allowed]
        first = shown(self.start[0] if default is None else default)
        self.page.adapt(name, first, choices)  # a shorter text may have lost the word that was chosen in the longer one
        return read(self.page.control(st.selectbox, name, first, label, choices, format_func=self._numbered))

    def _numbered(self, number: int) -> str:
        return f"{number} · {self.tokens.pieces[read(number)]}"

    def gap_choice(self, gaps: Sequence[Gap]) -> Gap:
        """Which gap to look into, where there are several."""
        by_position = {gap.position: gap for gap in gaps}
        if len(gaps) == 1:
            return gaps[0]
        return by_position[self.position("token_gap", self.page.t("gap_choice"), list(by_position), gaps[0].position)]

    def neighbour(self, first: int) -> int | None:
        """The token next to a gap that is hidden with it, on the side that the learner chooses; None if it has none."""
        sides = {"right": first + 1, "left": first - 1}
        there = {side: position for side, position in sides.items() if position in self.allowed}
        if not there:
            return None
        names = self.page.t.group("sides")
        first_side = next(iter(there))
        self.page.adapt("side", first_side, list(there))
        label, options = self.page.t("side"), {"format_func": names.get, "required": True}
        return there[self.page.control(st.segmented_control, "side", first_side, label, list(there), **options)]

    def masking_controls(self) -> tuple[mlm_draws.Masking, int]:
        """Chance, recipe, whole words, seed."""
        t, control = self.page.t, self.page.control
        first, second, third = st.columns([2, 2, 2], vertical_alignment="bottom")
        with first:
            rate = control(st.slider, "rate", 15, t("rate"), 1, 60)
        with second:
            recipes = [*mlm_draws.RECIPES, OWN]
            names = {recipe: tables.recipe_name(recipe) for recipe in mlm_draws.RECIPES} | {OWN: t("own")}
            recipe = control(st.selectbox, "recipe", recipes[0], t("recipe"), recipes, format_func=names.get)
        with third, st.container(horizontal=True, vertical_alignment="bottom"):
            seed = control(st.number_input, "seed", 179, t("seed"), 0, 9999, width=120)
            st.button(t("again"), icon=":material/casino:", on_click=self._next_seed)
        shares = mlm_draws.RECIPES.get(recipe) or self._own_shares()
        whole = control(st.toggle, "words", False, t("whole_words"))
        return mlm_draws.Masking(rate / 100, shares, whole), seed

    def _own_shares(self) -> tuple[float, float, float]:
        left, right = st.columns(2)
        with left:
            masked = self.page.control(st.slider, "masked", 80, self.page.t("own_masked"), 0, 100)
        with right:
            random = self.page.control(st.slider, "random", 50, self.page.t("own_random"), 0, 100)
        return mlm_draws.shares(masked, random)

    def _next_seed(self) -> None:
        key = self.page.key("seed")
        self.page.put("seed", (st.session_state[key] + 1) % 10_000)

    def epoch_controls(self) -> tuple[float, int, int]:
        """Chance, epochs, seed."""
        t, control = self.page.t, self.page.control
        first, second, third = st.columns(3, vertical_alignment="bottom")
        with first:
            rate = control(st.slider, "chance", 15, t("rate"), 1, 60)
        with second:
            count = control(st.slider, "epochs", 40, t("epochs"), 1, 40)
        with third:
            seed = control(st.number_input, "order", 0, t("seed"), 0, 9999)
        return rate / 100, count, seed

    # Figures with their numbers

    def answers(
        self, said: Mapping[str, Answer], titles: Mapping[str, str], colors: Mapping[str, str], truth: str, name: str
    ) -> None:
        """Two answers to one gap side by side: five best words, the true one marked."""
        t = self.page.t
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
                self.page.figure(
                    plots.top_words(words, probabilities, ranks, truth, colors[who], labels, longest),
                    f"{name}-{who}",
                    alt,
                    lambda who=who, answer=answer: tables.answer_table(
                        {titles[who]: answer}, truth, t.group("columns")
                    ),
                )

    def table_8(self) -> None:
        """BERT's table 8 as differences, the recipe in use enlarged."""
        t = self.page.t
        columns = t.group("columns")
        recipes = list(mlm_draws.RECIPES)
        chosen = st.session_state.get(self.page.key("recipe"), recipes[0])
        largest = mlm_draws.largest_differences()
        self.page.figure(
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

    def coverage(self, found: Mapping[str, mlm_draws.Epochs], names: Mapping[str, str], count: int) -> None:
        """The three coverage curves."""
        t = self.page.t
        measured = {regime: one.covered for regime, one in found.items()}
        expected = {regime: one.expected for regime, one in found.items()}
        last = tables.shares({names[regime]: values[-1] for regime, values in measured.items()})
        self.page.figure(
            plots.coverage_curves(measured, expected, names, t.group("grid")),
            "coverage",
            t("coverage_alt", epochs=count, values=last),
            lambda: tables.coverage_table(found, names, t.group("columns")),
        )

    def target_grid(self, one: mlm_draws.Epochs, regime: str, color: str, most: int) -> None:
        """Token × epoch, cut at `most` rows."""
        t = self.page.t
        pieces = [self.tokens.pieces[position] for position in self.allowed]
        self.page.figure(
            plots.target_grid(one.targets[:most], pieces[:most], t.group("grid"), color),
            "targets",
            t("grid_alt", regime=regime, never=one.never, total=len(pieces)),
            lambda: pd.DataFrame(one.targets.tolist(), index=pieces).reset_index(),
        )
        if len(pieces) > most:
            st.caption(t("grid_cut", shown=most, total=len(pieces)))

    def influence(self, found: Sequence[mlm_context.Influence], base: Answer, position: int) -> None:
        """A bar for each visible word, and the one that matters most in a sentence."""
        t = self.page.t
        if not found:
            st.info(t("influence_none"), icon=":material/info:")
            return
        strongest = mlm_context.strongest(found)
        truth = self.tokens.pieces[position]
        change = f"{strongest.change:+.2f}"
        words, changes = [one.word for one in found], [one.change for one in found]
        columns = t.group("columns")
        self.page.figure(
            context_plots.influence_bars(words, changes, t.group("influence") | {"change": t("influence_change")}),
            "influence",
            t("influence_alt", truth=truth, word=strongest.word, change=change),
            lambda: pd.DataFrame({columns["word"]: words, columns["change"]: changes}),
        )
        before, after = (percent(value) for value in (base.probability, strongest.probability))
        key = "influence_helped" if strongest.change <= 0 else "influence_hindered"
        word, truth = code_span(strongest.word), code_span(truth)
        st.markdown(t(key, word=word, truth=truth, before=before, after=after, change=change))
        if len(found) == mlm_context.MOST_WORDS:
            st.caption(t("influence_limit", count=len(found)))

    def lens_table(self, seen: mlm_context.Lens, who: str, truth: str, surest: float) -> None:
        """One model's best words by depth."""
        t = self.page.t
        depths = self._depths(seen)
        columns = t.group("columns")
        self.page.figure(
            context_plots.lens_table(
                [[guess.word for guess in row] for row in seen.best],
                [[guess.probability for guess in row] for row in seen.best],
                depths,
                truth,
                COLORS[who],
                t("lens_place"),
                surest,
            ),
            f"lens-{who}",
            t("lens_alt", who=t(who), first=seen.best[0][0].word, last=seen.best[-1][0].word),
            lambda: tables.lens_table(seen, depths, columns),
        )
        st.markdown(t("lens_settled", who=t(who), word=code_span(seen.best[-1][0].word), depth=depths[seen.decided]))

    def _depths(self, seen: mlm_context.Lens) -> list[str]:
        layers = [self.page.t("lens_layer", number=number) for number in numbers(seen.layers)]
        return [self.page.t("lens_embeddings"), *layers]

    def lens_curves(self, seen: Mapping[str, mlm_context.Lens], names: Mapping[str, str]) -> None:
        """Rank, probability or entropy through the layers, both models in one picture."""
        t = self.page.t
        measures = {name: t(f"measures.{name}") for name in ("rank", "probability", "entropy")}
        kind = self.page.control(
            st.segmented_control,
            "measure",
            "rank",
            t("lens_measure"),
            list(measures),
            format_func=measures.get,
            required=True,
        )
        values = {who: getattr(one, kind) for who, one in seen.items()}
        labels = dict(names) | {"depth": t("lens_depth"), "measure": measures[kind], "ceiling": t("measures.ceiling")}
        depths = {who: self._depths(one) for who, one in seen.items()}
        ends = {
            f"{who}_{end}": f"{values[who][index]:.3g}" for who in values for end, index in (("first", 0), ("last", -1))
        }
        ceiling = mlm_context.most_possible(seen["teacher"]) if kind == "entropy" else None
        self.page.figure(
            context_plots.lens_curves(values["teacher"], values["student"], labels, depths, kind, ceiling),
            "depth",
            t("lens_curve_alt", measure=measures[kind], **ends),
            lambda: tables.depth_table(values, depths, names, measures[kind], t.group("columns")),
        )
