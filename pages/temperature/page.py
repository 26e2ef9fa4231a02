"""Temperature: a teacher's soft label for one hidden word, what it costs, what it pushes, and why T² is there."""

import plotly.graph_objects as go
import streamlit as st

import lessons
from core.charts.figures import percent
from core.engine import ENGINE
from core.labs import masked_words as predictions
from core.labs.temperature import figures as plots
from core.labs.temperature import formulas, gradients, losses, tables
from core.labs.temperature import label_budgets as experiments
from core.labs.temperature import soft_labels as study
from core.numbering import numbers, read
from pages.kit.page import Page, code_span
from pages.temperature import supersenses as kinds
from pages.temperature.code import OPEN_GAP

page = Page("temperature", "tp")
t = page.t


def stops(name: str, default: float = 2) -> float:
    """A slider over the temperatures."""
    label = t("temperature")
    return page.control(st.select_slider, name, default, label, study.TEMPERATURES, format_func="{:g}".format)


def choice(name: str, default, label: str, options: list, names: dict, **more):
    """A row of buttons, one of which is always down; an address or an older text may have asked for one that is gone."""
    page.adapt(name, default, options)
    make = st.segmented_control
    return page.control(make, name, default, label, options, format_func=names.__getitem__, required=True, **more)


def show(figure: go.Figure, name: str, alt: str) -> None:
    """A figure, with the numbers that it draws."""
    page.figure(figure, name, alt, lambda: tables.behind(figure))


def code(name: str, lines: str) -> None:
    """The lines that open this gap, and those of one lab."""
    page.code(name, OPEN_GAP.format(text=text, which=which, truth=gap.word(gap.truth)) + lines)


def open_gap() -> tuple[str, int, study.Gap]:
    """The sentence, which of its gaps, and what both models say there."""
    text = page.sentence()
    st.caption(t("mask_hint"))
    tokens = ENGINE.tokens(page.setting, page.setting.teacher, text)
    page.notices(tokens)
    positions = predictions.masked_positions(ENGINE, page.setting, page.setting.teacher, tokens)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        which = 0
        if len(positions) > 1:
            gaps = numbers(len(positions))
            which = read(choice("token_gap", gaps[0], t("gap"), gaps, {n: t("gap_name", number=n) for n in gaps}))
        gap = study.open_gap(ENGINE, page.setting, text, positions[which])
        example = next((one["truth"] for one in lessons.examples(page.slug) if one["text"] == text), [])
        default = example[which] if which < len(example) else gap.word(gap.truth)
        options = {"max_chars": 60, "placeholder": default, "help": t("truth_help"), "width": 260}
        word = page.control(st.text_input, "token_truth", "", t("truth"), **options)
        page.reset()
    gap = study.with_truth(ENGINE, page.setting, gap, default)
    if word.strip():
        with page.guard():
            gap = study.with_truth(ENGINE, page.setting, gap, word)
    if gap.identical:
        st.info(t("identical"), icon=":material/content_copy:")
    return text, which, gap


@page.lab
def soft_labels() -> None:
    """The vocabulary at one temperature."""
    temperature = stops("temp")
    seen = study.view(gap, temperature)
    now, one, few = seen.teacher, seen.before, seen.few
    with st.grid("auto", min_column_width=150):
        for label, value, beside in (
            ("entropy", f"{now.entropy:.2f}", t("at_one", value=f"{one.entropy:.2f}")),
            ("effective", f"{now.effective:,.0f}", t("at_one", value=f"{one.effective:,.0f}")),
            ("dark", f"{now.dark:.2%}", t("at_one", value=f"{one.dark:.2%}")),
            ("top", percent(now.top), t("at_one", value=percent(one.top))),
            ("kept", f"{now.kept:,}", t("of_words", words=gap.words)),
        ):
            explained = t(f"help.{label}")
            st.metric(t(label), value, beside, delta_color="off", delta_arrow="off", help=explained, border=True)
    left, right = st.columns(2, gap="medium")
    with left:
        labels, best = t.group("bars"), seen.words
        alt = labels["alt"].format(T=temperature, word=best.words[0], top=now.top)
        show(plots.word_bars(best.words, best.teacher, best.student, labels), "words", alt)
    with right:
        numbers = {
            "words": gap.words - study.FEW,
            "tail": now.tail,
            "tail_one": one.tail,
            "top": percent(now.top),
        }
        st.markdown(t("tail_note", T=temperature, few=percent(few.top), **numbers))
        labels = t.group("bands")
        kinds = (("teacher", 1, one), ("teacher", temperature, now), ("student", temperature, seen.student))
        rows = {labels[kind].format(T=at): label.bands for kind, at, label in (*kinds, ("few", temperature, few))}
        show(plots.mass_bands(rows, study.BANDS, labels), "bands", labels["alt"].format(T=temperature, best=now.best))
    st.markdown(t("softmax_line", word=code_span(gap.word(gap.truth))))
    st.latex(formulas.softmax_formula(seen.distance, temperature, seen.probability))
    left, right = st.columns(2, gap="medium")
    with left:
        labels, values = t.group("ranked"), seen.curves[1][1]
        alt = labels["alt"].format(T=temperature, words=gap.words, first=values[0], last=values[-1])
        show(plots.ranked_curve(seen.curves, temperature, 1 / gap.words, labels), "ranked", alt)
    with right:
        labels, most = t.group("warming"), study.most(gap)
        labels["most"] = labels["most"].format(words=gap.words, most=most)
        alt = labels["alt"].format(low=entropies[0][0], high=entropies[0][-1])
        show(plots.entropy_curve(study.TEMPERATURES, *entropies, temperature, most, labels), "entropy", alt)
    with st.expander(page.lesson["tail"].title, icon=":material/menu_book:"):
        page.prose("tail")
    code("soft", f"print(study.view(gap, {temperature:g}).teacher)")


@page.lab
def three_losses() -> None:
    """Soft, hard and mixed, with every choice that codebases make differently."""
    left, right = st.columns(2, gap="medium")
    with left:
        temperature = stops("loss_temp")
    with right:
        w = page.control(st.slider, "weight", 0.5, t("weight"), 0.0, 1.0, step=0.05)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        direction = choice("direction", "forward", t("direction"), list(losses.DIRECTIONS), t.group("directions"))
        names = t.group("reductions")
        reduction = choice("reduction", "batchmean", t("reduction"), list(names), names, help=t("reduction_help"))
        scaled = page.control(st.toggle, "square", True, t("square"))
    found = losses.losses(gap, temperature, w, direction, scaled, reduction)
    with st.grid(3, min_column_width=110):
        for label, value in (("soft_loss", found.soft), ("hard_loss", found.hard), ("mixed_loss", found.mixed)):
            st.metric(t(label), f"{value:.4g}" if value > 1e-3 else f"{value:.1e}", border=True)
    numbers = (found.divergence, found.hard, found.mixed, temperature, w, direction, scaled, reduction, gap.words)
    st.latex(formulas.loss_formula(*numbers))
    st.caption(t("hard_line", word=code_span(gap.word(gap.truth)), probability=found.probability))
    if not scaled:
        st.info(t("square_off"), icon=":material/trending_down:")
    if reduction == "mean":
        st.info(t("mean_on", words=gap.words), icon=":material/trending_down:")
    labels = t.group("loss")
    soft, hard, mixed = losses.over_temperatures(gap, w, direction, scaled, reduction)
    show(
        plots.loss_curve(study.TEMPERATURES, soft, hard, mixed, temperature, labels),
        "losses",
        labels["alt"].format(first=soft[0], last=soft[-1], hard=found.hard),
    )
    options = f'{temperature:g}, {w:g}, "{direction}", {scaled}, "{reduction}"'
    code("losses", f"print(losses.losses(gap, {options}))")
    page.section("codebases")
    codebases(temperature, w)


def codebases(temperature: float, w: float) -> None:
    """What ten codebases would print for these logits."""
    rows = lessons.table(page.slug, "codebases")
    spread = losses.compared(gap, rows, temperature, w)
    st.markdown(t("losses_line", least=spread.least, most=spread.most, factor=spread.factor))
    table = tables.codebase_table(rows, spread.printed, t.group("codes"), t.language)
    pinned = {table.columns[0]: st.column_config.TextColumn(pinned=True)}
    st.dataframe(table, hide_index=True, height="content", column_config=pinned, alt=t("codes_alt", T=temperature))
    page.numbers("codebases", lambda: table)


@page.lab
def pushed() -> None:
    """The two labels' pushes on the student's logits."""
    if gap.identical:
        st.info(t("identical"), icon=":material/content_copy:")
        return
    asked = gradients.riddle(gap, 2)
    if asked and not page.predict("riddle", asked.answer, truth=code_span(gap.word(gap.truth)), **told(asked)):
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        temperature = stops("push_temp")
        scaled = page.control(st.toggle, "push_square", True, t("square"))
    found, labels = gradients.pushes(gap, temperature, scaled), t.group("pushed")
    spelled = gap.spell(found.ids)
    lengths = {"soft": found.soft_length, "hard": found.hard_length, "cosine": found.agreement}
    st.markdown(t("push_line", words=gap.words, soft_up=found.soft_up, hard_up=found.hard_up, **lengths))
    named = {"word": spelled[0], "truth": gap.word(gap.truth)}
    pushes = {"soft": found.soft, "hard": found.hard}
    for column, (kind, values) in zip(st.columns(2, gap="medium"), pushes.items(), strict=True):
        with column:
            show(plots.push_bars(spelled, values, labels[kind]), kind, labels[f"alt_{kind}"].format(**named))
    places = {"push_up": found.riser, "push_truth": found.truth}
    for column, (label, place) in zip(st.columns(2, gap="medium"), places.items(), strict=True):
        row = [part[place].item() for part in (found.teacher, found.student, found.plain, found.soft, found.hard)]
        with column:
            st.markdown(t(label, word=code_span(spelled[place])))
            st.latex(formulas.push_formula(*row, place == found.truth, temperature, scaled))
    shown = "print(gap.spell(found.ids), found.soft, found.hard)"
    code("pushes", f"found = gradients.pushes(gap, {temperature:g}, {scaled})\n{shown}")


def told(asked: gradients.Riddle) -> dict[str, str]:
    """The blanks of the question about the three wrong words."""
    blanks = {}
    for place, id, p, q in zip(("first", "second", "third"), asked.ids, asked.teacher, asked.student, strict=True):
        blanks |= {place: code_span(gap.word(id)), f"{place}_teacher": f"{p:.3%}", f"{place}_student": f"{q:.3%}"}
    return blanks


@page.lab
def square() -> None:
    """The gradient's length against temperature."""
    if gap.identical:
        st.info(t("identical"), icon=":material/content_copy:")
        return
    everything = gradients.gradients(gap)
    if not page.predict("doubling", everything.doubling):
        return
    sizes = {10: t("classes_best", count=10), 1000: t("classes_best", count=1000), 0: t("classes_all")}
    count = choice("classes", 0, t("classes"), list(sizes), sizes)
    found = gradients.gradients(gap.only(count)) if count else everything
    labels, other = t.group("norms"), t.group("cosines")
    key = "slopes" if found.shrinks > 1.5 else "slopes_hold"
    slopes = {"scaled": found.slope_scaled, "unscaled": found.slope_unscaled, "whole": found.shrinks}
    left, right = st.columns(2, gap="medium")
    with left:
        show(
            plots.norm_curve(found.temperatures, found.scaled, found.unscaled, found.limit, found.hard, labels),
            "gradient",
            labels["alt"].format(first=found.unscaled[0], last=found.unscaled[-1], scaled=found.scaled[-1]),
        )
        st.markdown(t(key, **slopes))
        st.markdown(t("balance", hard=found.hard, scaled=found.hard_over(True), unscaled=found.hard_over(False)))
    with right:
        ends = {"centred": found.centred[-1].item(), "raw": found.raw[-1].item()}
        show(
            plots.cosine_curve(found.temperatures, found.centred, found.raw, other),
            "cosine",
            other["alt"].format(**ends),
        )
        st.markdown(t("limit_line", **ends))
    st.badge(t("autograd", difference=found.worst), icon=":material/verified:", color="green", help=t("autograd_help"))
    with st.expander(page.lesson["derivation"].title, icon=":material/function:"):
        page.prose("derivation")
    chosen = f"gap.only({count})" if count else "gap"
    code("gradients", f"found = gradients.gradients({chosen})\nprint(found.scaled, found.unscaled, found.centred)")


@page.lab
def mistakes() -> None:
    """Wrong code, and what it does on these logits."""
    rows = lessons.table(page.slug, "snippets")
    names = {row["id"]: t("snippet_name", number=number) for number, row in enumerate(rows, start=1)}
    wrong = choice("snippet", rows[0]["id"], t("snippet"), list(names), names)
    st.code(next(row["code"] for row in rows if row["id"] == wrong).strip(), language="python")
    if not page.predict(wrong):
        return
    found = losses.consequence(gap, wrong)
    st.markdown(t(f"evidence.{wrong}", **found.numbers))
    if found.message:
        st.code(found.message, language=None, wrap_lines=True)
    if found.leak:
        labels, leak = t.group("leak"), found.leak
        show(plots.leak_curve(leak.shares, leak.loss, leak.gradient, labels), "leak", labels["alt"])


page.section("sentence")
with page.guard():
    text, which, gap = open_gap()
    entropies = [study.entropies(logits) for logits in (gap.teacher, gap.student)]
    for key, lab in (("soft", soft_labels), ("losses", three_losses), ("pushes", pushed), ("square", square)):
        page.section(key)
        lab()
    page.section("mistakes")
    mistakes()
for key, lab in (("kinds", kinds.definition), ("alike", kinds.alike)):
    page.section(key)
    page.lab(lambda lab=lab: lab(page))()
if experiments.stored():
    page.section("worth")
    page.lab(lambda: kinds.worth(page))()
    with st.expander(page.lesson["worth_reading"].title, icon=":material/menu_book:"):
        page.prose("worth_reading")
page.section("quiz")
page.quiz("why_square", "argmax", "infinity", "zero", "kl_ce", "definition")
page.section("sources")
