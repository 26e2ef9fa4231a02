"""The lab that takes something out of a model's attention and shows what is left of its guess."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.charts import colors
from core.engine import ENGINE
from core.labs.self_attention import ablations as breaking
from core.labs.self_attention import figures as plots
from core.numbering import numbers, read, shown
from core.source import weights_of
from core.trace import AblateHead, Intervention, NoScaling
from pages.kit import components
from pages.kit.page import Page, code_span
from pages.self_attention.heads import agree

DAMAGES = ["no_scaling", "uniform", "head", "heads"]


def broken(page: Page, name: str, text: str) -> None:
    """A hidden word, guessed by the whole model and by a broken one."""
    t, setting = page.t, page.setting
    tokens = ENGINE.tokens(setting, name, text)
    chosen = page.select(
        "token_hidden",
        shown(breaking.hidden_position(ENGINE, setting, name, tokens)),
        t("hidden_word"),
        [shown(word) for word in breaking.words_of(tokens)],
        format_func=lambda number: f"{number} · {tokens.pieces[read(number)]}",
        width=260,
    )
    position = read(chosen)
    ids, true_id = breaking.with_hidden(ENGINE, setting, name, tokens, position), int(tokens.ids[position])
    whole = ENGINE.trace(setting, name, text, ids=ids)
    layers, heads = whole.probabilities.shape[:2]

    def compared(interventions: tuple[Intervention, ...]) -> tuple[breaking.Ablation, float]:
        after = ENGINE.trace(setting, name, text, ids=ids, interventions=interventions)
        found = breaking.compare(ENGINE, setting, name, whole, after, position, true_id)
        return found, max(whole.check(), after.check())

    unscaled, _ = compared(breaking.damage("no_scaling", None, 0, layers, heads))
    if not page.predict("no_scaling", unscaled.direction):
        return
    interventions = _choose_damage(page, layers, heads)
    found, difference = compared(interventions)
    _show_damage(page, found, tokens.pieces[position])
    page.check(difference)
    facts = {
        "name": name,
        "folder": weights_of(name),
        "text": text,
        "ids": ids,
        "position": position,
        "true_id": true_id,
    }
    _show_code(page, interventions, layers, facts)
    _try_every_head(page, name, text, ids, position, layers, heads)


def _choose_damage(page: Page, layers: int, heads: int) -> tuple[Intervention, ...]:
    """The interventions that the controls set; a click in the sweep moves them."""
    t = page.t
    layer_choices, head_choices = [0, *numbers(layers)], numbers(heads)  # 0 for all layers
    kind = page.chosen("damage", "no_scaling", DAMAGES)
    layer = page.chosen("broken_layer", 0, layer_choices)
    head = page.chosen("broken_head", 1, head_choices)
    current = (read(layer), read(head)) if kind == "head" and layer else None
    cell = agree("sa_sweep_grid", current, (layers, heads))
    if cell != current:
        page.put("damage", "head")
        page.put("broken_layer", shown(cell[0]))
        page.put("broken_head", shown(cell[1]))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = t.group("damages")
        kind = page.select("damage", "no_scaling", t("damage"), DAMAGES, format_func=names.get, width=220)
        where = {"format_func": lambda i: str(i) if i else t("all_layers"), "width": 130}
        layer = page.select("broken_layer", 0, t("layer"), layer_choices, **where)
        if kind == "head":
            head = page.select("broken_head", 1, t("head"), head_choices, width=90)
    return breaking.damage(kind, read(layer) if layer else None, read(head), layers, heads)


def _show_code(page: Page, interventions: tuple[Intervention, ...], layers: int, facts: dict[str, Any]) -> None:
    """The code for this damage; `facts` fill its other blanks."""
    first = interventions[0]
    if isinstance(first, AblateHead):
        page.code("break_heads", heads=[(one.layer, one.head) for one in interventions], **facts)
        return
    kind = "break_no_scaling" if isinstance(first, NoScaling) else "break_uniform"
    page.code(kind, layers=list(range(layers)) if first.layer is None else [first.layer], **facts)


def _show_damage(page: Page, found: breaking.Ablation, word: str) -> None:
    """Draw the change of the prediction, in words and as bars, next to the change of attention."""
    t = page.t
    labels = {part: t(part) for part in ("before", "after", "probability", "layer")}
    labels |= {"entropy": t("attention_entropy"), "ceiling": t("uniform_ceiling")}
    firsts = {"before": found.first_before, "after": found.first_after}
    entropies = {"before": f"{found.mean_before:.2f}", "after": f"{found.mean_after:.2f}"}
    spans = {part: code_span(first) for part, first in firsts.items()}
    said = [t("unchanged" if found.first_before == found.first_after else "changed", **spans)]
    if found.true_before is not None:
        odds = {"before": f"{found.true_before:.1%}", "after": f"{found.true_after:.1%}"}
        said.append(t("true_word", word=code_span(word), **odds))
    said += [t("moved", divergence=f"{found.divergence:.2f}"), t("sharper", **entropies)]
    st.markdown(" ".join(said))
    left, right = st.columns(2, gap="medium")
    with left:
        page.figure(
            plots.before_and_after(found.words, found.before, found.after, labels),
            "guesses",
            t("break_alt", **firsts),
            lambda: pd.DataFrame({t("word"): found.words, t("before"): found.before, t("after"): found.after}),
        )
    with right:
        page.figure(
            plots.entropy_by_layer(found.entropy_before, found.entropy_after, found.ceiling, labels),
            "entropy",
            t("entropy_alt", **entropies),
            lambda: pd.DataFrame({t("before"): found.entropy_before, t("after"): found.entropy_after}),
        )


def _try_every_head(page: Page, name: str, text: str, ids: list[int], position: int, layers: int, heads: int) -> None:
    """One number per head: the change of the prediction without it; a click breaks that head above."""
    t = page.t
    st.markdown(f"**{page.lesson['sweep'].title}**")
    page.prose("sweep")
    passes = layers * heads
    if not page.toggle("sweep", False, t("sweep_run", passes=passes)):
        return
    with st.spinner(t("sweep_wait", passes=passes)):
        numbers = breaking.sweep(ENGINE, page.setting, name, text, ids, position)
    most = breaking.leader(numbers)
    facts = {"layer": shown(most.layer), "head": shown(most.head), "value": f"{most.value:.2f}"}
    components.head_grid(
        None,
        values=numbers,
        key="sa_sweep_grid",
        labels=t.group("sweep_grid"),
        alt=t("sweep_alt", **facts),
        color=colors.DIFFERENCE,
    )
    st.markdown(t("sweep_most", **facts, idle=most.idle, total=passes))
    page.numbers("sweep", lambda: pd.DataFrame(numbers.numpy()))
