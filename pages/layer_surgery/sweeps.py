"""The labs of layer surgery that measure many cuts: each layer alone, all choices of layers, each head alone."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.background import Sweep
from core.charts.colors import NEGATIVE, POSITIVE
from core.engine import ENGINE
from core.labs.layer_surgery import figures as plots
from core.labs.layer_surgery import sweep as study
from core.labs.layer_surgery.cut import make_cut, whole
from core.numbering import listed, shown
from pages.kit import components, session
from pages.kit.page import Page
from pages.layer_surgery import board

TICK = 0.4
"""Seconds between two looks at measurements under way."""


def _ready(page: Page, sweep: Sweep):
    """Return the result of a sweep; while it goes on None, with a bar that moves."""
    found = sweep.result()
    if found is not None:
        return found

    def tick() -> None:
        if sweep.over:
            st.rerun()  # goes on without its clock
        st.progress(sweep.share, page.t("measuring", done=sweep.done, total=sweep.total))

    st.fragment(tick, run_every=TICK)()
    return None


def each_layer(page: Page, name: str) -> None:
    """The model without each one of its layers."""
    t = page.t
    found: study.Cuts | None = _ready(page, study.every_cut(ENGINE, page.setting, name))
    if found is None:
        return
    rises = [cost.rise for cost in found.without]
    means, errors = [rise.mean for rise in rises], [rise.error for rise in rises]
    labels = t.group("layer_bars")
    cheap, dear = found.cheapest, found.costliest
    blanks = {"cheap": shown(cheap), "dear": shown(dear)}
    blanks |= {"low": f"{means[cheap]:+.2f}", "low_error": f"{errors[cheap]:.2f}"}
    blanks |= {"high": f"{means[dear]:+.2f}", "high_error": f"{errors[dear]:.2f}"}
    page.figure(
        plots.layer_bars(means, errors, labels),
        "each_layer",
        labels["alt"].format(**blanks),
        lambda: plots.layer_table(means, errors, [t("layer"), labels["rise"], labels["error"]]),
    )
    st.markdown(t("each_said", **blanks))
    st.markdown(t("cheap_clear" if rises[cheap].change.significant else "cheap_unclear", cheap=shown(cheap)))
    page.code("layers", name=name)


def rules(page: Page, name: str) -> None:
    """All choices of layers, and what the rules make of them."""
    t = page.t
    board.follow(page)
    found: study.Cuts | None = _ready(page, study.every_cut(ENGINE, page.setting, name))
    if found is None:
        return
    half = found.half
    answer = study.NAMED.index(found.ranking(study.NAMED, half)[0][0])
    if not page.predict("rules", answer, model=session.readable(name), count=half, layers=found.layers):
        return
    names, measures = t.group("rule"), t.group("measure")
    for one in (one for one in found.rounds() if one.count == half):
        lead = {"lead": f"{one.lead.mean:.2f}", "error": f"{one.lead.error:.2f}", "second": names[one.second]}
        st.markdown(t("lead_clear" if one.lead.change.significant else "lead_unclear", rule=names[one.rule], **lead))
    measure = page.choice(
        "measure",
        "loss",
        t("compare_by"),
        list(study.MEASURES),
        format_func=measures.get,
    )
    lines = {rule: found.line(rule, measure) for rule in plots.RULES}
    cloud, best = found.cloud(measure), found.best_line(measure)
    labels = names | t.group("rule_lines") | {"measure": measures[measure]}
    won = found.ranking(study.NAMED, half)[0]
    page.figure(
        plots.rule_lines(lines, cloud, best, measure.startswith("top"), labels),
        "rules",
        t("rules_alt", count=half, rule=names[won[0]], layers=listed(won[1]), best=listed(found.best(half))),
        lambda: plots.choice_table(lines, cloud, names, list(t.group("choice_columns").values())),
        on_click=lambda kept: board.put(page, name, make_cut(kept), found.shape),
    )
    st.caption(t("click_a_point" if found.every else "click_a_point_few"))
    rounds = found.rounds()
    wins = {rule: ", ".join(str(one.count) for one in rounds if one.rule == rule) for rule in study.NAMED}
    st.markdown("\n".join(t("rule_wins", rule=names[rule], counts=won) for rule, won in wins.items() if won))
    clear = {True: t("clear"), False: t("unclear")}
    st.dataframe(
        plots.round_table(rounds, names, list(t.group("round_columns").values()), clear),
        hide_index=True,
        height="content",
    )
    st.caption(t("rounds_note"))


def heads(page: Page, name: str) -> None:
    """Each head off alone, as a map; the least important ones off together."""
    t = page.t
    board.follow(page)
    study.every_cut(ENGINE, page.setting, name)  # what stands above comes first, also where this lab is seen first
    found: study.Importance | None = _ready(page, study.every_head(ENGINE, page.setting, name))
    if found is None:
        return
    layers = found.rise.shape[0]
    shape, total = tuple(found.rise.shape), found.rise.numel()
    low, top = found.order[0], found.order[-1]
    views = t.group("head_view")
    view = page.choice("view", "rise", t("show_heads"), list(views), format_func=views.get)
    picked = components.head_grid(
        None,
        values=getattr(found, view),
        key=f"ls_heads_{name}",
        labels=t.group("head_map") | {"scale": t(f"head_scale.{view}"), "tooltip": t(f"head_tooltip.{view}")},
        alt=t("heads_alt", **_head(top), value=f"{found.rise[top]:+.3f}"),
        color=POSITIVE,
        negative_color=NEGATIVE,
    )
    page.numbers("heads", lambda: plots.head_table(found, list(t.group("head_columns").values())))
    st.markdown(
        t("heads_said", helped=found.helped, clear=found.clear, total=total, **_head(top), **_value(found, top))
    )
    if found.helped:
        key = "helps_clear" if found.said(low).change.significant else "helps_unclear"
        st.markdown(t(key, **_head(low), **_value(found, low)))
    if picked is not None:
        st.markdown(t("head_picked", **_head(picked), **_value(found, picked)))
    counts = [count for count, _ in found.together]
    rises = [cost.rise for _, cost in found.together]
    added = [found.added(count) for count in counts]
    curve = t.group("together")
    free = found.free()
    page.figure(
        plots.together_curve(counts, [rise.mean for rise in rises], [rise.error for rise in rises], added, curve),
        "together",
        curve["alt"].format(count=free, total=total),
        lambda: plots.together_table(counts, rises, added, curve),
    )
    if free:
        last = rises[counts.index(free)]
        change = {"rise": f"{last.mean:+.2f}", "error": f"{last.error:.2f}"}
        st.markdown(t("together_said", count=free, total=total, **change))
    else:
        st.markdown(t("together_none", least=counts[0], total=total))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        count = page.stops("least", counts[0], t("least"), counts, width=340)
        cut = make_cut(whole(layers).keep, found.order[:count])
        _onto_board(page, name, "_ls_least", t("put_least", count=count), cut, shape)
        if picked is not None:
            one = make_cut(whole(layers).keep, [picked])
            text = t("put_picked", **_head(picked))
            _onto_board(page, name, "_ls_picked", text, one, shape)
    page.code("heads", name=name)


def _head(head: tuple[int, int]) -> dict[str, int]:
    """A head as a reader counts it, from 1."""
    return {"layer": shown(head[0]), "head": shown(head[1])}


def _value(found: study.Importance, head: tuple[int, int]) -> dict[str, str]:
    one = found.said(head)
    return {"rise": f"{one.mean:+.2f}", "error": f"{one.error:.2f}"}


def _onto_board(page: Page, name: str, key: str, text: str, cut: study.Cut, shape: tuple[int, int]) -> None:
    put: Callable[..., None] = board.put
    st.button(text, key=key, icon=":material/content_cut:", on_click=put, args=(page, name, cut, shape))
