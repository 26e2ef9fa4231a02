"""The run queue with real processes: queue, pause, step, stop, killed workers and killed servers."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from core.distill.distiller import TrainingConfig
from core.distill.objectives.objective import CONTROL, mixture
from core.distill.students import open_for, save
from core.errors import LabError
from core.models import load
from core.runs.estimates import Estimates
from core.runs.plan import ArmPlan, RunPlan, StudentPlan
from core.runs.process.session import Session
from core.runs.queue import RunQueue, _Ticket
from core.runs.run import Run

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 300
OPTIONS = {"checkpoint_seconds": 0.1}

SERVER = """
import sys, time
from core.runs.queue import RunQueue
run_queue = RunQueue(sys.argv[1], slots=1, options={"checkpoint_seconds": 0.1})
run_queue.submit(sys.argv[2]); run_queue.submit(sys.argv[3])
time.sleep(600)
"""
"""A server that only knows how to start; it is killed before it ends."""


def until(condition, seconds=PATIENCE):
    """Waits for a condition, and fails if it does not come."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def run_queue(folder):
    """One for all tests, as a server has one for all learners."""
    opened = RunQueue(folder, slots=1, options=OPTIONS)
    yield opened
    opened.close()


@pytest.fixture
def make_run(model, tiny, texts, tmp_path, folder):
    teacher = tmp_path / "teacher"
    save(model(layers=3), teacher, tiny("bert").tokenizer)
    student = StudentPlan(depth=2, width=16, heads=2)

    def make(name, steps=400, where=folder, **options):
        arms = {"distilled": ArmPlan(student, mixture(0.9, 4.0)), "control": ArmPlan(student, CONTROL)}
        training = TrainingConfig(steps=steps, batch_size=10, learning_rate=3e-3)
        plan = RunPlan(name, "single_label", (str(teacher),), arms, training, measure_every=50, **options)
        return Run.create(where / name, plan, texts(), texts())

    return make


def weights(run, arm="distilled"):
    return open_for(run.student_folder(arm), "single_label").state_dict()


def test_runs_wait_pause_step_and_finish(run_queue, make_run):
    first, second = make_run("first", steps=5000), make_run("second", steps=60)
    run_queue.submit("first", "ada")
    run_queue.submit("second", "ben")
    until(lambda: run_queue.view("first").status.done > 10)
    view = run_queue.view("second")
    assert (view.state, view.place) == ("queued", 1) and view.wait_seconds > 0
    assert run_queue.view("first").place == 0 and run_queue.view("first").status.owner == "ada"
    run_queue.pause("first")
    until(lambda: run_queue.view("second").state == "finished")
    paused = run_queue.view("first")
    assert paused.state == "paused" and paused.resumable and paused.status.checkpoint == paused.status.done
    for more in (1, 2):
        run_queue.step("first", "ada")
        until(lambda: run_queue.view("first").state == "paused")
        assert run_queue.view("first").status.done == paused.status.done + more
    run_queue.resume("first", "ada")
    until(lambda: run_queue.view("first").status.done > paused.status.done + 10)
    run_queue.stop("first")
    until(lambda: run_queue.view("first").state == "stopped")
    load(first.student_folder("distilled"), device="cpu")
    assert {"first", "second"} <= {view.name for view in run_queue.views()}
    assert second.status().owner == "ben"
    run_queue.delete("first")
    with pytest.raises(LabError) as error:
        run_queue.view("first")
    assert error.value.code == "run_missing"
    with pytest.raises(LabError):
        run_queue.view("../teacher")  # a name must not lead out of the folder


def test_a_killed_worker_loses_only_the_steps_since_the_checkpoint(run_queue, make_run):
    run, whole = make_run("killed", steps=160), make_run("whole", steps=160)
    run_queue.submit("killed")
    last = random.Random(os.getpid()).randrange(20, 120)
    until(lambda: run_queue.view("killed").status.done >= last)
    os.kill(run_queue._workers[0].pid, signal.SIGKILL)
    until(lambda: run_queue.view("killed").state == "interrupted")
    view = run_queue.view("killed")
    assert view.status.error["code"] == "worker_died" and [each.name for each in run_queue.interrupted()] == ["killed"]
    assert run.checkpoints
    run_queue.resume("killed")  # a new worker has taken the place of the old one
    until(lambda: run_queue.view("killed").state == "finished")
    Session(whole).train()
    ours, theirs = weights(run), weights(whole)
    for name, tensor in theirs.items():
        torch.testing.assert_close(ours[name], tensor, rtol=1e-4, atol=1e-5)
    numbers = [line["number"] for line in run.metrics()[0] if "arms" in line]
    assert numbers == list(range(1, 161))


def test_a_killed_server_takes_its_worker_along_and_offers_its_runs(make_run, tmp_path):
    runs = tmp_path / "runs"
    run, waiting = make_run("cut", steps=4000, where=runs), make_run("waiting", steps=20, where=runs)
    command = [sys.executable, "-c", SERVER, str(runs), "cut", "waiting"]
    server = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
    try:
        until(lambda: run.status().done > 20)
    finally:
        server.kill()
        server.wait()
    until(lambda: run.status().state == "interrupted")  # the worker noticed, wrote a checkpoint and ended
    assert run.status().checkpoint == run.status().done and waiting.status().state == "queued"
    again = RunQueue(runs, slots=1, options=OPTIONS)
    try:
        assert {view.name for view in again.interrupted()} == {"cut", "waiting"}
        done = run.status().done
        again.resume("cut")
        until(lambda: again.view("cut").status.done > done)
        again.pause("cut")
        until(lambda: again.view("cut").state == "paused")
    finally:
        again.close()
    numbers = [line["number"] for line in run.metrics()[0] if "arms" in line]
    assert numbers == list(range(1, run.status().done + 1))


def test_what_goes_wrong_is_said_and_the_next_run_goes_on(run_queue, make_run):
    broken, gone, fine = make_run("broken"), make_run("gone", steps=10**6), make_run("fine", steps=20)
    (broken.folder / "texts.safetensors").write_bytes(b"nonsense")
    for name in ("broken", "gone", "fine"):
        run_queue.submit(name)
    until(lambda: run_queue.view("gone").status.done > 5)
    gone.delete()
    until(lambda: run_queue.view("fine").state == "finished")
    view = run_queue.view("broken")
    assert view.state == "failed" and view.status.error["code"] == "broken_run"
    assert "texts" in str(view.status.lab_error)
    names = {each.name for each in run_queue.views()}
    assert {"broken", "fine"} <= names and "gone" not in names and fine.status().done == 20


def test_the_queue_is_fair_between_owners(tmp_path):
    run_queue = RunQueue.__new__(RunQueue)
    names = [("a1", "ada"), ("a2", "ada"), ("a3", "ada"), ("b1", "ben"), ("c1", "cy"), ("b2", "ben")]
    run_queue._waiting = [_Ticket(name, owner, number) for number, (name, owner) in enumerate(names)]
    run_queue._served = {}
    assert [ticket.name for ticket in run_queue._order()] == ["a1", "b1", "c1", "a2", "b2", "a3"]
    run_queue._served = {"ada": 7, "ben": 6}
    assert [ticket.name for ticket in run_queue._order()][:3] == ["c1", "b1", "a1"]


def test_estimates_learn_what_this_machine_does():
    def plan(steps, depth=2, arms=2, task="single_label"):
        student = {"layers": None, "depth": depth, "width": 128}
        return {
            "task": task,
            "training": {"steps": steps, "batch_size": 32, "batch_tokens": None},
            "seeds": [0],
            "arms": {str(number): {"student": student} for number in range(arms)},
        }

    estimates = Estimates()
    estimates.learn(plan(100), per_second=10.0)
    assert estimates.seconds(plan(100)) == pytest.approx(12.0)  # two seconds to open everything
    assert estimates.seconds(plan(100, arms=4)) == pytest.approx(22.0)
    assert estimates.seconds(plan(100), done=50) == pytest.approx(7.0)
    assert estimates.seconds(plan(100), per_second=50.0) == pytest.approx(4.0)
    assert estimates.seconds(plan(100, depth=12)) > estimates.seconds(plan(100, depth=2))
    words = estimates.seconds(plan(100, task="masked_words"))
    assert words > 2 * estimates.seconds(plan(100))  # the output over the vocabulary
    estimates.learn(plan(100, task="masked_words"), per_second=1.0)
    assert estimates.seconds(plan(100)) == pytest.approx(12.0)  # what one task takes says nothing of another
    estimates.learn(plan(100), per_second=20.0)
    assert 7.0 < estimates.seconds(plan(100)) < 12.0


def test_the_workshop_needs_no_torch():
    """A server's first page must not wait for it."""
    code = "import sys, core.runs.queue, core.files; print('torch' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert json.loads(answer.lower()) is False


def test_a_wish_in_the_moment_after_a_pause_is_not_forgotten(run_queue, make_run):
    run = make_run("quick", steps=400)
    run_queue.submit("quick", "ada")
    for _ in range(5):  # the state on disk comes before the worker's answer: ask at once
        before = run.status().done
        until(lambda before=before: run.status().done > before)
        run_queue.pause("quick")
        until(lambda: run.status().state == "paused")
        run_queue.resume("quick", "ada")
    until(lambda: run_queue.view("quick").state == "finished")
