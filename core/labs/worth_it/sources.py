"""Sources of reports: the shipped pair with its stored experiment, or the finished students of a run.

report = shipped()
report = of_run(open_run("20261122-081500-a1b2c3"))                # see `core.runs.index`
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import nn

from core.data import kinds
from core.distill.forward import observed
from core.distill.inputs.encoding import encode
from core.distill.inputs.texts import TokenizedTexts
from core.distill.objectives.objective import stages_to_list, trains_head
from core.distill.students import open_for
from core.engine import ENGINE, Engine, Setting, card
from core.errors import LabError
from core.labs.worth_it.predictions import Answers, answers, from_logits, majority, quality
from core.labs.worth_it.report import Report, Series, Trained, series
from core.measure import label_budgets as stored
from core.memory import RecentlyUsed
from core.runs.plan import RunPlan, StudentPlan
from core.runs.run import Run
from core.runs.storage import load_texts

TEACHER, STUDENT = "kinds-teacher", "kinds-student"
"""The shipped pair that the page opens on."""

DISTILLED, CONTROL = "distilled", "control"

_KEPT = 24

_reports = RecentlyUsed(_KEPT)

Progress = Callable[[float], None]


def opened(engine: Engine, source: str, task: str, device: str = "cpu") -> nn.Module:
    """A model to run: from the engine's cache if the catalogue has it, else from its folder.

    Raises:
        LabError: as `core.models.load` and `open_for`.
    """
    if card(source) is not None:
        return engine.checkpoint(Setting(source, "", device), source).model
    return observed(open_for(source, task, device)).requires_grad_(False)


# The shipped pair


def shipped(engine: Engine = ENGINE, on_progress: Progress = lambda share: None) -> Report:
    """Report of the pair for WordNet supersenses: its stored experiment over the seeds, else its cards and one live measurement.

    Raises:
        LabError: `missing_pair`, `missing_data`, and as `core.models.load`.
    """
    for name, role in ((TEACHER, "teacher"), (STUDENT, "student")):
        if card(name) is None:
            raise LabError("missing_pair", role=role)
    key = ("shipped", stored.stored())
    return _reports.get(key, lambda: _from_experiment() if stored.stored() else _from_cards(engine, on_progress))


def shipped_texts(engine: Engine = ENGINE, count: int | None = None) -> TokenizedTexts:
    """The definitions of the test split, used for neither training nor selection, or the first of them."""
    rows = kinds.definitions("test")[:count]
    tokenizer = engine.checkpoint(Setting(TEACHER, STUDENT), TEACHER).tokenizer
    return encode(tokenizer, [row.text for row in rows], [row.kind for row in rows], longest=64)


def _from_experiment() -> Report:
    """One label budget of `core.build.train.kinds_experiment`, at the temperature that was run at every budget."""
    found = kinds.experiment()
    accuracy = stored.experiment("accuracy")
    budget, temperature = accuracy.budget, accuracy.temperature
    teacher, labels = found["teacher"], [row.kind for row in kinds.definitions("test")]

    def arm(at: float | None) -> Series:
        rows = [row for row in found["runs"] if (row["labels"], row["temperature"]) == (budget, at)]
        rows.sort(key=lambda row: row["seed"])
        columns = {name: tuple(row[name] for row in rows) for name in ("seed", "accuracy", "agreement", "ece")}
        return Series(*columns.values(), bins=stored.reliability_of(budget, at))

    arms = {DISTILLED: arm(temperature), CONTROL: arm(None)}
    numbers = {
        "labels": budget,
        "texts": found["recipe"]["transfer"],
        "T": temperature,
        "steps": found["recipe"]["steps"],
        "seeds": accuracy.seeds,
    }
    return Report(
        name="",
        folder="",
        title="",
        task="single_label",
        teacher=Series((0,), (teacher["accuracy"],), (1.0,), (teacher["ece"],), stored.reliability_of(0, None)),
        arms=arms,
        control=CONTROL,
        rows=len(labels),
        labelled=len(labels),
        majority=max(map(labels.count, labels)) / len(labels),
        models=_shipped_models(),
        facts={"teacher": TEACHER},
        notes=(("stored", numbers),),
    )


def _from_cards(engine: Engine, on_progress: Progress) -> Report:
    """Report with the shipped student measured now, and the control from the student's card, as its weights are not shipped."""
    texts = shipped_texts(engine)
    teacher = from_logits(kinds.teacher_logits("test"), texts)
    student = answers(opened(engine, STUDENT, texts.task), texts, engine.turn, on_progress)
    known = card(STUDENT).metrics[CONTROL]
    control = Series((0,), (known["accuracy"],), (known["agreement"],), (known["ece"],))
    return Report(
        name="",
        folder="",
        title="",
        task=texts.task,
        teacher=series({0: quality(teacher, teacher)}),
        arms={DISTILLED: series({0: quality(student, teacher)}), CONTROL: control},
        control=CONTROL,
        rows=len(texts),
        labelled=texts.labelled,
        majority=majority(teacher),
        models=_shipped_models(),
        facts={"teacher": TEACHER},
        notes=(("card", {}),),
    )


def _shipped_models() -> tuple[Trained, ...]:
    return Trained("teacher", TEACHER), Trained(DISTILLED, STUDENT, same_shape=(CONTROL,))


# Runs


def of_run(run: Run, engine: Engine = ENGINE, on_progress: Progress = lambda share: None) -> Report:
    """Run every finished student of a run, and its teacher, on its held-out texts.

    A run that was stopped or failed is reported by the seeds whose students exist, with a note.

    Args:
        on_progress: called with the share of the work that is done.

    Raises:
        LabError: `run_missing`, `broken_run`, `run_unfinished`, `nothing_held_out`; the error that stopped the run (such as
            `nan_loss`) if it left no student; and as `open_for`.
    """
    plan, status = run.plan, run.status()
    seeds = [seed for seed in plan.seeds if all(_is_whole(run.student_folder(arm, seed)) for arm in plan.arms)]
    if not seeds:
        if status.lab_error is not None:
            raise status.lab_error
        if status.state == "finished":
            raise LabError("broken_run", name=run.name, reason="students: none is whole")
        raise LabError("run_unfinished", name=run.name, done=status.done, steps=status.steps)
    if not (run.folder / "held_out.safetensors").exists():
        raise LabError("nothing_held_out", name=run.name)
    key = (str(run.folder), (run.folder / "run.json").stat().st_mtime_ns, tuple(seeds), status.state, status.done)
    return _reports.get(key, lambda: _of_students(run, plan, seeds, engine, on_progress))


def held_out_of(run: Run) -> TokenizedTexts:
    """The held-out texts of a run; masked words as in epoch 0.

    Raises:
        LabError: `broken_run`.
    """
    return load_texts(run.folder / "held_out.safetensors").at_epoch(0)


def _of_students(run: Run, plan: RunPlan, seeds: list[int], engine: Engine, on_progress: Progress) -> Report:
    on_progress(0.0)
    texts, parts = held_out_of(run), len(seeds) * len(plan.arms) + 1
    asked = 0

    def ask(source: str) -> Answers:
        nonlocal asked
        begun = asked / parts
        model = opened(engine, source, texts.task)
        found = answers(model, texts, engine.turn, lambda share: on_progress(begun + share / parts))
        asked += 1
        return found

    known = run.folder / "known_logits.safetensors"
    logits = load_file(known).get("held_out") if known.exists() else None
    teacher = ask(plan.teachers[0]) if logits is None else from_logits(logits, texts)
    arms = {
        arm: series({seed: quality(ask(str(run.student_folder(arm, seed))), teacher) for seed in seeds})
        for arm in plan.arms
    }
    on_progress(1.0)
    return Report(
        name=run.name,
        folder=str(run.folder),
        title=plan.title,
        task=texts.task,
        teacher=series({0: quality(teacher, teacher)}),
        arms=arms,
        control=_control_of(plan),
        rows=len(teacher.said),
        labelled=int((teacher.labels >= 0).sum()),
        majority=majority(teacher),
        models=_models(run, plan, seeds[0]),
        facts=_facts(plan),
        notes=tuple(_notes(run, plan, seeds)),
        headless=frozenset(name for name, arm in plan.arms.items() if not trains_head(stages_to_list(arm.stages))),
    )


def _is_whole(folder: Path) -> bool:
    return (folder / "config.json").exists() and any(folder.glob("*.safetensors"))


def _control_of(plan: RunPlan) -> str | None:
    """The arm named "control", else the first whose objective needs no teacher."""
    alone = [arm for arm in plan.arms if not any(stage.objective.needs_teacher for stage in plan.arms[arm].stages)]
    return CONTROL if CONTROL in alone else alone[0] if alone else None


def _models(run: Run, plan: RunPlan, seed: int) -> tuple[Trained, ...]:
    """The teacher, and of each arm the student of the first seed; arms of one shape cost the same."""
    shapes = {arm: _shape(one.student) for arm, one in plan.arms.items()}
    students = (
        Trained(
            arm,
            str(run.student_folder(arm, seed)),
            tuple(other for other in plan.arms if other != arm and shapes[other] == shapes[arm]),
        )
        for arm in plan.arms
    )
    return Trained("teacher", plan.teachers[0]), *students


def _shape(student: StudentPlan) -> tuple:
    """The fields of a plan that determine a student's size and speed."""
    if student.layers is not None or student.folder is not None:
        return student.layers, student.folder
    return student.depth, student.width, student.heads, student.feed_forward, student.labels


def _facts(plan: RunPlan) -> dict[str, Any]:
    return {
        "teacher": ", ".join(Path(name).name for name in plan.teachers),
        "steps": plan.training.steps,
        "seeds": len(plan.seeds),
        "page": str(plan.extra.get("page", "")),
    }


def _notes(run: Run, plan: RunPlan, seeds: list[int]) -> list[tuple[str, dict[str, Any]]]:
    status, found = run.status(), []
    if status.state != "finished":
        found.append(("cut", {"done": status.done, "steps": status.steps, "seeds": len(seeds), "all": len(plan.seeds)}))
    if len(seeds) == 1:
        found.append(("one_seed", {}))
    if _control_of(plan) is None:
        found.append(("no_control", {}))
    if len(plan.teachers) > 1:
        found.append(("teachers", {"count": len(plan.teachers), "first": plan.teachers[0]}))
    return found
