"""The temperature page's second task: definitions and the 16 kinds of things that they define."""

import pandas as pd
import streamlit as st

import lessons
from core.charts.figures import percent
from core.charts.reliability import reliability_diagram
from core.engine import ENGINE, models_for
from core.labs.temperature import supersense_figures as plots
from core.labs.temperature import supersenses as study
from core.measure import label_budgets as experiments
from core.source import weights_of
from core.theory.temperature import TEMPERATURES
from pages.kit import verdict
from pages.kit.page import Page, code_span


def names(page: Page, kinds: list[str] | tuple[str, ...]) -> list[str]:
    """The kinds in the learner's language."""
    words = page.t.group("kinds")
    return [words[kind] for kind in kinds]


def definition(page: Page) -> None:
    """One definition, two soft labels."""
    t = page.t
    text = page.sentence("definition", t("your_definition"), examples=lessons.table(page.slug, "definitions"))
    temperature = page.stops("kind_temp", 1, t("temperature"), TEMPERATURES, format_func="{:g}".format)
    found = study.verdict(ENGINE, page.setting, text)
    teacher, student = models_for(page.setting, study.TASK)
    page.notices(ENGINE.tokens(page.setting, teacher, text))
    seen = study.view(found, temperature)
    first, second, third = names(page, seen.order[:3])
    shares = [percent(float(share)) for share in seen.teacher[:3]]
    st.markdown(t("soft_says", first=first, p=shares[0], second=second, q=shares[1], third=third, r=shares[2]))
    key = "student_agrees" if seen.said == 0 else "student_differs"
    st.markdown(t(key, kind=names(page, seen.order)[seen.said], p=percent(float(seen.student[seen.said]))))
    with st.grid(3, min_column_width=120):
        st.metric(t("effective_kinds"), f"{seen.effective:.2f}", help=t("help.effective"), border=True)
        st.metric(t("dark_kinds"), percent(seen.dark), help=t("help.dark"), border=True)
        st.metric(t("dark_at_one"), percent(seen.dark_before), border=True)
    labels = t.group("kind_bars")
    rows = names(page, seen.order)
    page.figure(
        plots.kind_bars(rows, seen.teacher, seen.student, labels),
        "kinds",
        labels["alt"].format(T=temperature, first=first, p=shares[0], second=second, q=shares[1]),
        lambda: pd.DataFrame({t("kind"): rows, labels["teacher"]: seen.teacher, labels["student"]: seen.student}),
    )
    st.caption(t("asked_models", teacher=code_span(teacher), student=code_span(student)))
    models = {"teacher": teacher, "student": student}
    folders = {f"{role}_folder": weights_of(name) for role, name in models.items()}
    page.code("verdict", text=text, temperature=temperature, **models, **folders)


def alike(page: Page) -> None:
    """Kinds against kinds: the teacher's mistakes, and what its right answers say of the wrong kinds."""
    t = page.t
    options = {name: t(f"map_of.{name}") for name in ("similarity", "confusion")}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        which = page.choice(
            "map",
            "similarity",
            t("map"),
            list(options),
            format_func=options.__getitem__,
        )
        temperature = (
            page.stops("map_temp", 2, t("temperature"), TEMPERATURES, format_func="{:g}".format)
            if which == "similarity"
            else 1
        )
    found = study.similarity(temperature) if which == "similarity" else study.confusion()
    one, other, share = found.pair
    one, other = names(page, [one, other])
    numbers = {"accuracy": percent(found.accuracy), "count": int(found.count.sum()), "share": percent(share)}
    st.markdown(t(f"{which}_line", one=one, other=other, T=temperature, **numbers))
    labels, rows = t.group("kind_map"), names(page, study.KINDS)
    page.figure(
        plots.kind_map(rows, found.shares, found.count.tolist(), labels | {"other": labels[f"other_{which}"]}),
        f"map-{which}",
        labels["alt"].format(what=options[which], one=one, other=other, share=numbers["share"]),
        lambda: pd.DataFrame(found.shares, index=rows, columns=rows).reset_index(names=t("kind")),
    )
    page.code(which, **({"temperature": temperature} if which == "similarity" else {}))


def worth(page: Page) -> None:
    """The stored experiment: what a teacher is worth at each label budget and temperature."""
    t = page.t
    accuracy = experiments.experiment("accuracy")
    _, _, gain = accuracy.at(accuracy.budget)
    blanks = {"budget": f"{accuracy.budget:,}", "texts": f"{accuracy.all_labels:,}", "points": round(100 * gain.mean)}
    if not page.predict("worth", experiments.size_of(gain), **blanks):
        return
    options = {name: t(f"measure_of.{name}") for name in experiments.MEASURES}
    measure = page.choice(
        "measure",
        "accuracy",
        t("measure"),
        list(options),
        format_func=options.__getitem__,
    )
    found = experiments.experiment(measure)
    sides = t("verdict.distilled"), t("without_teacher")
    word = "calibration" if measure == "ece" else measure
    for arm, gain in zip(found.alone, found.gains, strict=True):
        said = verdict.sentence(page, gain, *sides, t(f"verdict.{word}"), "ece" if measure == "ece" else "points")
        st.markdown(f"- **{t('budget_labels', budget=arm.labels)}** {said}")
    st.caption(t("experiment_note", seeds=found.seeds, all=found.all_labels, T=found.temperature))
    labels = t.group("experiment") | {"measure": options[measure]}
    labels["all"] = labels["all"].format(count=found.all_labels)
    labels["distilled"], at_budget = labels["distilled"].format(T=found.temperature), labels["at_budget"]
    left, right = st.columns(2, gap="medium")
    with left:
        level = None if measure == "agreement" else found.teacher
        few = {"alone": found.alone[0].mean, "distilled": found.distilled[0].mean, "budget": found.alone[0].labels}
        page.figure(
            plots.by_budget(found.alone, found.distilled, level, labels),
            f"budget-{measure}",
            labels["alt_budget"].format(measure=options[measure], **few),
            lambda: _table(found.alone + found.distilled),
        )
    with right:
        labels |= {"distilled": at_budget.format(budget=found.budget)}
        best = {"best": found.best_temperature, "budget": found.budget}
        page.figure(
            plots.by_temperature(found.warmed, found.at(found.budget)[0], labels),
            f"temperature-{measure}",
            labels["alt_temperature"].format(measure=options[measure], **best),
            lambda: _table(found.warmed),
        )
        st.markdown(t("best_temperature", measure=options[measure], **best))
    calibration(page, accuracy)
    page.code("experiment", measure=measure)


def calibration(page: Page, accuracy: experiments.Experiment) -> None:
    """The reliability diagram of one label budget."""
    t = page.t
    budgets = [arm.labels for arm in accuracy.alone]
    label = t("reliability_budget")
    budget = page.choice("budget", accuracy.budget, label, budgets, format_func="{:,}".format)
    labels = t.group("reliability")
    curves = [
        (labels["distilled"].format(T=accuracy.temperature), "distilled", accuracy.temperature),
        (labels["alone"], "alone", None),
    ]
    bins = [(name, whose, experiments.reliability_of(budget, at)) for name, whose, at in curves]
    bins.append((labels["teacher"], "teacher", experiments.reliability_of(0, None)))
    errors = {whose: found.ece for _, whose, found in bins}
    page.figure(
        reliability_diagram(bins, labels),
        "reliability",
        labels["alt"].format(budget=budget, **errors),
        lambda: pd.concat(
            pd.DataFrame(
                {"model": name, "confidence": one.confidence, "accuracy": one.accuracy, "predictions": one.count}
            )
            for name, _, one in bins
        ),
    )
    st.markdown(t("reliability_line", budget=budget, **errors))


def _table(arms: tuple[experiments.Arm, ...]) -> pd.DataFrame:
    """Every seed of some arms."""
    return pd.DataFrame(
        {"labels": arm.labels, "temperature": arm.temperature, "seed": seed, "value": value}
        for arm in arms
        for seed, value in enumerate(arm.values)
    )
