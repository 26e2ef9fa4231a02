"""The experiments page: which runs belong to which experiment, what was guessed, and the buttons that start and steer."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

import lessons
from core.errors import LabError
from core.labs.experiments import outcome as outcomes
from core.labs.experiments import plans as study
from core.labs.experiments import results
from core.labs.experiments.omitted_class import recall_after
from core.runs.queue import RunView
from core.runs.run import RESUMABLE
from core.runs.server import run_queue
from pages.kit import runs, start_run
from pages.kit.page import Page
from pages.kit.visitor import owner

BETWEEN = "~"
"""Separator of the names of an experiment's runs in the address."""

MOST = 12
"""Runs that an address may name for one experiment."""


def kind_name(page: Page, kind: str) -> str:
    """A kind in the learner's language; the temperature page has the words."""
    return lessons.labels("temperature", page.t.language)(f"kinds.{kind}")


def part_name(page: Page, key: str, part: str) -> str:
    """Name of one run of an experiment, for the learner."""
    if key == "masks":
        texts, way = part.split("-")
        return page.t(f"part.{way}", texts=f"{int(texts):,}")
    if key == "absent":
        return page.t("part.absent", part=kind_name(page, part))
    return page.t(f"part.{key}", part=f"{int(part):,}" if part.isdecimal() else f"{study.SIZES[key].texts[0]:,}")


# Which runs


def found(page: Page) -> dict[str, list[RunView]]:
    """By experiment: the runs that the address names, else the visitor's latest; none where there are none."""
    latest = _latest()
    made = {}
    for key in study.KEYS:
        named = [name for name in page.parameter(f"runs_{key}").split(BETWEEN) if name][:MOST]
        made[key] = _views(page, key, named) if named else latest.get(key, [])
    return made


def _latest() -> dict[str, list[RunView]]:
    """The visitor's latest whole set of runs of each experiment."""
    groups: dict[tuple[str, str], list[RunView]] = {}
    for view in runs.mine(study.PAGE):  # the latest first
        extra = view.plan["extra"]
        groups.setdefault((extra.get("experiment", ""), extra.get("group", "")), []).append(view)
    latest: dict[str, list[RunView]] = {}
    for (key, _), views in groups.items():
        wanted = views[0].plan["extra"].get("parts", [])
        by_part = {view.plan["extra"].get("part"): view for view in views}
        if key in study.KEYS and key not in latest and all(part in by_part for part in wanted):
            latest[key] = [by_part[part] for part in wanted]
    return latest


def _views(page: Page, key: str, names: list[str]) -> list[RunView]:
    """The named runs; an error is shown if one is gone or is none of this experiment's."""
    with page.guard():
        study.opened(key, names)
        return [run_queue().view(name) for name in names]
    page.set_parameter(f"runs_{key}", "")
    return []


def show(page: Page, key: str, names: list[str]) -> None:
    """Make these the runs of an experiment that the page shows, and the address names."""
    page.set_parameter(f"runs_{key}", BETWEEN.join(names))


def opened(key: str, views: list[RunView]):
    """The runs by part."""
    return study.opened(key, [view.name for view in views])


def summary(page: Page, key: str, views: list[RunView]) -> str:
    """In a line: what an experiment found, or how far it is."""
    t = page.t
    if not views:
        return t("not_yet")
    together = results.together(views)
    if together.status.active:
        return t("going")
    if together.state != "finished":
        return t("unfinished")
    try:
        made = opened(key, views)
        return found_line(page, key, made) if outcomes.ready(key, made) else t("ended")
    except LabError as error:
        return t(f"errors.{error.code}", **error.details)


def found_line(page: Page, key: str, made) -> str:
    """The numbers of a finished experiment in a line."""
    t, outcome = page.t, outcomes.outcome(key, made)
    if key == "matching":
        return t("found.matching", **{arm: outcome.mean(arm) for arm in ("square", "match", "plain", "control")})
    if key == "absent":
        (kind,) = made
        shares = {arm: recall_after(outcome, arm) for arm in ("distilled", "control")}
        return t("found.absent", kind=kind_name(page, kind).capitalize(), **shares)
    if key == "few":
        first, last = outcome[0].ends, outcome[-1].ends
        shares = {"control": first["control"].mean, "distilled": first["distilled"].mean}
        return t("found.few", least=outcome[0].number, unlabelled=last["unlabelled"].mean, **shares)
    if key == "steps":
        middle = outcome[len(outcome) // 2]
        return t("found.steps", number=middle.number, **{arm: end.mean for arm, end in middle.ends.items()})
    first, last = outcome[0], outcome[-1]
    return t("found.masks", least=first.texts, few=first.lead.mean, most=last.texts, many=last.lead.mean)


# The guess


def guess(page: Page, key: str, views: list[RunView]) -> tuple[int | None, bool]:
    """Request a guess; return it, and whether the result may be shown."""
    before = next((view.plan["extra"].get("prediction") for view in views if runs.is_mine(view)), None)
    done = bool(views) and results.together(views).state == "finished"
    chosen, may_see = start_run.guess(page, key, name=f"guess_{key}", private=True, before=before, may_skip=done)
    if chosen is not None and not done:
        st.caption(page.t("guess_kept"))
    return chosen, may_see


def judge(page: Page, key: str, guessed: int | None, answer: int | None) -> None:
    """Draw the outcome, next to the guess."""
    question = lessons.quiz(page.slug, page.t.language)[key]
    if answer is None:
        st.info(page.t("cannot_tell"), icon=":material/hourglass_empty:")
        return
    right = question.choices[answer]
    words = {"choice": right.text, "why": right.why}
    if guessed == answer:
        st.success(page.t("guess_right", **words), icon=":material/check:")
    elif guessed is None:
        st.info(page.t("came_out", **words), icon=":material/lightbulb:")
    else:
        st.warning(page.t("guess_wrong", **words), icon=":material/undo:")
    st.caption(page.t("source", source=question.source))


# Starting and steering


def launch(page: Page, key: str, views: list[RunView], guessed: int | None, choices: dict) -> None:
    """The button that starts an experiment, and what it will compute."""
    t, size = page.t, study.SIZES[key]
    together = results.together(views) if views else None
    if together is not None and together.status.active:
        return
    again = together is not None and together.state == "finished"
    changed = again and study.choices_of(views[0].plan) != choices
    if again and not changed:
        done = views[0].plan["seeds"]
        size = replace(size, seeds=study.next_seeds(done))
    wanted = study.parts(key, size, **choices)
    words = "run_other" if changed else "run_again" if again else "anew" if together is not None else "run_it"
    extent = study.extent(wanted)
    seeds = ", ".join(map(str, size.seeds))
    start_run.start(
        page,
        [part.plan for part in wanted],
        lambda steps: study.begin(
            key,
            owner(),
            title=lambda part: f"{t(f'names.{key}')} · {part_name(page, key, part)}",
            prediction=guessed,
            size=size,
            **choices,
        ),
        then=lambda names: show(page, key, names),
        name=f"start_{key}",
        label=t(words),
        kind="secondary" if again and not changed else "primary",
        help=t("run_again_help") if words == "run_again" else None,
        note=t("extent", runs=extent.runs, students=extent.students, steps=f"{extent.steps:,}", seeds=seeds),
        one_step=False,
    )


def bar(page: Page, views: list[RunView]) -> None:
    """Pause, or go on: for all runs of the experiment together. Who does not own them may only look."""
    t = page.t
    if not runs.is_mine(views[0]):
        st.caption(t("runs.not_yours"))
        return
    together = results.together(views)
    if together.status.active:
        st.button(t("pause"), key=page.key("pause"), icon=":material/pause:", on_click=_pause, args=(views,))
    elif together.state in RESUMABLE:
        st.markdown(t("not_finished"))
        st.button(
            t("go_on"),
            key=page.key("go_on"),
            icon=":material/play_arrow:",
            on_click=_go_on,
            args=(views,),
            type="primary",
        )


def _pause(views: list[RunView]) -> None:
    for view in reversed(views):  # those that wait first, else the next one would begin
        if run_queue().view(view.name).status.active:
            run_queue().pause(view.name)


def _go_on(views: list[RunView]) -> None:
    for view in views:
        if run_queue().view(view.name).resumable:
            run_queue().resume(view.name, owner())
