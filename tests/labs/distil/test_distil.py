"""The live distillation: what can be asked for, what its metrics say, a sentence followed, and the students it leaves."""

from __future__ import annotations

import io
import json
import math
import shutil
import time
import zipfile

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

import lessons
from core.distill.objectives.objective import CONTROL, mixture, stages_of, stages_to_list
from core.distill.objectives.recipes import RECIPES
from core.distill.objectives.terms import Hard, Soft
from core.engine import ENGINE, Setting, card
from core.errors import LabError
from core.folders import FOLDER_VARIABLE
from core.labs.distil import curves
from core.labs.distil import probe as looks
from core.labs.distil.figures import loss_curves
from core.labs.distil.formulas import objective
from core.labs.distil.pair import heads_of, kept_of
from core.labs.distil.setup import TERMS, Setup, begin, rule_layers
from core.models import load
from core.models.finished import find_card
from core.runs.export import parcel, students
from core.runs.index import finished_students
from core.runs.plan import RunPlan
from core.runs.run import Run
from core.runs.server import close_run_queue, run_queue

SMALL = Setup(depth=1, width=48, heads=2, texts=64, labels=32, steps=6, seeds=1, batch=8)
TEXT = "a hot drink made from dried leaves"


# What can be asked for


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"heads": 12, "width": 128}, "heads_do_not_divide"),
        ({"objective": "tinybert"}, "different_heads"),
        ({"labels": 0}, "zero_labels"),
        ({"objective": "own", "weights": {"soft": 0.0, "hard": 0.0}}, "no_objective"),
        ({"objective": "own", "weights": {"soft": float("nan")}}, "bad_weight"),
        ({"temperature": 0.0}, "bad_temperature"),
        ({"start": "layers", "keep": ()}, "bad_layers"),
        ({"start": "layers", "keep": (0, 6)}, "bad_layers"),
        ({"teacher": "nobody"}, "unknown_model"),
    ],
)
def test_what_cannot_work_is_refused_before_it_starts(changes, code):
    with pytest.raises(LabError) as found:
        Setup(**changes).resolve()
    assert found.value.code == code


def test_both_students_start_alike_and_only_the_objective_differs():
    plan = Setup(soft=0.7, temperature=4.0, scaled=False, direction="reverse").resolve().plan("x", prediction=1)
    assert plan.arms["distilled"].student == plan.arms["control"].student
    soft, hard = plan.arms["distilled"].stages[0].objective.terms
    assert soft == Soft(weight=0.7, temperature=4.0, scaled=False, direction="reverse")
    assert isinstance(hard, Hard) and hard.weight == pytest.approx(0.3)
    assert plan.arms["control"].stages[0].objective == CONTROL
    assert plan.extra["page"] == "distil" and plan.extra["prediction"] == 1
    assert plan.extra["material"]["labels"] == 400 and RunPlan.from_dict(plan.to_dict()) == plan


def test_an_objective_of_ones_own_weighs_what_it_is_told():
    weights = {"soft": 1.0, "hidden": 0.5, "cosine": 0.0}
    plan = Setup(objective="own", weights=weights, temperature=3.0, rule="last").resolve().plan("x")
    objective = plan.arms["distilled"].stages[0].objective
    assert objective.names == ("soft", "hidden") and objective.terms[0].temperature == 3.0
    assert objective.terms[1].layers == "last" and objective.terms[1].weight == 0.5


def test_a_student_of_the_teachers_layers_learns_gently():
    setup = Setup(start="layers", keep=(0, 2, 4))
    plan = setup.resolve().plan("x")
    assert plan.arms["control"].student.layers == (0, 2, 4) and plan.training.learning_rate < setup.rate
    assert setup.resolve().pair.kept == (0, 2, 4) and setup.resolve().pair.student == (3, 384, 12)


def test_the_drawn_pair_shows_what_tinybert_compares():
    found = Setup(objective="tinybert", width=192, heads=12, depth=2).resolve().pair
    assert found.kept is None and found.compared == ((0, 2), (1, 5))


def test_every_loss_has_a_name_and_a_formula():
    for language in lessons.LANGUAGES:
        labels = lessons.labels("distil", language).group("terms")
        assert {f"term.{name}" for name in TERMS} <= set(labels)
    setup = Setup(objective="own", weights=dict.fromkeys(TERMS, 0.5), width=96, heads=12).resolve()
    latex = objective(setup.stages, {"share": "{share}"})
    assert latex.count(r"0.5\cdot") == len(TERMS) and setup.plan("x").arms["distilled"]


@pytest.mark.parametrize("written", ["", "abc", "9-99", "-", "<script>", "1e9", "²-³"])
def test_hostile_layers_fall_back(written):
    assert kept_of(written, 6) == rule_layers("uniform", 3, 6)


def test_layers_and_heads_of_an_address():
    assert kept_of("5-1-3-78", 6) == (0, 2, 4)
    assert heads_of("1.4-3.12-10.2-x-3.13-0.1-1.0", 6, 12) == ((0, 3), (2, 11))


# What the metrics say


PLAN = {"training": {"steps": 10}, "arms": {"distilled": {"stages": stages_to_list(stages_of(mixture(0.9)))}}}


def measured(seed: int, distilled: float, control: float, number: int = 10) -> dict:
    def scores(value: float) -> dict:
        return {"accuracy": value, "agreement": value / 2, "rows": 300}

    every = {"distilled": scores(distilled), "control": scores(control), "teacher": {"accuracy": 0.9, "agreement": 1.0}}
    return {"seed": seed, "number": number, "scores": every}


@pytest.mark.parametrize(
    ("pairs", "verdict", "outcome"),
    [
        ([(0.7, 0.5), (0.72, 0.5), (0.71, 0.5)], "better", 0),
        ([(0.55, 0.5), (0.56, 0.5), (0.55, 0.5)], "better", 1),
        ([(0.4, 0.5), (0.38, 0.5), (0.41, 0.5)], "worse", 3),
        ([(0.6, 0.5), (0.4, 0.5), (0.5, 0.5)], "unclear", 2),
        ([(0.5, 0.5), (0.5, 0.5), (0.5, 0.5)], "unclear", 2),
        ([(0.5, 0.5), (0.5, 0.5)], "too_few", None),
        ([(0.7, 0.5)], "too_few", None),
        ([(0.3, 0.5)], "too_few", None),
    ],
)
def test_the_conclusion_follows_the_seeds(pairs, verdict, outcome):
    lines = [measured(seed, *pair) for seed, pair in enumerate(pairs)]
    found = curves.conclusion([measured(0, 0.0, 1.0, number=5), *lines], PLAN)
    assert (found.gain.verdict, found.outcome, found.gain.count) == (verdict, outcome, len(pairs))
    assert found.gain.mean == pytest.approx(sum(ours - theirs for ours, theirs in pairs) / len(pairs))
    assert found.agreement.mean == pytest.approx(found.distilled.mean / 2)


def test_no_conclusion_before_a_seed_has_ended():
    assert curves.conclusion([measured(0, 0.5, 0.5, number=9)], PLAN) is None


def test_a_student_whose_head_was_not_trained_is_not_called_worse():
    """MiniLM's losses train what is below the head."""
    plan = {**PLAN, "arms": {"distilled": {"stages": stages_to_list(RECIPES["minilm"].stages)}}}
    found = curves.conclusion([measured(seed, 0.1, 0.7) for seed in range(3)], plan)
    assert found.gain.verdict == "not_meaningful" and found.outcome is None


def test_a_long_curve_is_thinned_to_means_and_a_batch_without_labels_counts_for_none():
    values = [float(step) for step in range(1, 601)]
    values[0] = math.nan
    lines = [
        {"seed": 0, "number": step, "arms": {"control": {"terms": {"hard": value}}}}
        for step, value in enumerate(values, start=1)
    ]
    (curve,) = curves.curves(lines)["hard"]
    assert len(curve.values) == curves.POINTS
    assert curve.values[0] == pytest.approx(sum(range(2, 11)) / 9) and curve.values[1] == pytest.approx(15.5)
    assert curve.steps[-1] <= 600


def test_one_step_is_a_dot():
    labels = {"step": "step", "seed": "{seed}", "distilled": "distilled", "term.hard": "hard"}
    for steps, mode in {(1,): "lines+markers", (1, 2): "lines"}.items():
        drawn = loss_curves({"hard": [curves.Curve("distilled", 0, steps, [2.0] * len(steps))]}, 10, labels)
        assert drawn.data[0].mode == mode


# A real run


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small run with a watched sentence, come to its end in a run queue of this module's own."""
    with pytest.MonkeyPatch.context() as patch:
        close_run_queue()
        patch.setenv(FOLDER_VARIABLE, str(tmp_path_factory.mktemp("data")))
        run = begin(SMALL.resolve(), "small", owner="me", prediction=0)
        run.watch(TEXT)
        deadline = time.monotonic() + 180
        while run_queue().view(run.name).status.active and time.monotonic() < deadline:
            time.sleep(0.1)
        assert run.status().state == "finished", run.status()
        yield run
        close_run_queue()


def test_the_first_look_is_the_models_own():
    look = looks.before(SMALL.resolve(), TEXT)
    logits = ENGINE.trace(Setting("kinds-teacher", ""), "kinds-teacher", TEXT).class_logits
    assert look.probabilities["teacher"] == pytest.approx(logits.double().softmax(-1).tolist(), abs=2e-4)
    assert look.first["teacher"] == "food" and look.whole
    again = torch.tensor(look.attention["distilled"])
    assert again.shape == (1, 2, len(look.tokens), len(look.tokens))
    assert torch.allclose(again.sum(-1), torch.ones(1, 2, len(look.tokens)), atol=1e-2)


def test_a_gap_gets_a_soft_label_over_the_teachers_words():
    setup = Setup(teacher="minilm-teacher", start="layers", keep=(0, 1, 2, 3, 4, 5)).resolve()
    look = looks.before(setup, "a large [MASK] that lives in the sea")
    assert look.probabilities["teacher"] == look.probabilities["distilled"]  # all layers: the teacher itself
    assert not look.whole and look.order(3) == [0, 1, 2]
    assert look.first["distilled"] == look.first["teacher"] == look.classes[0]
    assert not looks.before(setup, "no gap here").probabilities


def test_a_students_own_first_word_may_be_none_of_the_teachers():
    setup = Setup(teacher="minilm-teacher", start="layers", keep=(0,)).resolve()
    look = looks.before(setup, "a large [MASK] that lives in the sea")
    model, tokenizer = (
        looks.untrained(setup),
        ENGINE.checkpoint(Setting("minilm-teacher", ""), "minilm-teacher").tokenizer,
    )
    inputs = tokenizer(look.text, return_tensors="pt")
    position = look.tokens.index("[MASK]")
    with torch.no_grad():
        best = model(**inputs).logits[0, position].argmax()
    assert look.first["distilled"] == tokenizer.convert_ids_to_tokens(int(best)) not in look.classes


@pytest.mark.parametrize("text", ["", "   "])
def test_an_empty_sentence_is_refused(text):
    with pytest.raises(LabError, match="no text"):
        looks.before(SMALL.resolve(), text)


def test_what_was_seen_live_is_what_the_snapshots_hold(finished):
    live = looks.live(finished)
    assert live.text == TEXT and set(live.probabilities) == {"teacher", "distilled", "control"}
    kept = looks.at_step(finished, TEXT, finished.snapshots("distilled")[0])
    assert kept.step == 1 and kept.tokens == live.tokens
    assert kept.probabilities["teacher"] == pytest.approx(live.probabilities["teacher"], abs=1e-3)
    if live.step in finished.snapshots("distilled"):
        same = looks.at_step(finished, TEXT, live.step)
        assert same.probabilities["distilled"] == pytest.approx(live.probabilities["distilled"], abs=5e-3)


def test_the_last_snapshot_is_the_saved_student(finished):
    steps = finished.snapshots("distilled")
    first, last = (looks.at_step(finished, TEXT, step).probabilities["distilled"] for step in (steps[0], steps[-1]))
    folder = finished.student_folder("distilled", 0)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(**AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt")).logits[0]
    assert last == pytest.approx(logits.softmax(-1).tolist(), abs=5e-3) and first != last
    with pytest.raises(LabError):
        looks.at_step(finished, TEXT, 10_000)


def test_metrics_are_read_on_and_again_from_the_start_after_a_cut(finished):
    lines, kept = curves.metrics(finished, {})
    again, kept = curves.metrics(finished, kept)
    assert again == lines and curves.conclusion(lines, finished.written_plan).gain.count == 1
    other = {**kept, "name": "another"}
    assert curves.metrics(finished, other)[0] == lines
    assert curves.metrics(finished, {**kept, "lines": [{}], "first": -1})[0] == lines


def test_a_student_travels_as_one_file(finished, tmp_path):
    chosen = students(finished)[0]
    assert chosen.name == "distilled-0"
    zipfile.ZipFile(io.BytesIO(parcel(chosen))).extractall(tmp_path)
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "distilled-0")
    assert model.config.id2label[2] == "food" and (tmp_path / "distilled-0" / "README.md").exists()


def test_finished_students_are_in_the_catalogue_of_their_owner(finished):
    cards = finished_students("me")
    assert [one.name for one in cards] == [f"{finished.name}/distilled-0", f"{finished.name}/control-0"]
    assert finished_students("somebody else") == [] and cards[0].task == "kinds" and cards[0].labels[2] == "food"
    assert cards[0].title == "small" and card(cards[0].name) == cards[0] and cards[0].hashes
    assert card(cards[0].name).folder == finished.student_folder("distilled", 0)
    opened = load(cards[0].name, device="cpu")
    assert opened.classes == cards[0].labels
    trace = ENGINE.trace(Setting("", ""), cards[0].name, TEXT)
    assert trace.class_logits.shape == (16,)


@pytest.mark.parametrize("name", ["../runs/x", "a/../b", "/etc/passwd", "a/b/c", "", "x/distilled-0", "."])
def test_names_that_lead_elsewhere_are_nobodys(finished, name):
    assert find_card(name) is None


def test_a_changed_weight_file_and_a_deleted_run_are_told(finished):
    name = f"{finished.name}/control-0"
    file = finished.student_folder("control", 0) / "model.safetensors"
    before = file.read_bytes()
    file.write_bytes(before[:-4] + b"\0\0\0\1")
    with pytest.raises(LabError) as found:
        load(name, device="cpu")
    assert found.value.code == "changed_checkpoint"
    file.write_bytes(before)
    copy = finished.folder.parent / "gone"
    copy.mkdir()
    (copy / "status.json").write_text(json.dumps({"state": "finished", "owner": "me"}))
    assert len(finished_students("me")) == 2
    (copy / "status.json").write_text("{")
    assert len(finished_students("me")) == 2


def test_a_deleted_run_leaves_the_catalogue(finished):
    copy = finished.folder.parent / "copied"
    shutil.copytree(finished.folder, copy)
    assert len(finished_students("me")) == 4 and find_card("copied/distilled-0") is not None
    Run(copy).delete()
    assert find_card("copied/distilled-0") is None and len(finished_students("me")) == 2
    with pytest.raises(LabError):
        load("copied/distilled-0", device="cpu")
