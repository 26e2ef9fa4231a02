"""The stages: listed, in an order that works, skipped when done, run with what they need."""

from __future__ import annotations

import pytest

from core.build import __main__ as build
from core.build import workspace
from core.build.stage import Stage, StageError, asked_for, ordered
from core.build.stages.classifiers import STAGES
from core.build.stages.labels import WHAT_IS_JUDGED
from core.build.train.rounds import JUDGED, MEANS, ROUNDS, ROWS, made_of


def test_every_stage_is_listed_with_what_it_needs(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(workspace, "folder", lambda: tmp_path)
    build.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [stage.name for stage in ordered(build.STAGES)]
    assert all("needs" in line and "leaves" in line and " min" in line for line in lines)
    with pytest.raises(SystemExit, match="no stage"):
        build.main(["kind_data"])


def test_every_round_finds_its_labels_and_what_it_goes_on_from():
    order = [stage.name for stage in ordered(build.STAGES)]
    left = " ".join(stage.leaves for stage in build.STAGES)
    for name, each in ROUNDS.items():
        before = order[: order.index(name)]
        assert {*made_of(each.start)} <= {*before}
        assert all(f"blanks/{labels}.jsonl" in left for labels in each.labels)
    assert all(ROUNDS[name].plan.last == 0 for mean in MEANS for name in made_of(mean))


def test_what_judges_proposes_and_is_measured_is_a_training_of_the_file():
    """Every model that `rounds.toml` names is one that it describes, or the one before all of them."""
    known = {"text_only", *ROUNDS, *MEANS}
    named = {each.start for each in ROUNDS.values()} | {part for parts in MEANS.values() for part in parts}
    assert named | {each.guesser for each in JUDGED} | set(ROWS) <= known
    assert len({each.name for each in JUDGED}) == len(JUDGED) and {each.kind for each in JUDGED} == set(WHAT_IS_JUDGED)


def stage(
    name: str, *needs: str, done: bool = False, shipped: bool | None = None, ran: list[str] | None = None
) -> Stage:
    """A stage that does nothing but note in `ran` that it was run; then it is done."""
    state = {"done": done}

    def run() -> None:
        state["done"] = True
        if ran is not None:
            ran.append(name)

    there = None if shipped is None else lambda: shipped
    return Stage(name, "a file", 5, lambda: state["done"], run, needs, shipped=there)


def names(stages: list[Stage]) -> list[str]:
    return [each.name for each in stages]


def test_stages_stand_after_what_they_need_and_otherwise_as_listed():
    listed = [stage("ship", "train", "measure"), stage("data"), stage("measure", "train"), stage("train", "data")]
    assert names(ordered(listed)) == ["data", "train", "measure", "ship"]
    assert names(ordered([listed[1], stage("other"), stage("more", "data")])) == ["data", "other", "more"]


def test_stages_in_a_circle_are_refused_by_name():
    listed = [stage("data"), stage("a", "data", "c"), stage("b", "a"), stage("c", "b")]
    with pytest.raises(StageError, match="in a circle: a needs c needs b needs a\\."):
        ordered(listed)
    with pytest.raises(SystemExit, match="in a circle: a needs a"):
        build.main(["a"], [stage("a", "a")])


def test_a_need_that_no_stage_meets_and_a_name_twice_are_refused():
    with pytest.raises(StageError, match="The stage train needs text, but there is no such stage"):
        ordered([stage("train", "text")])
    with pytest.raises(StageError, match="Two stages are called train"):
        ordered([stage("train"), stage("train")])


def test_a_stage_runs_what_it_needs_first_as_far_as_it_is_not_there(capsys):
    ran: list[str] = []
    listed = [
        stage("ship", "measure", ran=ran),
        stage("measure", "train", "base", ran=ran),
        stage("train", "data", ran=ran),
        stage("data", "unfinished", done=True, ran=ran),
        # The result of this one is there, so what it was made of is not asked for.
        stage("base", "unfinished", shipped=True, ran=ran),
        stage("unfinished", ran=ran),
    ]
    build.main(["measure"], listed)
    assert ran == ["train", "measure"]
    said = capsys.readouterr().out.splitlines()
    assert said == ["Needed first: train (about 5 min)", "train: running", "measure: running"]
    build.main(["ship", "measure"], listed)
    assert ran == ["train", "measure", "ship"]
    assert capsys.readouterr().out.splitlines() == ["measure: done", "ship: running"]
    build.main(["data"], listed)
    assert ran == ["train", "measure", "ship"]
    assert capsys.readouterr().out.splitlines() == ["data: done"]


def test_all_runs_everything_in_order_but_what_is_done(capsys):
    ran: list[str] = []
    listed = [stage("ship", "train", ran=ran), stage("train", "data", ran=ran), stage("data", done=True, ran=ran)]
    build.main(["all"], listed)
    assert ran == ["train", "ship"]
    assert capsys.readouterr().out.splitlines() == ["data: done", "train: running", "ship: running"]


def test_a_stage_that_was_killed_runs_again_and_not_what_came_before():
    ran: list[str] = []
    steps = []

    def run() -> None:
        while len(steps) < 2:
            steps.append(len(steps))
            if steps == [0]:
                raise KeyboardInterrupt

    listed = [stage("data", ran=ran), Stage("train", "a file", 5, lambda: len(steps) == 2, run, ("data",))]
    with pytest.raises(KeyboardInterrupt):
        build.main(["train"], listed)
    assert ran == ["data"] and steps == [0]
    build.main(["train"], listed)
    assert ran == ["data"] and steps == [0, 1]


def test_a_fresh_copy_trains_students_on_the_shipped_teachers(monkeypatch, tmp_path):
    """Nothing that is shipped is trained anew because a stage that reads it is asked for."""
    monkeypatch.setattr(workspace, "folder", lambda: tmp_path)
    for name in ("kinds_experiment", "pairs"):
        assert names(asked_for([name], build.STAGES)) == [name]


def test_a_stage_that_is_done_is_not_run(capsys, monkeypatch):
    """The shipped table is there, so its stage leaves it alone."""
    assert next(stage for stage in STAGES if stage.name == "kinds_data").done()
    monkeypatch.setattr("core.build.text.kinds_data.read", lambda: pytest.fail("it ran"))
    build.main(["kinds_data"])
    assert capsys.readouterr().out == "kinds_data: done\n"
