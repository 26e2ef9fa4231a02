"""The experiments page: the progress of the runs, and their results."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.labs.experiments import figures as plots
from core.labs.experiments import omitted_class as comeback
from core.labs.experiments import outcome as outcomes
from core.labs.experiments import plans as study
from core.labs.experiments import predictions as asked
from core.labs.experiments import results
from core.runs.queue import RunView
from core.runs.run import Run
from core.runs.server import run_queue
from pages.experiments import state
from pages.kit import runs, verdict
from pages.kit.page import Page

MEASURES = {"masks": "loss"}
"""Measure of an experiment, if it is not the accuracy."""


def live(page: Page, key: str, names: list[str]) -> None:
    """The run at work, drawn again and again: the bar, how far, the curves as they grow."""
    t = page.t
    views = [run_queue().view(name) for name in names]
    state.bar(page, views)
    runs.progress_line(page, results.together(views))
    now = next((view for view in views if view.status.active), views[-1])
    begun = now if now.status.done or now is views[0] else views[views.index(now) - 1]
    part = begun.plan["extra"]["part"]
    if len(views) > 1:
        st.markdown(t("part_now", part=state.part_name(page, key, part)))
    _ways(page, key, state.opened(key, [begun])[part], "live")


def finished(page: Page, key: str, views: list[RunView], guessed: int | None) -> None:
    """The result: what was guessed and what came out, the figures with all seeds, the conclusion, where to go on."""
    t = page.t
    made = state.opened(key, views)
    if outcomes.ready(key, made):
        outcome = outcomes.outcome(key, made)
    else:
        bar = st.progress(0.0, text=t("asking"))
        outcome = outcomes.outcome(key, made, lambda share: bar.progress(share, text=t("asking")))
        st.rerun()  # the overview above tells it too
    state.judge(page, key, guessed, outcomes.answer(key, outcome))
    st.markdown(f"#### {t('conclusion')}")
    RESULTS[key](page, made, outcome)
    _onward(page, key, made)


def matching(page: Page, made: dict[str, Run], found: asked.Limit) -> None:
    """Draw the verdicts on the need for T², and on soft labels as matching of logits."""
    t, labels, short = page.t, page.t.group("figure"), page.t.group("short")
    arms = ("square", "match", "plain", "control")
    numbers = {arm: found.mean(arm) for arm in arms} | {"count": asked.MEASURED}
    same = {"same": found.same("square", "match"), "other": found.same("square", "control")}
    st.markdown(t("says_matching.matches" if found.matches else "says_matching.matches_not", **numbers, **same))
    st.markdown(t("says_matching.fades" if found.fades.verdict == "better" else "says_matching.fades_not", **numbers))
    left, right = st.columns(2, gap="medium")
    with left:
        values = {arm: found.accuracy[arm] for arm in arms}
        shown = ", ".join(f"{labels[arm]} {found.mean(arm):.0%}" for arm in arms)
        page.figure(
            plots.seed_dots(values, found.teacher, labels),
            "accuracy",
            labels["alt_dots"].format(values=shown),
            lambda: _by_seed(page, values),
        )
    with right:
        pairs = (("square", "match"), ("square", "plain"), ("square", "control"), ("plain", "control"))
        rows = {
            labels["pair"].format(one=short[one], other=short[other]): found.agreement[tuple(sorted((one, other)))]
            for one, other in pairs
        }
        shown = ", ".join(f"{name} {max(values):.0%}" for name, values in rows.items())
        page.figure(
            plots.share_bars(rows, labels),
            "agreement",
            labels["alt_same"].format(values=shown),
            lambda: _by_seed(page, rows),
        )
    material = made["all"].written_plan["extra"]["material"]
    st.caption(t("says_matching.note", labels=material["labels"], texts=material["texts"]))
    _ways(page, "matching", made["all"], "ways")


def absent(page: Page, made: dict[str, Run], found: tuple[comeback.OmittedClass, ...]) -> None:
    """Draw the recall of the absent class, before and after correction."""
    t, labels = page.t, page.t.group("figure")
    ((part, run),) = made.items()
    kind, seen = state.kind_name(page, part), comeback.back(found, part)
    key = "says_absent.before" if seen.silent else "says_absent.before_some"
    st.markdown(t(key, kind=kind, distilled=seen.before["distilled"], control=seen.before["control"]))
    after = {"distilled": seen.after["distilled"], "control": seen.after["control"], "count": seen.count}
    others = {"others": seen.others, "others_after": seen.others_after}
    sides = t("verdict.distilled"), t("verdict.control")
    verdict.show(page, seen.back, *sides, t("recall_corrected", kind=kind))
    st.markdown(t("says_absent.after", kind=kind, **after, **others))
    page.figure(
        plots.trade_off(found, labels),
        "trade-off",
        labels["alt_trade"],
        lambda: pd.DataFrame(
            [(one.arm, one.seed, one.recall, one.others, one.bias, one.recall_after, one.others_after) for one in found]
        ).set_axis(
            [t("table_arm"), t("table_seed"), "recall", "others", "bias", "recall after", "others after"], axis=1
        ),
    )
    bias = {"distilled_bias": seen.bias["distilled"], "control_bias": seen.bias["control"]}
    st.caption(t("says_absent.note", kind=kind, **bias))
    _ways(page, "absent", run, "ways")


def few(page: Page, made: dict[str, Run], found: tuple[results.Budget, ...]) -> None:
    """Draw the gains from soft labels and from more texts at each budget."""
    t = page.t
    first, last = found[0], found[-1]
    unlabelled, distilled = last.ends["unlabelled"].mean, first.ends["distilled"].mean
    key = "says_few.texts_most" if unlabelled > distilled else "says_few.texts_not"
    st.markdown(t(key, texts=last.number, least=first.number, unlabelled=unlabelled, distilled=distilled))
    st.markdown("\n".join(_gain(page, "says_few", one, "distilled") for one in found))
    teacher = results.curves(made[str(last.number)]).teacher_accuracy
    _budgets(page, "few", found, ("distilled", "control"), teacher, "unlabelled")
    st.caption(t("says_few.note", steps=study.steps_of(made), teacher=teacher))


def steps(page: Page, made: dict[str, Run], found: tuple[results.Budget, ...]) -> None:
    """Draw the verdicts on the arms that lose with few steps."""
    t = page.t
    staged, plain = ([one.gains[arm].verdict for one in found] for arm in ("staged", "distilled"))
    key = "staged_loses" if staged[-1] == "worse" else "staged_catches" if "worse" in staged else "staged_holds"
    st.markdown(t(f"says_steps.{key}", most=found[-1].number))
    lines = [_gain(page, "says_steps", one, arm) for arm in ("staged", "distilled") for one in found]
    st.markdown("\n".join(lines))
    lost = [f"{one.number:,}" for one, said in zip(found, plain, strict=True) if said == "worse"]
    st.markdown(t("says_steps.plain_loses", where=", ".join(lost)) if lost else t("says_steps.plain_ties"))
    teacher = results.curves(made[str(found[-1].number)]).teacher_accuracy
    _budgets(page, "steps", found, ("distilled", "staged", "control"), teacher)
    _ways(page, "steps", made[str(found[-1].number)], "ways")


def masks(page: Page, made: dict[str, Run], found: tuple[results.Masks, ...]) -> None:
    """Static next to dynamic masks, on few texts and on many."""
    t, labels = page.t, page.t.group("figure")
    lines = []
    for one in found:
        head = t("says_masks.texts", texts=one.texts, epochs=one.epochs)
        sides = t("dynamic_student"), t("static_student")
        lines.append(f"- **{head}** {verdict.sentence(page, one.lead, *sides, t('verdict.loss'), 'nats')}")
    st.markdown("\n".join(lines))
    first = found[0]
    key = "says_masks.heart" if first.by_heart else "says_masks.heart_not"
    own = {"static": first.static.mean_learned, "dynamic": first.dynamic.mean_learned}
    st.markdown(t(key, texts=first.texts, **own))
    for column, one in zip(st.columns(len(found), gap="medium"), found, strict=True):
        ways = {way: results.curves(made[f"{one.texts}-{way}"]) for way in ("static", "dynamic")}
        with column:
            st.markdown(f"**{t('part.masks', part=t('part.matching', part=f'{one.texts:,}'))}**")
            page.figure(
                plots.way_lines(results.losses(ways), ways["static"].steps, None, labels, "loss"),
                f"masks-{one.texts}",
                labels["alt_masks"].format(texts=one.texts),
                lambda ways=ways: pd.concat([_table(page, seen, name) for name, seen in ways.items()]),
            )
    teacher = results.curves(made[f"{first.texts}-static"]).teacher_loss
    st.caption(t("says_masks.note", teacher=teacher))


RESULTS = {"matching": matching, "absent": absent, "few": few, "steps": steps, "masks": masks}


def _gain(page: Page, group: str, one: results.Budget, arm: str) -> str:
    """A line on what an arm is worth at one budget."""
    t = page.t
    said = verdict.sentence(page, one.gains[arm], t(f"taught.{arm}"), t("verdict.control"), t("verdict.accuracy"))
    return f"- **{t(f'{group}.number', number=one.number)}** {said}"


def _budgets(
    page: Page,
    key: str,
    found: tuple[results.Budget, ...],
    arms: tuple[str, ...],
    teacher: float | None,
    flat: str = "",
) -> None:
    labels = page.t.group("figure")
    labels["budget"] = labels[f"budget_{key}"]
    shown = "; ".join(
        f"{one.number:,}: " + ", ".join(f"{labels[arm]} {one.ends[arm].mean:.0%}" for arm in arms) for one in found
    )
    page.figure(
        plots.budget_dots(found, arms, teacher, labels, flat),
        "budgets",
        labels["alt_budget"].format(values=shown),
        lambda: pd.DataFrame(
            [
                (one.number, labels[arm], number, value)
                for one in found
                for arm, end in one.ends.items()
                for number, value in enumerate(end.accuracy)
            ]
        ).set_axis([labels["budget"], page.t("table_arm"), page.t("table_seed"), labels["accuracy"]], axis=1),
    )


def _ways(page: Page, key: str, run: Run, name: str) -> None:
    """The curves of one run, as far as it got."""
    labels, seen = page.t.group("figure"), results.curves(run)
    figure = plots.ways(seen, labels, MEASURES.get(key, "accuracy"))
    page.figure(figure, name, labels["alt_ways"], lambda: _table(page, seen, run.name))


def _table(page: Page, seen: results.Curves, name: str) -> pd.DataFrame:
    t = page.t
    rows = [
        (name, way.arm, way.seed, step, accuracy, loss)
        for way in seen.students
        for step, accuracy, loss in zip(way.steps, way.accuracy, way.loss, strict=True)
    ]
    columns = [t("table_part"), t("table_arm"), t("table_seed"), t("table_step")]
    return pd.DataFrame(rows, columns=[*columns, t("figure.accuracy"), t("figure.loss")])


def _by_seed(page: Page, rows: dict) -> pd.DataFrame:
    found = [(name, number, value) for name, values in rows.items() for number, value in enumerate(values)]
    return pd.DataFrame(found, columns=[page.t("table_arm"), page.t("table_seed"), page.t("figure.accuracy")])


def _onward(page: Page, key: str, made: dict[str, Run]) -> None:
    """Draw the links onward: the report and the curves of each run, and the same set-up to change."""
    t, language = page.t, page.t.language
    with st.container(horizontal=True, gap="medium"):
        for part, run in made.items():
            label = t("report") if len(made) == 1 else t("report_part", part=state.part_name(page, key, part))
            query = {"wi_run": run.name, "lang": language}
            st.page_link("worth_it/page.py", label=label, icon=":material/balance:", query_params=query)
        last = list(made.values())[-1]
        query = {"dl_run": last.name, "lang": language}
        st.page_link("distil/page.py", label=t("curves_link"), icon=":material/science:", query_params=query)
        preset = {f"dl_{name}": value for name, value in study.PRESETS[key].items()} | {"lang": language}
        st.page_link("distil/page.py", label=t("set_up"), icon=":material/tune:", query_params=preset)
    page.code("run", key=key, choices=study.choices_of(last.written_plan))
