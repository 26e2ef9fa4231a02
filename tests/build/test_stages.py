"""The stages: listed, in an order that works, skipped when done; and the sentiment texts cut as their card says."""

from __future__ import annotations

import pytest

from core.build import __main__ as build
from core.build import workspace
from core.build.stages.classifiers import STAGES
from core.build.text import sentiment_data
from core.build.train import kinds_experiment
from core.build.train.rounds import MEANS, ROUNDS, made_of


def test_every_stage_is_listed_with_what_it_needs(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(workspace, "folder", lambda: tmp_path)
    build.main([])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == [stage.name for stage in build.STAGES]
    assert all("needs" in line and "leaves" in line and " min" in line for line in lines)
    with pytest.raises(SystemExit, match="no stage"):
        build.main(["kind_data"])


def test_every_round_finds_its_labels_and_what_it_goes_on_from():
    order = [stage.name for stage in build.STAGES]
    left = " ".join(stage.leaves for stage in build.STAGES)
    for name, each in ROUNDS.items():
        before = order[: order.index(name)]
        assert {*made_of(each.start)} <= {*before}
        assert all(f"blanks/{labels}.jsonl" in left for labels in each.labels)
    assert all(ROUNDS[name].plan.last == 0 for mean in MEANS for name in made_of(mean))


def test_a_stage_that_is_done_is_not_run(capsys, monkeypatch):
    """The shipped table is there, so its stage leaves it alone."""
    assert next(stage for stage in STAGES if stage.name == "kinds_data").done()
    monkeypatch.setattr("core.build.text.kinds_data.read", lambda: pytest.fail("it ran"))
    build.main(["kinds_data"])
    assert capsys.readouterr().out == "kinds_data: done\n"


def test_a_review_is_cut_into_passages_that_end_whole():
    words = [f"w{i}" for i in range(173)]
    passages = sentiment_data._passages(" ".join(words))
    assert all(len(passage.split()) <= sentiment_data.PASSAGE_WORDS for passage in passages)
    assert passages[-1].split()[-1] == "w172" and len(passages[-1].split()) == sentiment_data.PASSAGE_WORDS
    assert " ".join(passages).split() == words
    assert sentiment_data._passages("too short") == ["too short"]


def test_passages_of_one_review_share_its_fate():
    opinions = [
        sentiment_data.Opinion("text", 1, "movie_reviews", f"pos/cv{number}.txt")
        for number in range(2000)
        for _ in "ab"
    ]
    held = [one.held_out for one in opinions]
    assert held[0::2] == held[1::2]
    assert 0.08 < sum(held) / len(held) < 0.12


def test_the_experiment_goes_on_where_it_was_killed(tmp_path, monkeypatch):
    """Runs that are written are not run again; every planned run is there in the end."""
    monkeypatch.setattr(kinds_experiment, "SEEDS", range(2))
    monkeypatch.setattr(kinds_experiment, "learn", lambda run, recipe: run)
    asked = []

    def logits_of(run, part):
        asked.append(run)
        if len(asked) == 9:
            raise KeyboardInterrupt
        return run

    monkeypatch.setattr(kinds_experiment, "logits_of", logits_of)
    monkeypatch.setattr(kinds_experiment, "measured", lambda run: {"accuracy": run.labels})
    with pytest.raises(KeyboardInterrupt):
        kinds_experiment.conduct(tmp_path, seeds=range(2))
    assert len(kinds_experiment.results(tmp_path)) == 8 and not kinds_experiment.done(tmp_path)
    kinds_experiment.conduct(tmp_path, seeds=range(2))
    assert kinds_experiment.done(tmp_path)
    planned = kinds_experiment.runs()
    assert len(planned) == 2 * 11 == len(set(planned)) == len(kinds_experiment.results(tmp_path))
    assert len(asked) == len(planned) + 1  # only the one that was killed was asked twice
