"""What a student can match, checked against PyTorch and the losses of the library; and a small real run from start to end."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
import torch
from torch.nn import functional as F

from core.distill.forward import Features, Shape
from core.distill.objectives import features as compare
from core.distill.objectives.objective import CONTROL
from core.engine import ENGINE, default_setting
from core.errors import LabError
from core.labs.what_to_match import convergence as courses
from core.labs.what_to_match import layer_costs as costing
from core.labs.what_to_match import layer_maps as maps
from core.labs.what_to_match import outcome as outcomes
from core.labs.what_to_match import plan as running
from core.labs.what_to_match import relations as study
from core.measure.similarity import linear_cka
from core.runs.datasets import kinds_material
from core.runs.plan import RunPlan
from core.runs.process.session import Session
from core.runs.run import Run
from core.runs.snapshots import student_at

SETTING = default_setting()
TEXT = "a large wild cat that hunts deer in the forests of Asia"


@pytest.fixture(scope="module")
def cast() -> study.PairedTraces:
    return study.read(ENGINE, SETTING, "words", TEXT)


@pytest.fixture(scope="module")
def bench() -> costing.LayerCostBench:
    return costing.bench_of(ENGINE, SETTING, "minilm-teacher")


@pytest.fixture(scope="module")
def costs() -> costing.LayerCosts:
    return costing.costs_of(ENGINE, SETTING, "minilm-teacher", "minilm-student")


# One text


def test_value_relations_are_minilms(cast):
    teacher, student = (study.features_of(trace) for trace in (cast.teacher, cast.students["distilled"]))
    ours = study.map_kl(
        study.value_relations(cast.teacher.layers[5]), study.value_relations(cast.students["distilled"].layers[2])
    )
    theirs = compare.value_relation_kl(student.values[2], teacher.values[5], student.real)
    assert ours == pytest.approx(float(theirs), rel=1e-4) and ours > 0.01
    value = cast.teacher.layers[5].value[3]
    by_hand = F.softmax(value @ value.T / value.shape[-1] ** 0.5, dim=-1)
    assert torch.allclose(study.value_relations(cast.teacher.layers[5])[3], by_hand)


def test_the_distance_of_two_maps_is_pytorchs_kl(cast):
    one, other = cast.teacher.layers[5].probabilities[0], cast.students["control"].layers[2].probabilities[0]
    expected = F.kl_div(other.clamp_min(1e-12).log(), one, reduction="batchmean")
    assert study.map_kl(one, other) == pytest.approx(float(expected), rel=1e-4)
    assert study.map_kl(one, one) == pytest.approx(0, abs=1e-6)


def test_a_wall_holds_what_the_models_attend_to(cast):
    seen = study.wall(cast, "attention", (2, 5), head=3)
    assert seen.names == ["teacher", "distilled", "control"] and seen.pieces == cast.pieces
    assert torch.equal(seen.maps[0], cast.teacher.layers[5].probabilities[3])
    assert torch.equal(seen.maps[2], cast.students["control"].layers[2].probabilities[3])
    assert seen.distances[0] == pytest.approx(0, abs=1e-6)
    near = min(seen.distances[1:])
    assert seen.distances[seen.names.index(seen.nearest)] == near != seen.distances[seen.names.index(seen.furthest)]
    mean = study.wall(cast, "values", (2, 5), study.EVERY_HEAD)
    assert torch.allclose(mean.maps[1], study.value_relations(cast.students["distilled"].layers[2]).mean(0))
    assert torch.allclose(mean.maps.sum(-1), torch.ones(3, len(cast.pieces)), atol=1e-5)


def test_the_telling_head_is_one_that_they_share(cast):
    head = study.telling_head(cast, "attention", (2, 5))
    assert 0 <= head < cast.heads
    kinds = study.read(ENGINE, SETTING, "kinds", TEXT)
    assert kinds.heads == 2 and study.telling_head(kinds, "attention", (1, 5)) == study.EVERY_HEAD


def test_a_single_token_is_refused():
    with pytest.raises(LabError) as caught:
        study.read(ENGINE, replace(SETTING), "words", "")
    assert caught.value.code == "empty_text"


# Pairs of layers


def test_costs_are_the_librarys_losses(bench, costs):
    student = costing.looked_at(ENGINE.checkpoint(SETTING, "minilm-student").model, bench.measured)
    teacher, real = bench.teacher_measured, student.real
    for layer, other in ((0, 1), (2, 5), (1, 0)):
        expected = {
            "scores": compare.attention_scores_mse(student.scores[layer], teacher.scores[other], real),
            "attention": compare.attention_kl(student.scores[layer], teacher.scores[other], real),
            "values": compare.value_relation_kl(student.values[layer], teacher.values[other], real),
            "cka": 1 - linear_cka(teacher.hidden[other][real], student.hidden[layer][real]),
        }
        for criterion, value in expected.items():
            assert float(costs.of[criterion][layer, other]) == pytest.approx(float(value), rel=1e-3), criterion
        mapped = student.hidden[layer] @ costs.matrices[layer, other]
        hidden = compare.hidden_mse(mapped, teacher.hidden[other], real)
        assert float(costs.of["hidden"][layer, other]) == pytest.approx(float(hidden), rel=1e-4)
        variance = teacher.hidden[other][real].var(dim=0, correction=0).mean()
        assert float(costs.of["unexplained"][layer, other]) == pytest.approx(float(hidden / variance), rel=1e-3)


def test_the_matrix_is_the_least_squares_one():
    generator = torch.Generator().manual_seed(0)
    real = torch.ones(4, 50, dtype=torch.bool)
    student = Features(real, hidden={0: torch.randn(4, 50, 6, generator=generator)})
    teacher = Features(real, hidden={layer: torch.randn(4, 50, 9, generator=generator) for layer in range(2)})
    found = costing.best_matrices(student, teacher)
    expected = torch.linalg.lstsq(student.hidden[0][real], teacher.hidden[1][real]).solution
    assert found.shape == (1, 2, 6, 9) and torch.allclose(found[0, 1], expected, atol=1e-4)


def test_a_teacher_costs_nothing_beside_itself(bench):
    found = bench.costs(ENGINE.checkpoint(SETTING, "minilm-teacher").model)
    for criterion, grid in found.of.items():
        assert grid.diagonal().max() < 5e-3, criterion
        assert grid.max() > 0.05, criterion
    near = bench.nearness(ENGINE.checkpoint(SETTING, "minilm-teacher").model, range(6))
    assert max(near.attention) < 1e-5 and near.values < 1e-5


def test_a_sentence_is_not_matched_for_free(cast, costs):
    on_text = costs.on(study.features_of(cast.teacher), study.features_of(cast.students["distilled"]))
    assert on_text.tokens == len(cast.pieces) and on_text.of["unexplained"].min() > 0.05
    refitted = costing.best_matrices(study.features_of(cast.students["distilled"]), study.features_of(cast.teacher))
    free = study.features_of(cast.students["distilled"]).hidden[0][0] @ refitted[0, 0]
    assert (free - cast.teacher.layers[0].hidden).square().mean() < on_text.of["hidden"][0, 0] / 5


def test_other_numbers_of_heads_leave_the_head_by_head_costs_out():
    found = costing.costs_of(ENGINE, SETTING, "kinds-teacher", "kinds-student")
    assert found.criteria == ["cka", "hidden", "unexplained"] and found.shape == (2, 6)


def test_grids_put_students_of_any_depth_beside_each_other():
    ckas = [torch.tensor([[0.9, 0.1], [0.2, 0.3]]), torch.tensor([[0.1, 0.8]])]
    found = maps.grids(ckas)
    assert found.maps.shape == (2, 2, 2) and found.maps[0, 1, 0] == pytest.approx(0.1) and found.maps[1, 0, 1].isnan()
    assert found.best == [[(0, 0), (1, 1)], [(1, 0)]]
    assert not found.follows((0, 1)) and maps.grids(ckas[:1]).follows((0, 1))
    assert maps.along(ckas, (1, 0)) == pytest.approx([0.15, 0.8])


# Maps


@pytest.mark.parametrize("map_", [(1, 3, 5), (0, 1, 2), (5, 3, 1), (2, 2, 2), (-1, -1, 5), (4, -1, 0)])
@pytest.mark.parametrize("criterion", ["cka", "attention"])
def test_totals_and_places_are_those_of_trying_all_maps(costs, map_, criterion):
    grid = costs.of[criterion]
    rows = [layer for layer, other in enumerate(map_) if other >= 0]
    tried = sorted(
        sum(float(grid[row, other]) for row, other in zip(rows, others, strict=True))
        for others in itertools.product(range(6), repeat=len(rows))
    )
    own = sum(float(grid[row, map_[row]]) for row in rows)
    found = maps.verdict(costs, criterion, map_)
    assert found.cost == pytest.approx(own, rel=1e-5) == pytest.approx(sum(found.losses), rel=1e-5)
    assert found.count == len(tried) and found.lowest == pytest.approx(tried[0], rel=1e-5)
    assert found.rank == 1 + sum(one < own - 1e-6 for one in tried)
    assert maps.total(costs, criterion, found.best) == pytest.approx(tried[0], rel=1e-5)
    assert found.partial == (-1 in map_) and found.shares == (map_ == (2, 2, 2))


def test_crossings_are_pairs_in_the_other_order():
    assert study.crossings((1, 3, 5)) == study.crossings((2, 2, 2)) == study.crossings((-1, 3, 4)) == []
    assert study.crossings((5, 3, 1)) == [(0, 1), (0, 2), (1, 2)] and study.crossings((4, -1, 0)) == [(0, 2)]


def test_rules_that_do_not_exist_are_left_out():
    found = maps.rules(3, 6)
    assert found["uniform"] == (1, 3, 5) and found["last_only"] == (-1, -1, 5)
    assert "every_other" not in maps.rules(4, 6) and set(maps.rules(7, 6)) == {"last_only"}


@pytest.mark.parametrize("written", ["", "1-2", "1-2-7", "1-2-x", "-1-2-3", "1--3", "0-0-0", "9999999-1-1", "<script>"])
def test_a_hostile_map_falls_back(written):
    assert maps.map_from(written, 3, 6, (0, 1, 2)) == (0, 1, 2)


def test_a_map_survives_the_address():
    for map_ in ((1, 3, 5), (-1, 0, 2)):
        assert maps.map_from(maps.map_text(map_), 3, 6, ()) == map_


# The run


def test_the_arms_differ_only_in_what_they_match():
    setup = running.Setup(steps=100, map_=(0, 1, 5), weight=2.0)
    made = running.plan(setup, "title", {"prediction": "minilm"})
    assert RunPlan.from_dict(made.to_dict()) == made and made.extra["prediction"] == "minilm"
    assert {arm.student for arm in made.arms.values()} == {running.SHAPE}
    assert made.arms["control"].stages[0].objective == CONTROL
    student, teacher = Shape(3, 96, 12), Shape(6, 384, 12)
    for arm in ("logits", "tinybert", "minilm"):
        (stage,) = made.arms[arm].stages
        assert stage.objective.terms[-2:] == running.LOGITS.terms
        stage.objective.check(student, teacher)
    tinybert = {term.kind: term for term in made.arms["tinybert"].stages[0].objective.terms}
    assert tinybert["attention_scores"].layers == ((0, 0), (1, 1), (2, 5)) and tinybert["hidden"].weight == 0.2
    minilm = {term.kind: term for term in made.arms["minilm"].stages[0].objective.terms}
    assert minilm["attention_kl"].layers == minilm["value_relation"].layers == "last_only"


def test_before_gives_the_first_half_to_the_inside():
    made = running.plan(running.Setup(procedure="before", weight=9.0), "title")
    for arm in ("tinybert", "minilm"):
        first, second = made.arms[arm].stages
        assert first.share == second.share == 0.5 and second.objective == running.LOGITS
        assert {term.weight for term in first.objective.terms} == {1.0}
        assert not {"soft", "hard"} & set(first.objective.names)


def test_the_boards_map_is_offered_where_it_fits():
    assert running.maps_offered("2-2-6")["board"] == (1, 1, 5)
    assert "board" not in running.maps_offered("2-6") and "last_only" not in running.maps_offered("")


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Run:
    """A finished run of four steps and two seeds."""
    material = kinds_material(texts=64, labels=32, held_out=16)
    made = replace(running.plan(running.Setup(steps=4, seeds=2), "tiny"), measure_every=2, snapshots=2)
    known = material.logits, material.held_out_logits
    made = Run.create(tmp_path_factory.mktemp("runs") / "tiny", made, material.texts, material.held_out, *known)
    assert Session(made).train() == "finished"
    return made


def test_frames_are_the_kept_students(run):
    found = courses.frames(ENGINE, run, TEXT)
    assert [frame.step for frame in found] == run.snapshots("minilm") == [1, 2, 4]
    kept = student_at(run, "tinybert", 0, 2)
    tokens = found[0].cast.teacher.tokens
    with torch.no_grad():
        state = kept.base_model(input_ids=tokens.ids[None]).last_hidden_state[0]
    assert torch.allclose(found[1].cast.students["tinybert"].layers[-1].hidden, state, atol=1e-5)
    again = courses.RunSnapshots(ENGINE, run)  # opened in another order, the same students
    last, first = (again.trace("minilm", step, TEXT) for step in (4, 1))
    assert torch.equal(last.hidden, found[-1].cast.students["minilm"].hidden)
    assert torch.equal(first.hidden, found[0].cast.students["minilm"].hidden)
    assert not torch.equal(first.hidden, last.hidden)


def test_a_course_follows_what_the_run_measured(run):
    map_ = courses.map_of(ENGINE, run)
    assert map_ == (1, 3, 5)
    shares: list[float] = []
    found = courses.course(ENGINE, run, SETTING, map_, shares.append)
    assert shares == sorted(shares) and shares[0] == 0
    lines = {line["number"]: line["scores"] for line in run.metrics()[0] if "scores" in line and line["seed"] == 0}
    assert found.accuracy["logits"] == [lines[step]["logits"]["accuracy"] for step in (1, 2, 4)]
    bench = costing.bench_of(ENGINE, SETTING, "kinds-teacher")
    near = bench.nearness(student_at(run, "minilm", 0, 4), map_)
    assert found.near["minilm"][-1].attention == pytest.approx(near.attention, rel=1e-3)
    assert found.lines("attention")["minilm"][-1] == pytest.approx(sum(near.attention) / 3, rel=1e-3)
    assert found.lines("unexplained") is None


def test_an_outcome_has_a_number_a_seed(run):
    found = outcomes.outcome(ENGINE, run, SETTING, (1, 3, 5))
    assert found.seeds == [0, 1] and all(len(values) == 2 for by_arm in found.of.values() for values in by_arm.values())
    costs = outcomes.final_costs(ENGINE, run, SETTING, "minilm", 1)
    mean = sum(float(costs.of["attention"][pair]) for pair in ((0, 1), (1, 3), (2, 5))) / 3
    assert found.of["attention"]["minilm"][1] == pytest.approx(mean, rel=1e-5)
    assert found.of["values"]["minilm"][1] == pytest.approx(float(costs.of["values"][2, 5]), rel=1e-5)
    assert found.mean("accuracy", found.best("accuracy")) == max(found.mean("accuracy", arm) for arm in running.ARMS)
    assert found.compare("logits").verdict == "too_few" and found.winner is None and found.rows > 1


def test_a_winner_is_clearly_better_than_every_other():
    accuracy = {"control": [0.5, 0.51, 0.52], "logits": [0.7, 0.72, 0.71], "minilm": [0.6, 0.61, 0.62]}
    found = outcomes.Outcome({"accuracy": accuracy}, [0, 1, 2], 0.9, 300)
    assert found.winner == "logits" and found.compare("minilm").verdict == "better"
    accuracy["minilm"] = [0.65, 0.75, 0.70]
    assert outcomes.Outcome({"accuracy": accuracy}, [0, 1, 2], 0.9, 300).winner is None
    headless = outcomes.Outcome({"accuracy": accuracy}, [0, 1, 2], 0.9, 300, frozenset({"minilm"}))
    assert headless.compare("minilm").verdict == "not_meaningful"


def test_a_student_that_is_not_there_is_refused(run):
    with pytest.raises(LabError) as caught:
        outcomes.final_costs(ENGINE, run, SETTING, "minilm", 7)
    assert caught.value.code == "run_missing"


def test_a_run_at_work_shows_the_same_attention(run):
    frame = courses.frames(ENGINE, run, TEXT)[-1]
    arms = {arm: {"attention": trace.probabilities.tolist()} for arm, trace in frame.cast.students.items()}
    watched = {
        "teacher": {"attention": frame.cast.teacher.probabilities.tolist()},
        "arms": arms,
        "tokens": frame.cast.pieces,
    }
    pair = courses.last_pair(run, watched)
    assert pair == (2, 5)
    live, kept = study.live_wall(watched, pair, 3), study.wall(frame.cast, "attention", pair, 3)
    assert live.names == kept.names and torch.allclose(live.maps, kept.maps)
    assert live.distances == pytest.approx(kept.distances, abs=1e-5)
