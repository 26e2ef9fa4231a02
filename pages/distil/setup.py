"""The controls of a live distillation, as one `Setup`, and the picture of the pair that they describe."""

from __future__ import annotations

import pandas as pd
import streamlit as st

import lessons
from core.labs.distil import formulas
from core.labs.distil import pair as pairs
from core.labs.distil import pair_figure as drawing
from core.labs.distil import probe as looks
from core.labs.distil import setup as study
from core.labs.distil.resolved import ResolvedSetup
from core.numbering import shown, written
from core.theory.temperature import TEMPERATURES
from pages.kit import address
from pages.kit.page import Page

TEXTS = (250, 500, 1000, 2000, 4000)
LABELS = (0, 50, 100, 200, 400, 1000, 2000, 4000)
WIDTHS = (48, 96, 128, 192, 256, 384)
HEADS = (1, 2, 3, 4, 6, 8, 12)
STEPS = (20, 30, 60, 100, 150, 250, 400, 600, 1000)
RATES = (5e-4, 1e-3, 2e-3, 5e-3)
BATCHES = (8, 16, 32, 64)
OBJECTIVES = ("mixture", "hinton", "distilbert", "tinybert", "minilm", "pkd", "own")
DIRECTIONS = ("forward", "reverse", "jsd")
WEIGHTS = {"soft": 0.9, "hard": 0.1}
"""The weights that an objective of one's own starts from."""


def presets(page: Page) -> None:
    """Set-ups worth trying; each puts all controls, and with them the address."""
    language = page.t.language
    with st.container(horizontal=True, gap="small", key="dl_presets"):
        st.markdown(page.t("presets"), width="content")
        for row in lessons.table(page.slug, "presets"):
            st.button(
                row["name"][language],
                key=page.key(f"preset_{row['id']}"),
                help=row["note"][language],
                on_click=_apply,
                args=(page, row["set"]),
                icon=f":material/{row['icon']}:",
            )


def _apply(page: Page, values: dict) -> None:
    """Everything back to its default except the sentence and the guess, then what the preset wants."""
    kept = {page.key(name) for name in ("text", "gap", "guess")}
    for key, default in address.defaults(page.prefix + "_").items():
        if key not in kept:
            address.put(key, default)
    for name in ("kept", "heads_off"):
        page.set_parameter(name, "")
    for name, value in values.items():
        page.put(name, value)


def choose(page: Page) -> study.Setup:
    """All controls, in four tabs."""
    t = page.t
    names = t.group("tabs")
    pair, texts, loss, training = st.tabs([names[key] for key in ("pair", "texts", "loss", "training")])
    with pair:
        chosen = _pair(page)
    task = chosen["teacher"].task
    with texts:
        chosen |= _texts(page, task)
    with loss:
        chosen |= _objective(page)
    with training:
        chosen |= _training(page)
    chosen["teacher"], chosen["device"] = chosen["teacher"].name, page.setting.device
    return study.Setup(**chosen)


def _pair(page: Page) -> dict:
    t = page.t
    cards = {card.name: card for card in study.teachers()}
    named = {name: f"{name} · {t(f'task.{card.task}')}" for name, card in cards.items()}
    default = next(iter(cards))
    teacher = cards[page.select("teacher", default, t("teacher"), list(cards), format_func=named.__getitem__)]
    starts = t.group("starts")
    asked = pairs.named_in(page.parameter("kept"), teacher.layers)
    first = "layers" if asked or teacher.task == "words" else "fresh"
    start = page.choice("start", first, t("start"), list(starts), format_func=starts.__getitem__)
    if start == "layers":
        return {"teacher": teacher, "start": start, **_kept_layers(page, teacher)}
    with st.container(horizontal=True):
        depth = page.number("depth", 2, t("depth"), 1, 6, width=110)
        width = page.select("width", 128, t("width"), WIDTHS, width=110)
        heads = page.select("heads", 2, t("heads"), HEADS, width=110)
    words = page.toggle("words", True, t("words"), help=t("help.words"))
    shape = {"depth": depth, "width": width, "heads": heads}
    return {"teacher": teacher, "start": start, "words": "teacher" if words else "random", **shape}


def _kept_layers(page: Page, teacher) -> dict:
    """The teacher's layers that the student starts from: buttons, and rules that set them."""
    t, key = page.t, page.key("layers")
    found = pairs.kept_of(page.parameter("kept"), teacher.layers)
    if st.session_state.get(key + "_seen") != page.parameter("kept"):  # a link or a rule has changed it
        st.session_state[key] = st.session_state[key + "_start"] = list(found)

    def write() -> None:
        page.set_parameter("kept", written(sorted(st.session_state[key])))

    kept = st.pills(
        t("keep"),
        range(teacher.layers),
        selection_mode="multi",
        default=st.session_state[key + "_start"],  # one that moves would draw the buttons anew, see `address.start`
        format_func=lambda layer: t("layer_short", number=shown(layer)),
        key=key,
        on_change=write,
        help=t("help.keep"),
    )
    st.session_state[key + "_seen"] = page.parameter("kept")
    names, count = t.group("rules"), len(kept) or len(found)
    with st.container(horizontal=True, gap="small"):
        for rule in study.RULES:
            layers = written(study.rule_layers(rule, count, teacher.layers))
            st.button(
                names[rule],
                key=page.key(f"rule_{rule}"),
                type="tertiary",
                on_click=page.set_parameter,
                args=("kept", layers),
            )
    off = pairs.heads_of(page.parameter("heads_off"), teacher.layers, teacher.heads)
    if off:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.caption(t("heads_off", count=len(off)))
            st.button(t("heads_on"), key=page.key("heads_on"), on_click=page.set_parameter, args=("heads_off", ""))
    return {"keep": tuple(sorted(kept)), "heads_off": off}


def _texts(page: Page, task: str) -> dict:
    t = page.t
    texts = page.stops("texts", 2000, t("texts"), TEXTS, format_func="{:,}".format)
    st.caption(t(f"texts_{task}"))
    if task == "words":
        return {"texts": texts}
    fitting = [labels for labels in LABELS if labels <= texts]
    labels = page.stops("labels", min(400, texts), t("labels"), fitting, format_func="{:,}".format)
    st.caption(t("labels_note", labels=f"{labels:,}", rest=f"{texts - labels:,}"))
    return {"texts": texts, "labels": labels}


def _objective(page: Page) -> dict:
    t = page.t
    names = t.group("objectives")
    objective = page.select("objective", "mixture", t("objective"), OBJECTIVES, format_func=names.__getitem__)
    st.caption(t(f"about.{objective}"))
    chosen: dict = {"objective": objective}
    if objective == "mixture":
        chosen["soft"] = page.slider("soft", 0.9, t("soft_weight"), 0.0, 1.0, step=0.05)
    elif objective == "own":
        terms, weights = t.group("terms"), {}
        with st.grid(3, min_column_width=130):
            for name in study.TERMS:
                start = WEIGHTS.get(name, 0.0)
                weights[name] = page.number(f"w_{name}", start, terms[f"term.{name}"], 0.0, 1000.0, step=0.1)
        rules = t.group("rules")
        rule = page.select("map", "uniform", t("map"), study.RULES, format_func=rules.__getitem__)
        chosen |= {"weights": weights, "rule": rule}
    if objective in ("mixture", "own"):
        ways = t.group("directions")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            chosen["temperature"] = float(
                page.stops(
                    "temp",
                    2,
                    t("temperature"),
                    TEMPERATURES,
                    format_func="{:g}".format,
                    width=260,
                )
            )
            chosen["scaled"] = page.toggle("square", True, t("square"))
        chosen["direction"] = page.choice(
            "direction",
            "forward",
            t("direction"),
            DIRECTIONS,
            format_func=ways.__getitem__,
        )
    return chosen


def _training(page: Page) -> dict:
    t = page.t
    return {
        "steps": page.stops("steps", 250, t("steps"), STEPS, format_func="{:,}".format),
        "seeds": page.slider("seeds", 3, t("seeds"), 1, 5, help=t("help.seeds")),
        "rate": page.stops("rate", 2e-3, t("rate"), RATES, format_func="{:g}".format),
        "batch": page.stops("batch", 32, t("batch"), BATCHES),
    }


def draw(page: Page, setup: ResolvedSetup) -> None:
    """The pair, and how much smaller the student is."""
    t, found = page.t, setup.pair
    labels = t.group("pair")
    shapes = dict(zip(("layers", "width", "heads"), found.student, strict=True))
    teacher, student = looks.parameters(setup)
    page.figure(
        drawing.pair(found, labels),
        "pair",
        labels["alt"].format(teacher=setup.teacher.name, depth=found.teacher[0], **shapes),
        lambda: pd.DataFrame([found.teacher, found.student], columns=["layers", "width", "heads"]),
    )
    sizes = {"teacher": f"{teacher / 1e6:.1f}", "student": f"{student / 1e6:.1f}", "share": f"{student / teacher:.0%}"}
    st.caption(t("sizes", **sizes))


def formula(page: Page, setup: ResolvedSetup) -> None:
    """Draw the loss that the distilled student will minimise, with its numbers."""
    st.latex(formulas.objective(setup.stages, page.t.group("phases")))


def title(page: Page, setup: ResolvedSetup) -> str:
    """Title of a run of this set-up in lists."""
    t, plan = page.t, setup.untitled
    layers, width, _ = setup.pair.student
    words = [f"{layers} × {width}", t(f"objectives.{plan.extra['objective']}")]
    if "labels" in setup.material:
        words.append(t("title_labels", labels=f"{setup.material['labels']:,}"))
    words.append(t("title_steps", steps=f"{plan.training.steps:,}"))
    return ", ".join(words)
