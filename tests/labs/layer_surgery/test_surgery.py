"""Layer surgery: what the board measures is what the cut model, built and opened on its own, answers."""

from __future__ import annotations

import json
import shutil
import threading

import pytest
import torch

from core.distill.evaluation import Evaluator
from core.distill.students import from_layers
from core.engine import Engine, Setting, default_setting
from core.errors import LabError
from core.folders import FOLDER_VARIABLE, runs_folder
from core.labs.layer_surgery import surgery as study
from core.labs.layer_surgery.bench import Table
from core.labs.layer_surgery.cut import Cut, from_marks, make_cut, read_cut, to_marks, weigh, whole
from core.models.card import SHIPPED
from core.models.families import bert_like
from core.runs.datasets import kinds_material

SETTING = default_setting()
SMALL = "minilm-student"
TEACHERS = ("minilm-teacher", "kinds-teacher")


@pytest.mark.parametrize("name", TEACHERS)
@torch.no_grad()
def test_the_board_agrees_with_the_model_that_distil_starts_from(engine, name):
    """Two routes: shared layers with ablated heads here, a model of its own with zeros in its weights there."""
    opened = study.table(engine, SETTING, name)
    teacher = engine.checkpoint(SETTING, name).model
    for cut in (Cut((0, 2, 4), ((0, 3), (2, 11))), Cut((0, 1, 2, 3, 4, 5), ((5, 0), (5, 1))), Cut((3,))):
        student = from_layers(teacher, cut.keep, cut.off).eval()
        found = study.run(engine, opened, cut)
        places = 0
        for batch in opened.batches:
            output = student(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits
            logits = output[batch.labels != -100] if opened.words else output
            labels = batch.labels[batch.labels != -100] if opened.words else batch.labels
            loss = torch.nn.functional.cross_entropy(logits, labels, reduction="none")
            part = slice(places, places + len(loss))
            torch.testing.assert_close(found.loss[part], loss, atol=1e-5, rtol=1e-5)
            places += len(loss)
        assert places == opened.questions


def test_scores_are_those_of_the_library(engine):
    """The same texts through `Evaluator`, which the Distil page measures with."""
    name, cut = "kinds-teacher", Cut((0, 3, 5))
    opened = study.table(engine, SETTING, name)
    held_out = kinds_material(texts=1, labels=1, held_out=opened.texts, engine=engine).held_out
    teacher = engine.checkpoint(SETTING, name).model
    scores = Evaluator(held_out, teacher).scores(from_layers(teacher, cut.keep))
    found = study.cost(engine, SETTING, name, cut)
    assert found.top1.mean == pytest.approx(scores.accuracy)
    assert found.loss.mean == pytest.approx(scores.loss, abs=1e-4)
    assert found.divergence.mean == pytest.approx(scores.divergence, abs=1e-4)
    before = study.cost(engine, SETTING, name, whole(6))
    assert found.rise.mean == pytest.approx(found.loss.mean - before.loss.mean)
    assert before.divergence.mean == pytest.approx(0, abs=1e-5) and before.rise.mean == before.rise.error == 0


def test_every_part_of_the_model_matters_and_nothing_else_changes(engine):
    opened = study.table(engine, SETTING, SMALL)
    weights = {name: tensor.clone() for name, tensor in opened.model.state_dict().items()}
    base = opened.answers.loss
    for cut in (Cut((0, 1)), Cut((1, 2)), Cut(()), make_cut((0, 1, 2), [(1, 4)])):
        assert (study.run(engine, opened, cut).loss - base).abs().max() > 1e-3, cut
    torch.testing.assert_close(study.run(engine, opened, whole(3)).loss, base)
    assert all(torch.equal(weights[name], tensor) for name, tensor in opened.model.state_dict().items())


def test_the_error_counts_texts_not_words(engine):
    opened = study.table(engine, SETTING, SMALL)
    values = torch.arange(opened.questions, dtype=torch.float64)
    found = opened.mean(values)
    sums = torch.stack([(values - values.mean())[opened.owner == text].sum() for text in opened.owner.unique()])
    count = len(sums)
    assert found.mean == pytest.approx(values.mean())
    assert found.error == pytest.approx(float((sums.square().sum() * count / (count - 1)).sqrt()) / len(values))
    kinds = study.table(engine, SETTING, "kinds-teacher")  # one question a text: the plain standard error
    values = torch.linspace(0, 1, kinds.questions, dtype=torch.float64)
    assert kinds.mean(values).error == pytest.approx(float(values.std() / len(values) ** 0.5))


@pytest.mark.parametrize("family", bert_like())
@torch.no_grad()
def test_other_bert_like_families_can_lie_on_the_table(tiny, family, monkeypatch):
    monkeypatch.setattr("core.labs.layer_surgery.bench.definitions", lambda part: LINES)
    opened = Table(tiny(family), Engine().turn)
    student = from_layers(tiny(family).model, (0, 2), [(0, 1)]).eval()
    found = opened.answered(opened.through(2, opened.through(0, opened.states[0], [1])))
    losses = []
    for batch in opened.batches:
        asked = batch.labels != -100
        logits = student(input_ids=batch.input_ids, attention_mask=batch.attention_mask).logits[asked]
        losses.append(torch.nn.functional.cross_entropy(logits, batch.labels[asked], reduction="none"))
    torch.testing.assert_close(found.loss, torch.cat(losses), atol=1e-5, rtol=1e-5)


class Line:
    def __init__(self, text: str) -> None:
        self.text, self.kind = text, 0


LINES = [Line(f"the {one} sings of {two} in paris") for one in ("king", "queen") for two in ("cats", "dogs", "france")]


def test_other_families_are_refused(tiny):
    with pytest.raises(LabError) as error:
        Table(tiny("gpt2"), Engine().turn)
    assert error.value.code == "not_bert_like"


def test_a_reading_is_what_the_whole_model_says(engine):
    text, cut = "The king sat on his [MASK].", Cut((0, 1, 2, 4, 5), ((1, 3),))
    found = study.read(engine, SETTING, "minilm-teacher", text, cut)
    trace = engine.trace(SETTING, "minilm-teacher", text)
    place = trace.tokens.pieces.index("[MASK]")
    best = trace.logits[place].softmax(-1).max()
    assert float(found.whole[0]) == pytest.approx(float(best), abs=1e-5)
    same = study.read(engine, SETTING, "minilm-teacher", text, whole(6))
    assert same.divergence == pytest.approx(0, abs=1e-6) and same.same and torch.equal(same.whole, same.rest)
    assert found.divergence > 0.01
    kinds = study.read(engine, SETTING, "kinds-teacher", "a small animal", Cut((0, 1, 2)))
    expected = engine.trace(SETTING, "kinds-teacher", "a small animal").class_logits.softmax(-1)
    assert float(kinds.whole[0]) == pytest.approx(float(expected.max()), abs=1e-5)
    with pytest.raises(LabError) as error:
        study.read(engine, SETTING, "minilm-teacher", "No gap here.", cut)
    assert error.value.code == "no_mask"


def test_weights_are_counted_exactly(engine):
    model = engine.checkpoint(SETTING, "minilm-teacher").model
    cut = Cut((0, 2, 4), ((0, 3), (2, 11)))
    found = weigh(model, cut)
    student = from_layers(model, cut.keep, cut.off)
    assert found.parameters == model.num_parameters() and found.rest == student.num_parameters()
    zeros = sum(int((one == 0).sum()) for one in student.parameters())
    zeros -= sum(int((one == 0).sum()) for one in from_layers(model, cut.keep).parameters())
    assert zeros == 2 * (2 * 32 * 384 + 32)  # W_V, its bias and W_O of two heads; W_Q and W_K are left as they are
    assert found.a_head == 4 * 32 * 384 + 3 * 32 and found.in_heads == 2 * found.a_head
    assert found.outside + 6 * found.a_layer == found.parameters
    assert found.rest_megabytes == pytest.approx(
        sum(one.numel() * one.element_size() for one in student.parameters()) / 1e6
    )


def test_fewer_layers_take_less_time_and_heads_change_nothing_in_it(engine):
    found = study.times(engine, SETTING, "minilm-teacher", (0,))
    assert 0 < found.rest < found.whole and found.tokens > 3
    one = study.operate(engine, SETTING, "minilm-teacher", Cut((0,), ((0, 1),)))
    assert one.times is found and one.time_change < 0 and one.size_change < 0


def test_cuts_survive_the_address_and_the_board():
    cut = Cut((0, 2, 4), ((0, 3), (2, 11)))
    assert (cut.kept, cut.silent) == ("1-3-5", "1.4-3.12")
    assert read_cut(cut.kept, cut.silent, 6, 12) == cut
    assert from_marks(to_marks(cut, 6, 12), 6, 12) == cut
    assert read_cut(Cut(()).kept, "", 6, 12) == Cut(())
    assert from_marks(to_marks(Cut(()), 6, 12), 6, 12) == Cut(())
    assert read_cut("", "2.3-2.3-1.1", 6, 12) == Cut((0, 1, 2, 3, 4, 5), ((0, 0), (1, 2)))


@pytest.mark.parametrize(
    "kept, silent",
    [("99", "9.9"), ("0-", "1"), ("<script>", "0.99"), ("-1-2", "-1.2-"), ("0" * 5000, "1." * 900), ("٣", "٣.٣")],
)
def test_hostile_addresses_leave_a_valid_cut(kept, silent):
    cut = read_cut(kept, silent, 3, 4)
    assert set(cut.keep) <= {0, 1, 2} and all(layer in cut.keep and head < 4 for layer, head in cut.off)


def test_the_table_opens_with_the_teacher_in_use_where_it_can():
    assert study.start_with(Setting("kinds-teacher", "kinds-student")) == "kinds-teacher"
    other = Setting("minilm-nsp", "minilm-student")
    assert study.start_with(other) == study.on_offer(other)[0] != "minilm-nsp"
    assert study.can_teach("minilm-teacher") and not study.can_teach(SMALL) and not study.can_teach("gone")


def test_a_student_of_ones_own_run_lies_on_the_table_while_it_is_in_use(engine, tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    run = runs_folder() / "20260101-000000-abcdef"
    shutil.copytree(SHIPPED / "kinds-student", run / "students" / "distilled-0")
    shutil.copytree(
        SHIPPED / "kinds-teacher", run / "students" / "kinds-teacher"
    )  # it shares the teacher's word embeddings
    (run / "status.json").write_text(json.dumps({"state": "finished", "owner": "me"}), encoding="utf-8")
    name = f"{run.name}/distilled-0"
    mine = Setting("minilm-teacher", name)
    assert study.on_offer(mine) == [*study.on_offer(SETTING), name]
    found = study.cost(engine, mine, name, Cut((1,)))
    assert found.loss.mean == pytest.approx(study.cost(engine, SETTING, "kinds-student", Cut((1,))).loss.mean)
    assert not study.can_teach(name)


def test_measuring_waits_for_its_turn(engine, monkeypatch):
    """With every slot taken a click is told to come back, and nothing is computed meanwhile."""
    monkeypatch.setattr("core.engine.PATIENCE_SECONDS", 0.05)
    narrow = Engine(slots=1)
    opened = study.table(narrow, SETTING, SMALL)
    with narrow.turn(), pytest.raises(LabError) as error:
        study.run(narrow, opened, Cut((0, 2)))
    assert error.value.code == "busy"


def test_half_precision_lies_on_the_table_too(engine):
    half = Setting(SMALL, SMALL, precision="bfloat16")
    rough, exact = (study.cost(engine, one, SMALL, Cut((0, 2))) for one in (half, SETTING))
    assert rough.loss.mean == pytest.approx(exact.loss.mean, rel=0.02) and rough.loss.mean != exact.loss.mean


def test_eight_learners_click_at_once():
    """On two places: everybody gets the numbers that one alone would get."""
    crowded = Engine(slots=2)
    wanted = [make_cut((0, 1, 2), [(number % 3, number)]) for number in range(8)]
    found: dict[Cut, float] = {}

    def click(cut: Cut) -> None:
        found[cut] = study.operate(crowded, SETTING, SMALL, cut).after.loss.mean

    learners = [threading.Thread(target=click, args=(cut,)) for cut in wanted]
    for learner in learners:
        learner.start()
    for learner in learners:
        learner.join(60)
    alone = {cut: study.cost(Engine(), SETTING, SMALL, cut).loss.mean for cut in wanted[:2]}
    assert set(found) == set(wanted) and all(found[cut] == pytest.approx(loss, abs=1e-6) for cut, loss in alone.items())
