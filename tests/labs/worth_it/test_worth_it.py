"""Reports: of the shipped pair and of real tiny runs, with verdicts that follow from the numbers, and costs of real models."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from core.data.kinds import definitions, teacher_logits
from core.distill.evaluation import Evaluator
from core.distill.inputs.texts import UNLABELLED
from core.distill.objectives.objective import CONTROL, mixture
from core.distill.students import open_for
from core.distill.training import TrainingConfig
from core.engine import ENGINE
from core.errors import LabError
from core.folders import FOLDER_VARIABLE
from core.labs.worth_it import costs, sources
from core.labs.worth_it.predictions import answers, from_logits, quality
from core.labs.worth_it.report import Report, Series
from core.measure import label_budgets as kinds_experiment
from core.measure.calibration import expected_calibration_error
from core.runs.datasets import TEACHER, kinds_material, words_material
from core.runs.index import at_work, finished_runs, open_run
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.process.session import Session
from core.runs.run import Run

STUDENT = StudentPlan(depth=1, width=32, heads=2)


def made(folder, plan, material, steps=None, labels=True):
    """A run that was worked on in this process."""
    held_out = material.held_out
    if not labels:
        held_out = held_out.without_labels(range(len(held_out)))
    run = Run.create(folder, plan, material.texts, held_out, material.logits, material.held_out_logits)
    Session(run).train(steps=steps)
    return run


@pytest.fixture(scope="module")
def kinds_plan():
    arms = {"distilled": ArmPlan(STUDENT, mixture(0.9, 2.0)), "control": ArmPlan(STUDENT, CONTROL)}
    training = TrainingConfig(steps=4, learning_rate=2e-3)
    return RunPlan("<b>tiny</b>", "single_label", (TEACHER,), arms, training, (0, 1, 2), measure_every=4, snapshots=1)


@pytest.fixture(scope="module")
def small():
    return kinds_material(texts=64, labels=32, held_out=60)


@pytest.fixture(scope="module")
def run(tmp_path_factory, kinds_plan, small):
    return made(tmp_path_factory.mktemp("runs") / "tiny", kinds_plan, small)


def test_a_report_says_what_the_run_measured_itself(run):
    report = sources.of_run(run)
    last = {line["seed"]: line["scores"] for line in run.metrics()[0] if line.get("number") == 4 and "scores" in line}
    for arm, found in report.arms.items():
        assert found.seeds == (0, 1, 2)
        assert found.accuracy == pytest.approx([last[seed][arm]["accuracy"] for seed in found.seeds])
        assert found.agreement == pytest.approx([last[seed][arm]["agreement"] for seed in found.seeds])
    assert report.teacher.accuracy[0] == pytest.approx(last[0]["teacher"]["accuracy"])
    assert report.control == "control" and report.taught == ["distilled"] and report.labelled == report.rows == 60
    kinds = [row.kind for row in definitions("validation")[:60]]
    assert report.is_like("distilled")
    assert not replace(report, models=(sources.Trained("distilled", "x"),)).is_like("distilled")
    assert report.majority == pytest.approx(max(map(kinds.count, kinds)) / 60)


def test_calibration_is_that_of_the_students_logits(run):
    report, held_out = sources.of_run(run), sources.held_out_of(run)
    student = open_for(run.student_folder("distilled", 1), "single_label")
    logits = Evaluator(held_out).logits(student)
    expected = expected_calibration_error(logits.softmax(-1), held_out.labels)
    assert report.arms["distilled"].ece[1] == pytest.approx(expected, abs=1e-6)
    assert int(report.arms["distilled"].bins.count.sum()) == 3 * 60  # all seeds together


def test_stored_logits_and_the_teacher_itself_say_the_same(small):
    texts = small.held_out
    live = answers(sources.opened(ENGINE, TEACHER, texts.task), texts)
    kept = from_logits(small.held_out_logits, texts)
    assert torch.equal(live.labels, kept.labels) and float((live.said == kept.said).float().mean()) > 0.98
    assert torch.allclose(live.confidence, kept.confidence, atol=0.01)
    assert quality(live, live).agreement == 1.0


def test_the_verdict_follows_from_the_pairs():
    def report(distilled, control):
        seeds = tuple(range(len(distilled)))
        one, other = (Series(seeds, v, v, tuple(1 - x for x in v)) for v in (distilled, control))
        teacher = Series((0,), (0.9,), (1.0,), (0.1,))
        return Report("x", "", "x", "single_label", teacher, {"a": one, "b": other}, "b", 100, 100, 0.1)

    better = report((0.8, 0.81, 0.79), (0.5, 0.5, 0.5))
    assert better.compare("a").verdict == "better" and better.compare("a", "ece").verdict == "better"
    worse = report((0.4, 0.41, 0.39), (0.5, 0.5, 0.5))
    assert worse.compare("a").verdict == "worse" and worse.compare("a", "ece").verdict == "worse"
    unsure = report((0.5, 0.6, 0.52), (0.5, 0.55, 0.54))
    assert unsure.compare("a").verdict == "unclear" and unsure.compare("a").mean == pytest.approx(0.01)
    # Seeds that shake both arms alike do not hide a steady gain.
    paired = report((0.42, 0.62, 0.82), (0.4, 0.6, 0.8))
    assert paired.compare("a").verdict == "better"
    one_seed = report((0.55,), (0.5,))
    assert one_seed.compare("a").verdict == one_seed.compare("a", "ece").verdict == "too_few"
    assert one_seed.on_these_texts("a").how == "texts" and better.on_these_texts("a") is None
    assert report((0.9, 0.9), (0.5, 0.5)).compare("a").verdict == "too_few"
    assert report((0.505,) * 3, (0.5,) * 3).compare("a").verdict == "unclear"  # by half a text each: no certainty
    assert replace(worse, headless=frozenset({"a"})).compare("a").verdict == "not_meaningful"
    assert replace(better, control=None).compare("a") is None


def test_one_seed_is_paired_by_text(run):
    report = sources.of_run(run)
    first = {arm: replace(one, seeds=one.seeds[:1], accuracy=one.accuracy[:1]) for arm, one in report.arms.items()}
    found = replace(report, arms=first).on_these_texts("distilled")
    assert found.how == "texts" and found.count == 60
    assert found.mean == pytest.approx(report.arms["distilled"].accuracy[0] - report.arms["control"].accuracy[0])


def test_the_shipped_pair():
    report = sources.shipped()
    assert set(report.arms) == {"distilled", "control"} and report.rows == len(definitions("test"))
    if kinds_experiment.stored():
        accuracy = kinds_experiment.experiment("accuracy")
        alone, distilled, gain = accuracy.at(accuracy.budget)
        assert report.arms["distilled"].accuracy == distilled.values and report.arms["control"].accuracy == alone.values
        assert report.compare("distilled").interval.mean == pytest.approx(gain.mean)
        assert report.arms["control"].bins.ece == pytest.approx(report.arms["control"].mean("ece"), abs=0.02)
    labels = torch.tensor([row.kind for row in definitions("test")])
    expected = float((teacher_logits("test").argmax(-1) == labels).double().mean())
    assert report.teacher.mean("accuracy") == pytest.approx(expected, abs=1e-4)


def test_without_the_experiment_the_shipped_student_is_asked(monkeypatch):
    monkeypatch.setattr(kinds_experiment, "stored", lambda: False)
    shares = []
    report = sources._from_cards(ENGINE, shares.append)
    card = sources.card(sources.STUDENT).metrics
    assert report.arms["distilled"].accuracy[0] == pytest.approx(card["accuracy"], abs=2e-3)
    assert report.arms["distilled"].ece[0] == pytest.approx(card["ece"], abs=5e-3)
    assert report.arms["control"].accuracy == (card["control"]["accuracy"],)
    assert report.on_these_texts("distilled").how == "texts" and shares[-1] == 1.0
    assert report.notes == (("card", {}),)


def test_costs_of_a_run(run, monkeypatch, tmp_path):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    report, shares = sources.of_run(run), []
    found = costs.costs(report, "distilled", on_progress=shares.append)
    assert shares == sorted(shares) and shares[-1] == 1.0
    assert [(one.arm, one.int8) for one in found.models if not one.int8] == [("teacher", False), ("distilled", False)]
    student = found.of("distilled")
    assert student.sizes.parameters == sum(
        p.numel() for p in open_for(run.student_folder("distilled"), "single_label").parameters()
    )
    assert student.accuracy == pytest.approx(report.arms["distilled"].accuracy[0])
    assert set(student.latency) == {1, 8} and student.latency[8].texts == 8
    assert found.has_int8 and found.of("distilled", int8=True).megabytes < student.megabytes
    assert found.int8_change("distilled", "accuracy") == pytest.approx(
        found.of("distilled", int8=True).accuracy - student.accuracy
    )
    assert found.trainings == 0 and found.threads == torch.get_num_threads()
    assert costs.is_measured(report, "distilled") and not costs.is_measured(report, "distilled", again=1)
    assert costs.costs(report, "distilled") is found


def test_a_bargain_in_words():
    def cost(arm, milliseconds):
        latency = {batch: costs.Latency(batch, (milliseconds,) * 5) for batch in (1, 8)}
        size = costs.Sizes(100, 50, 40, 400 if arm == "teacher" else 100, 200, 100)
        return costs.Cost(arm, False, size, latency, 0.8, 1.0, 0.1)

    def deal(student, milliseconds):
        one = Series((0,), (student,), (0.9,), (0.1,))
        teacher = Series((0,), (0.9,), (1.0,), (0.1,))
        report = Report("x", "x", "x", "single_label", teacher, {"a": one}, None, 400, 400, 0.1)
        measured = (cost("teacher", 8.0), cost("a", milliseconds))
        return costs.Costs(measured, {1: 5, 8: 5}, 400, "cpu", 1, "x86", 0, 0.0, 2, 0.0).trade(report, "a", 1)

    bought = deal(0.8, 1.0)
    assert (
        bought.verdict == "trade" and bought.faster == 8 and bought.smaller == 4 and bought.points == pytest.approx(10)
    )
    assert bought.per_doubling == pytest.approx(10 / 3)
    assert deal(0.89, 1.0).verdict == "free" and deal(0.95, 1.0).verdict == "free"
    slow = deal(0.8, 9.0)
    assert slow.verdict == "slow" and math.isnan(slow.per_doubling)


def test_int8_is_faster_only_where_most_rounds_say_so():
    size = costs.Sizes(100, 50, 40, 400, 200, 100)

    def cost(int8, passes, accuracy=0.8):
        return costs.Cost("a", int8, size, {1: costs.Latency(1, passes)}, accuracy, 1.0, 0.1)

    def measured(small):
        models = (cost(False, (2.0, 2.0, 4.0, 2.0, 2.0)), cost(True, small, 0.79))
        return costs.Costs(models, {1: 5}, 400, "cpu", 1, "x86", 0, 0.0, 2, 0.0)

    assert measured((1.0, 1.0, 2.0, 1.0, 1.0)).int8_speed("a", 1) == (2.0, "faster")
    assert measured((4.0, 4.0, 8.0, 4.0, 4.0)).int8_speed("a", 1) == (0.5, "slower")
    assert measured((1.9, 2.1, 4.2, 1.9, 2.0)).int8_speed("a", 1) == (1.0, "same")
    assert measured((1.0, 1.0, 2.0, 1.0, 1.0)).int8_points("a", "accuracy") == pytest.approx(-1)


def test_what_disturbed_a_measurement_is_said():
    def measured(trainings, load):
        return costs.Costs((), {1: 5, 8: 5}, 0, "cpu", 1, "x86", trainings, load, 2, 0.0).conditions

    assert measured(0, 0.4) == "quiet" and measured(0, float("nan")) == "quiet_unknown"
    assert measured(1, 0.4) == measured(0, 2.5) == "disturbed"


def test_the_typical_texts_are_of_the_median_length(small):
    texts = small.held_out
    one = costs.typical(texts, 1)
    assert int(one.attention_mask.sum()) == int(texts.lengths.median())
    assert len(costs.typical(texts.chosen([0, 1]), 8).rows) == 2


def test_masked_words(tmp_path):
    arms = {"mimic": ArmPlan(StudentPlan(layers=(0, 5)), mixture(1.0, 2.0))}
    plan = RunPlan(
        "words", "masked_words", ("minilm-teacher",), arms, TrainingConfig(steps=1, batch_size=4), (3,), measure_every=1
    )
    run = made(tmp_path / "words", plan, words_material("minilm-teacher", texts=8, held_out=8))
    report = sources.of_run(run)
    scores = next(line["scores"] for line in run.metrics()[0] if "scores" in line)
    assert report.arms["mimic"].accuracy[0] == pytest.approx(scores["mimic"]["accuracy"])
    assert report.teacher.accuracy[0] == pytest.approx(scores["teacher"]["accuracy"])
    assert report.rows == scores["mimic"]["rows"] and 0 <= report.arms["mimic"].ece[0] <= 1
    assert report.control is None and report.taught == ["mimic"]
    assert {code for code, _ in report.notes} == {"one_seed", "no_control"}


def test_no_labels_held_out(tmp_path, kinds_plan, small):
    run = made(tmp_path / "bare", replace(kinds_plan, seeds=(0, 1)), small, labels=False)
    assert (sources.held_out_of(run).labels == UNLABELLED).all()
    report = sources.of_run(run)
    assert report.labelled == 0 and math.isnan(report.arms["distilled"].mean("accuracy"))
    assert report.measure == "agreement" and report.compare("distilled") == report.compare("distilled", "agreement")
    assert report.arms["distilled"].bins is None and math.isnan(report.majority)


def refusal(run) -> LabError:
    with pytest.raises(LabError) as error:
        sources.of_run(run)
    return error.value


def test_bad_runs_are_refused_with_a_reason(tmp_path, kinds_plan, small, monkeypatch):
    unfinished = made(tmp_path / "unfinished", kinds_plan, small, steps=2)
    error = refusal(unfinished)
    assert error.code == "run_unfinished" and error.details["done"] == 2 and error.details["steps"] == 12

    Session(unfinished).train(wanted=lambda: "stop")
    report = sources.of_run(unfinished)
    assert report.notes[0] == ("cut", {"done": 2, "steps": 12, "seeds": 1, "all": 3})

    (unfinished.folder / "held_out.safetensors").unlink()
    assert refusal(unfinished).code == "nothing_held_out"

    broken = made(tmp_path / "broken", replace(kinds_plan, seeds=(0,)), small)
    weights = next(broken.student_folder("control").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:100])
    assert refusal(broken).code == "broken_checkpoint"
    for folder in (broken.student_folder(arm) for arm in kinds_plan.arms):
        next(folder.glob("*.safetensors")).unlink()
    assert refusal(broken).code == "broken_run"  # finished, and yet no student
    (broken.folder / "run.json").write_text("{")
    assert refusal(broken).code == "broken_run"

    failed = made(tmp_path / "nan", replace(kinds_plan, training=TrainingConfig(steps=4, learning_rate=1e30)), small)
    assert failed.status().state == "failed" and refusal(failed).code == "nan_loss"

    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    for name in ("../broken", "..", "", "a/b", "gone", "\0", "<script>"):
        with pytest.raises(LabError) as wrong:
            open_run(name)
        assert wrong.value.code == "run_missing"


def test_only_an_owners_finished_runs_are_listed(tmp_path, kinds_plan, small, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    one_seed = replace(kinds_plan, seeds=(0,), training=TrainingConfig(steps=1))
    mine = made(tmp_path / "runs" / "mine", one_seed, small)
    mine.write_status(replace(mine.status(), owner="me"))
    made(tmp_path / "runs" / "theirs", one_seed, small)
    half = made(tmp_path / "runs" / "half", replace(kinds_plan, seeds=(0,)), small, steps=1)
    half.write_status(replace(half.status(), owner="me"))
    (tmp_path / "runs" / "broken").mkdir()
    (tmp_path / "runs" / "broken" / "run.json").write_text("{")
    assert [run.name for run in finished_runs("me")] == ["mine"]
    assert open_run("mine").folder == mine.folder
    half.write_status(replace(half.status(), state="running"))
    assert at_work() == 1
    half.write_status(replace(half.status(), state="paused"))
    assert at_work() == 0
