"""`python -m core.build`: lists the stages; `python -m core.build all`, or the names of stages, runs them.

They run in the order of their needs. A stage that is named runs what it needs first, as far as that
is not there. A stage that is done is skipped; a training that was killed goes on from its last checkpoint. Everything that is
not shipped is in the folder `DISTILLERY_BUILD` (by default in the user's cache).

The teacher's training is described in two files: `train/teacher.py` (on text) and `train/rounds.toml` (on masked examples).
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from core.build.stage import Stage, StageError, asked_for, ordered
from core.build.stages.classifiers import STAGES as CLASSIFIER_STAGES
from core.build.stages.masked import STAGES as MASKED_STAGES

STAGES = (*MASKED_STAGES, *CLASSIFIER_STAGES)


def main(names: Sequence[str], stages: Sequence[Stage] = STAGES) -> None:
    """List the stages, or run those named and what they need, in their order.

    Raises:
        SystemExit: there is no such stage, or the stages' needs cannot be met; the message names them.
    """
    try:
        chosen = asked_for(names, stages) if names else ordered(stages)
    except StageError as error:
        raise SystemExit(str(error)) from None
    if not names:
        for stage in chosen:
            state = "done" if stage.done() else "to do"
            needs = ", ".join((*stage.needs, *stage.outside))
            print(f"{stage.name:16} {state:6} about {stage.minutes:2} min; needs {needs}; leaves {stage.leaves}")
        return
    first = [stage for stage in chosen if stage.name not in names and "all" not in names]
    if first:
        minutes = sum(stage.minutes for stage in first)
        print(f"Needed first: {', '.join(stage.name for stage in first)} (about {minutes} min)", flush=True)
    for stage in chosen:
        state = "done" if stage.done() else "running"
        print(f"{stage.name}: {state}", flush=True)
        if state == "running":
            stage.run()


if __name__ == "__main__":
    main(sys.argv[1:])
