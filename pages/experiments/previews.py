"""The experiments page: what can be seen of each experiment before it runs."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd
import streamlit as st

from core.data.kinds import KINDS
from core.engine import ENGINE
from core.labs.experiments import plans as study
from core.labs.experiments import preview_figures as plots
from core.labs.experiments import previews as looks
from core.source import weights_of
from pages.experiments.state import kind_name
from pages.kit.page import Page, code_span

EPOCHS = (1, 2, 4, 8, 12, 20, 40)


def matching(page: Page) -> None:
    """The gradient against the difference of the logits."""
    t = page.t
    temperature = page.stops("look_temp", 4.0, t("temperature"), looks.TEMPERATURES, format_func="{:g}".format)
    found = looks.gradient_alignments(ENGINE, page.setting)
    now = found.at(temperature)
    names = {"teacher": code_span(found.teacher), "student": code_span(found.student)}
    numbers = {"T": temperature, "cosine": now.cosine, "length": now.length, "plain": now.plain, "limit": found.limit}
    labels, lengths = t.group("look_matching"), t.group("look_lengths")
    left, right = st.columns(2, gap="medium")
    with left:
        page.figure(
            plots.pull_points(now, labels),
            "pull",
            labels["alt"].format(T=temperature, cosine=now.cosine),
            lambda: pd.DataFrame({"z - v": now.difference.flatten(), "N T^2 gradient": now.gradient.flatten()}),
        )
    with right:
        first, last = found.pulls[0], found.pulls[-1]
        page.figure(
            plots.pull_lengths(found, temperature, lengths),
            "lengths",
            lengths["alt"].format(first=first.length, last=last.length, plain=last.plain),
            lambda: pd.DataFrame(
                [(one.temperature, one.cosine, one.length, one.plain) for one in found.pulls]
            ).set_axis(["T", "cosine", "with T^2", "without"], axis=1),
        )
    st.markdown(t("look_matching.cosine", count=looks.READ, **names, **numbers))
    models = {"teacher": found.teacher, "student": found.student}
    folders = {f"{role}_folder": weights_of(name) for role, name in models.items()}
    page.code("look_matching", temperature=temperature, **models, **folders)


def absent_choices(page: Page) -> dict:
    """Draw the choices of the omitted class and of the temperature of the teacher's soft labels, and return them."""
    t = page.t
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        kind = page.select(
            "kind",
            study.ABSENT[0],
            t("absent_kind"),
            study.ABSENT,
            format_func=lambda kind: kind_name(page, kind),
            width=300,
        )
        temperature = page.stops(
            "temp", 4.0, t("temperature"), (1.0, 2.0, 4.0, 8.0), format_func="{:g}".format, width=300
        )
    return {"kind": kind, "temperature": temperature}


def absent(page: Page, kind: str, temperature: float) -> None:
    """Draw the teacher's probability of the absent class on the texts of each other class."""
    t = page.t
    found = looks.evidence(kind, temperature)
    first, second, third = (kind_name(page, one) for one in found.largest)
    blanks = {"left": found.left, "T": temperature, "whole": found.whole, "second": second, "third": third}
    st.markdown(t("look_absent.line", kind=kind_name(page, kind), first=first, **blanks))
    labels, names = t.group("look_absent"), [kind_name(page, one) for one in KINDS]
    page.figure(
        plots.carrier_bars(names, found, labels),
        "carriers",
        labels["alt"].format(kind=kind_name(page, kind), first=first),
        lambda: pd.DataFrame({"kind": names, "texts": found.count, "share": found.shares}),
    )
    page.code("look_absent", kind=kind, temperature=temperature)


def few(page: Page) -> None:
    """Draw the labels per class that a budget buys."""
    t, budgets = page.t, study.SIZES["few"].texts
    budget = page.choice(
        "budget",
        budgets[0],
        t("budget_pick"),
        budgets,
        format_func="{:,}".format,
    )
    found = looks.label_counts(budget)
    least, thin = int(found.labels.min()), float(found.teacher.min())
    blanks = {"budget": budget, "none": found.none, "least": least, "texts": found.texts, "thin": thin}
    st.markdown(t("look_few.line", **blanks))
    labels, names = t.group("look_few"), [kind_name(page, one) for one in KINDS]
    page.figure(
        plots.shelf_bars(names, found, labels),
        "shelf",
        labels["alt"].format(budget=budget, texts=found.texts),
        lambda: pd.DataFrame({"kind": names, "labels": found.labels, "teacher": found.teacher}),
    )
    page.code("look_few", budget=budget)


def steps(page: Page) -> None:
    """Draw the losses of each student and the steps in which they act."""
    t, size = page.t, study.SIZES["steps"]
    rows = looks.lessons_heard(size, [stage.share for stage in study.STAGED])
    first, last = rows[0], rows[-1]
    head = next(row.head for row in rows if row.arm == "staged")
    numbers = {"fewest": first.steps, "few": first.read, "most": last.steps, "many": last.read, "head": head}
    st.markdown(t("look_steps.line", **numbers))
    labels = t.group("figure") | t.group("look_steps")
    page.figure(
        plots.heard_bars(rows, labels),
        "heard",
        labels["alt"],
        lambda: pd.DataFrame([(row.arm, row.steps, row.inside, row.head) for row in rows]).set_axis(
            ["student", "steps", "inside", "head"], axis=1
        ),
    )
    page.code("look_steps")


def masks(page: Page) -> None:
    """Draw the words that were ever masked."""
    t, texts = page.t, study.SIZES["masks"].texts[0]
    epochs = page.stops("epochs", 12, t("look_masks.epochs"), EPOCHS)
    found = looks.mask_coverage(study.WORDS_TEACHER, texts, epochs)
    shares = {"static": found.static[-1], "dynamic": found.dynamic[-1]}
    st.markdown(t("look_masks.line", texts=texts, epochs=epochs, expected=found.expected[-1], **shares))
    labels = t.group("look_masks")
    rows = zip(found.static_rows, found.dynamic_rows, strict=True)
    st.dataframe(
        pd.DataFrame(
            [
                (number, looks.hidden_text(found.example, fixed), looks.hidden_text(found.example, moving))
                for number, (fixed, moving) in enumerate(rows, start=1)
            ]
        ).set_axis([labels["epoch"], labels["static"], labels["dynamic"]], axis=1),
        hide_index=True,
        height="content",
    )
    page.figure(
        plots.cover_lines(found, labels),
        "cover",
        labels["alt"].format(**shares),
        lambda: pd.DataFrame(
            {
                "epoch": found.epochs,
                "static": found.static,
                "dynamic": found.dynamic,
                "1 - 0.85^k": found.expected,
            }
        ),
    )
    page.code("look_masks", texts=texts, epochs=epochs)


PREVIEWS: dict[str, Callable[..., None]] = {
    "matching": matching,
    "absent": absent,
    "few": few,
    "steps": steps,
    "masks": masks,
}
"""By experiment, the lab that shows what can be seen before it runs; it takes the page and the experiment's choices."""
