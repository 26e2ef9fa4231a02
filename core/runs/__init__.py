"""Runs: trainings as folders on disk, in processes of their own, that can be paused, killed and resumed.

    workshop = Workshop(folder)                                      # a queue and its worker processes
    run = Run.create(folder, plan, texts, held_out)
    workshop.submit(run.name, owner="a session")
    workshop.view(run.name).state, run.metrics()                     # "queued", "running", ... and a line a step
    workshop.pause(run.name); workshop.step(run.name); workshop.resume(run.name)
    index.open_run(run.name); index.finished_runs("a session")       # without a workshop
    snapshots.student_at(run, "distilled", seed=0, step=120)         # a student on its way

A folder holds `run.json` (the plan), `texts.safetensors`, `status.json`, `metrics.jsonl`, `checkpoints/`, `snapshots/` (the
students on their way) and, once finished, `students/`, each a folder that plain transformers opens.
"""
