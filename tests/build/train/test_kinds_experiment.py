"""The experiment with label budgets."""

from __future__ import annotations

import pytest

from core.build.train import kinds_experiment


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
