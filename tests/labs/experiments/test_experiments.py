"""The five experiments: what they compare, what their runs found against the saved students, and the pictures before them."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
import torch

from core.data.kinds import KINDS, definitions, teacher_logits
from core.distill.evaluation import Evaluator
from core.distill.inputs.encoding import encode
from core.distill.students import open_for
from core.engine import ENGINE, Setting, default_setting
from core.errors import LabError
from core.folders import FOLDER_VARIABLE
from core.labs.experiments import outcome as outcomes
from core.labs.experiments import plans as study
from core.labs.experiments import predictions as answers
from core.labs.experiments import previews as looks
from core.labs.experiments import results
from core.labs.experiments.omitted_class import back, comebacks, recall_after
from core.measure.verdict import FEWEST, over_seeds
from core.runs.datasets import material_of
from core.runs.plan import RunPlan
from core.runs.queue import RunView
from core.runs.run import Status
from core.runs.server import close_run_queue, run_queue
from core.theory.temperature import soften

TINY = {
    "matching": study.Size(texts=(64,), steps=(3,), labels=32, seeds=(0, 1), held_out=40),
    "absent": study.Size(texts=(64,), steps=(3,), seeds=(0, 1), held_out=40),
    "few": study.Size(texts=(20, 64), steps=(3, 3), seeds=(0, 1), held_out=40),
    "steps": study.Size(texts=(64, 64), steps=(3, 4), seeds=(0,), held_out=40),
    "masks": study.Size(texts=(40,), steps=(3,), seeds=(0,), held_out=20),
}


# What they compare


@pytest.mark.parametrize("key", study.KEYS)
def test_every_experiment_has_a_control_that_differs_in_one_thing(key):
    wanted = study.parts(key)
    assert len({part.name for part in wanted}) == len(wanted)
    for part in wanted:
        plan = part.plan
        assert "control" in plan.arms and len(plan.seeds) >= 2
        assert {arm.student for arm in plan.arms.values()} == {study.STUDENT}
        assert RunPlan.from_dict(plan.to_dict()) == plan
    if key == "masks":  # here the control is the other way to mask: same plan, same texts
        for static, dynamic in zip(wanted[::2], wanted[1::2], strict=True):
            assert static.plan == dynamic.plan
            assert static.material == dynamic.material | {"static": True}


def test_the_four_students_of_the_first_experiment_differ_as_it_says():
    (part,) = study.parts("matching")
    terms = {name: arm.stages[0].objective.terms for name, arm in part.plan.arms.items()}
    square, plain, match = (terms[name][0] for name in ("square", "plain", "match"))
    assert replace(square, scaled=False) == plain and square.temperature == study.HOT
    assert match.kind == "matching" and match.weight == square.weight
    assert terms["square"][1] == terms["match"][1] == terms["plain"][1]


def test_the_absent_kind_is_in_no_text_that_a_student_reads():
    (part,) = study.parts("absent", TINY["absent"], kind="body")
    material = material_of(part.material)
    assert KINDS.index("body") not in material.texts.labels
    assert KINDS.index("body") in material.held_out.labels
    with pytest.raises(ValueError, match="not in tuple"):
        study.parts("absent", kind="unicorn")


def test_new_seeds_were_never_used():
    assert study.next_seeds((0, 1, 2)) == (3, 4, 5)
    assert study.extent(study.parts("few")) == study.Extent(3, 21, 21 * study.SIZES["few"].steps[0])


# What their runs found


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """All five, run to their end with a few steps each: the runs by part, by experiment."""
    with pytest.MonkeyPatch.context() as patch:
        close_run_queue()
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("data")))
        names = {key: study.begin(key, "me", size=TINY[key], prediction=1) for key in study.KEYS}
        found = {key: study.opened(key, names[key]) for key in study.KEYS}
        everything = [run for runs in found.values() for run in runs.values()]
        deadline = time.monotonic() + 240
        while not results.finished(everything) and time.monotonic() < deadline:
            assert not any(run.status().state in ("failed", "interrupted") for run in everything)
            time.sleep(0.2)
        assert results.finished(everything)
        yield found
        close_run_queue()


def saved(run, arm: str, seed: int):
    return open_for(run.student_folder(arm, seed), "single_label")


def test_the_ends_are_the_saved_students_on_the_held_out_texts(finished):
    run = finished["few"]["20"]
    end = results.ends(finished["few"])["20", "control"]
    held_out = material_of(study.parts("few", TINY["few"])[0].material).held_out
    for seed, accuracy, loss in zip((0, 1), end.accuracy, end.loss, strict=True):
        scores = Evaluator(held_out).scores(saved(run, "control", seed))
        assert scores.accuracy == pytest.approx(accuracy) and scores.loss == pytest.approx(loss, rel=1e-4)


def test_only_the_arm_without_labels_reads_none(finished):
    few, many = results.budgets(finished["few"])
    assert "unlabelled" in many.ends and "unlabelled" not in few.ends
    assert not many.ends["unlabelled"].learned and len(many.ends["control"].learned) == 2
    gain = many.gains["distilled"]
    assert gain == over_seeds(many.ends["distilled"].accuracy, many.ends["control"].accuracy, grain=1 / 40)


def test_what_is_said_of_the_absent_kind_is_what_the_students_say(finished):
    ((kind, run),) = finished["absent"].items()
    told = []
    found = outcomes.outcome("absent", finished["absent"], told.append)
    assert told[0] == 0 and told[-1] == 1 and outcomes.ready("absent", finished["absent"])
    rows, absent = definitions("test")[: answers.MEASURED], KINDS.index(kind)
    labels = torch.tensor([row.kind for row in rows])
    tokenizer = ENGINE.checkpoint(Setting("kinds-teacher", ""), "kinds-teacher").tokenizer
    logits = Evaluator(encode(tokenizer, [row.text for row in rows], labels.tolist())).logits(
        saved(run, "distilled", 1)
    )
    one = next(one for one in found if (one.arm, one.seed) == ("distilled", 1))
    logits[:, absent] += one.bias
    said = logits.argmax(-1)
    assert float((said[labels == absent] == absent).double().mean()) == pytest.approx(one.recall_after, abs=0.03)
    assert abs(int((said == absent).sum()) - int((labels == absent).sum())) <= 2  # named as often as it occurs
    seen = back(found, kind)
    assert seen.count == int((labels == absent).sum()) and seen.after["control"] == recall_after(found, "control")


def test_answers_are_asked_once_and_mended_if_their_file_is_cut(finished):
    run = finished["matching"]["all"]
    first = answers.answers(run, count=30)
    again = answers.answers(run, lambda share: pytest.fail("asked again"), count=30)
    assert all(torch.equal(first.students[whose], again.students[whose]) for whose in first.students)
    assert torch.equal(first.teacher, teacher_logits("test")[:30])
    file = run.folder / answers.FILE
    file.write_bytes(file.read_bytes()[:100])
    mended = answers.answers(run, count=30)
    assert all(torch.equal(first.students[whose], mended.students[whose]) for whose in first.students)


def test_masks_compare_losses_seed_by_seed(finished):
    (found,) = results.masks(finished["masks"])
    ends = results.ends(finished["masks"])
    static, dynamic = ends["40-static", "control"], ends["40-dynamic", "control"]
    assert found.lead == over_seeds(dynamic.loss, static.loss, smaller_is_better=True)
    assert found.lead.verdict == "too_few"
    assert found.epochs == 3 * 32 / 40 and found.texts == 40


@pytest.mark.parametrize("key", study.KEYS)
def test_one_or_two_seeds_answer_no_question(finished, key):
    assert outcomes.answer(key, outcomes.outcome(key, finished[key])) is None


@pytest.mark.parametrize("key", study.KEYS)
def test_every_experiment_has_seeds_enough_for_a_verdict(key):
    assert len(study.SIZES[key].seeds) >= FEWEST


def end(*accuracy: float) -> results.End:
    return results.End(accuracy, accuracy, accuracy, 300)


def test_an_answer_needs_a_clear_lead():
    def few(unlabelled):
        ends = {"control": end(0.2, 0.21, 0.22), "distilled": end(0.3, 0.31, 0.32)}
        found = [results.Budget(60, ends, {}), results.Budget(2000, {**ends, "unlabelled": end(*unlabelled)}, {})]
        return outcomes.answer("few", found)

    def steps(staged):
        ends = {"control": end(0.5, 0.52, 0.51), "distilled": end(0.6, 0.62, 0.61), "staged": end(*staged)}
        return outcomes.answer("steps", [results.Budget(15, ends, {})])

    assert few((0.60, 0.62, 0.61)) == 2 and few((0.1, 0.12, 0.11)) == 1
    assert few((0.40, 0.30, 0.32)) is None  # ahead in the mean, by one lucky seed
    assert steps((0.2, 0.21, 0.22)) == 2 and steps((0.7, 0.71, 0.72)) == 0
    assert steps((0.50, 0.51, 0.52)) is None

    def masks(few, many):
        made = [
            results.Masks(texts, 10.0, end(), end(), over_seeds(lead, (0.0,) * 3, smaller_is_better=True))
            for texts, lead in ((100, few), (1280, many))
        ]
        return outcomes.answer("masks", made)

    assert masks((-0.5, -0.52, -0.51), (-0.4, -0.41, -0.42)) == 0
    assert masks((-0.5, -0.52, -0.51), (-0.01, 0.01, 0.0)) == 1
    assert masks((-0.5, 0.5, 0.1), (-0.4, -0.41, -0.42)) == 2


def test_runs_say_which_experiment_they_are_of(finished):
    extra = finished["steps"]["4"].written_plan["extra"]
    assert extra["page"] == "experiments" and extra["parts"] == ["3", "4"] and extra["prediction"] == 1
    assert extra["material"]["texts"] == 64 and extra["material"]["kind"] == "kinds"
    name = finished["few"]["20"].name
    with pytest.raises(LabError):
        study.opened("steps", [name])
    with pytest.raises(LabError):
        study.opened("few", ["../../etc"])


def test_several_runs_stand_as_one(finished):
    views = [run_queue().view(run.name) for run in finished["few"].values()]
    whole = results.together(views)
    assert whole.state == "finished" and whole.status.done == whole.status.steps == 12
    plan = views[0].plan
    going = RunView("a", "", Status("running", 2, 6, per_second=2.0, seconds_left=2.0), plan=plan)
    waiting = RunView("b", "", Status("queued", 0, 6), plan=plan)
    both = results.together([going, waiting])
    assert (both.state, both.status.done, both.status.steps) == ("running", 2, 12)
    assert both.status.seconds_left == pytest.approx(2 + 3)  # six more steps of the same students, two a second


# Conclusions


def known(students: dict, labels: torch.Tensor, teacher: torch.Tensor) -> answers.Answers:
    return answers.Answers(students, teacher, labels)


def test_a_comeback_is_what_a_raised_bias_gives():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 16, (400,), generator=generator)
    logits = torch.randn(400, 16, generator=generator) + 2 * torch.nn.functional.one_hot(labels, 16)
    logits[:, 2] -= 3
    teacher = torch.randn(400, 16, generator=generator)
    one, judge = comebacks(known({("distilled", 0): logits}, labels, teacher), "food")
    assert judge.arm == "teacher"

    def brute(bias: float) -> tuple[float, float]:
        said = (logits + bias * torch.nn.functional.one_hot(torch.tensor(2), 16)).argmax(-1)
        right = said == labels
        return float(right[labels == 2].double().mean()), float(right[labels != 2].double().mean())

    assert (one.recall, one.others) == pytest.approx(brute(0.0))
    assert (one.recall_after, one.others_after) == pytest.approx(brute(one.bias + 1e-4), abs=0.01)
    assert one.recall_after > one.recall and one.others_after < one.others
    assert (one.found[0], one.price[-1]) == (0, 0) and (one.found[-1]) == 1
    assert (one.found.diff() >= 0).all() and (one.price.diff() <= 0).all()


def test_the_limit_is_seen_in_who_agrees_with_whom():
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 16, (300,), generator=generator)

    def like(other: torch.Tensor, noise: float) -> torch.Tensor:
        return other + noise * torch.randn(300, 16, generator=generator)

    truth = 3.0 * torch.nn.functional.one_hot(labels, 16)
    students = {}
    for seed in range(3):
        square = like(truth, 1.0)
        students |= {
            ("square", seed): square,
            ("match", seed): like(square, 0.2),
            ("control", seed): like(truth, 3.0),
            ("plain", seed): like(truth, 3.0),
        }
    found = answers.limit(known(students, labels, truth))
    assert found.matches and found.fades.verdict == found.gain.verdict == "better" and found.teacher == 1.0
    assert outcomes.answer("matching", found) == 1
    assert found.same("square", "match") == found.same("match", "square") > found.same("square", "control")
    students |= {("plain", seed): like(students["square", seed], 0.1) for seed in range(3)}
    assert answers.limit(known(students, labels, truth)).fades.verdict != "better"
    alone = {whose: logits for whose, logits in students.items() if whose[1] == 0}
    assert answers.limit(known(alone, labels, truth)).fades.verdict == "too_few"


# Before they run


def test_the_pull_is_hintons_formula_and_becomes_matching():
    found = looks.gradient_alignments(ENGINE, default_setting())
    student = looks.logits_of(ENGINE, default_setting(), found.student)
    teacher = teacher_logits("test")[: looks.READ].double()
    for pull in found.pulls:
        hot = pull.temperature
        closed = (soften(student, hot) - soften(teacher, hot)) * hot
        torch.testing.assert_close(pull.gradient / 16, closed[: looks.SHOWN], rtol=1e-6, atol=1e-9)
        assert pull.length == pytest.approx(float(closed.norm(dim=-1).mean()))
        assert pull.plain == pytest.approx(pull.length / hot**2)
    cosines = [pull.cosine for pull in found.pulls]
    assert cosines == sorted(cosines) and cosines[-1] > 0.999
    torch.testing.assert_close(found.at(100.0).gradient, found.at(100.0).difference, rtol=0.1, atol=0.05)
    assert found.at(100.0).length == pytest.approx(found.limit, rel=0.02)


def test_carriers_are_the_teachers_own_numbers():
    found = looks.evidence("food", 4.0, texts=500)
    rows = [i for i, row in enumerate(definitions("transfer")) if row.kind != 2][:500]
    plants = [i for i in rows if definitions("transfer")[i].kind == 1]
    expected = soften(teacher_logits("transfer")[plants].double(), 4.0)[:, 2].mean()
    assert float(found.shares[1]) == pytest.approx(float(expected)) and found.shares[2].isnan()
    assert found.count[1] == len(plants) and found.count[2] == 0 and "food" not in found.largest


def test_a_shelf_counts_labels_and_the_teachers_mass():
    found = looks.label_counts(60, texts=300)
    assert int(found.labels.sum()) == 60 and float(found.teacher.sum()) == pytest.approx(300)
    assert found.none == int((found.labels == 0).sum())


def test_the_staged_student_is_asked_late():
    rows = looks.lessons_heard(study.SIZES["steps"], [stage.share for stage in study.STAGED])
    staged = [row for row in rows if row.arm == "staged"]
    assert [row.inside + row.head for row in staged] == list(study.SIZES["steps"].steps)
    assert all(row.inside >= row.head - 1 > 0 for row in staged)
    assert all(row.inside == 0 for row in rows if row.arm != "staged")


def test_static_masks_cover_what_the_first_epoch_covers_and_no_more():
    found = looks.mask_coverage(study.WORDS_TEACHER, 30, 6)
    assert len(set(found.static)) == 1 and found.dynamic[0] == found.static[0]
    assert list(found.dynamic) == sorted(found.dynamic) and found.dynamic[-1] == pytest.approx(
        found.expected[-1], abs=0.1
    )
    assert found.static_rows[0] == found.static_rows[-1] == found.dynamic_rows[0] != found.dynamic_rows[1]
    shown = looks.hidden_text(found.example, found.static_rows[0])
    assert shown.count("[MASK]") == len(found.static_rows[0]) and "[CLS]" not in shown and "[SEP]" not in shown
