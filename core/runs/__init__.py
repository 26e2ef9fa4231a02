"""Runs: trainings as folders on disk, in processes of their own, that can be paused, killed and resumed.

    run_queue = RunQueue(folder)                                      # a queue and its worker processes
    run = Run.create(folder, plan, texts, held_out)
    run_queue.submit(run.name, owner="a session")
    run_queue.view(run.name).state, run.metrics()                     # "queued", "running", ... and a line a step
    run_queue.pause(run.name); run_queue.step(run.name); run_queue.resume(run.name)
    index.open_run(run.name); index.finished_runs("a session")       # without a run queue
    snapshots.student_at(run, "distilled", seed=0, step=120)         # a student on its way

A folder holds `run.json` (the plan), `texts.safetensors`, `status.json`, `metrics.jsonl`, `checkpoints/`, `snapshots/` (the
students on their way) and, once finished, `students/`, each a folder that plain transformers opens.
"""
