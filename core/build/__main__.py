"""`python -m core.build`: lists the stages; `python -m core.build all`, or the names of stages, runs them.

A stage that is done is skipped; a training that was killed goes on from its last checkpoint. Everything that is not shipped
lies in the folder `DISTILLERY_BUILD` (by default in the user's cache).
"""

from __future__ import annotations

import sys

from core.build.stages.classifiers import STAGES as CLASSIFIER_STAGES
from core.build.stages.masked import STAGES as MASKED_STAGES

STAGES = [*MASKED_STAGES, *CLASSIFIER_STAGES]


def main(names: list[str]) -> None:
    """Lists the stages, or runs those named, in their order."""
    known = {stage.name: stage for stage in STAGES}
    unknown = [name for name in names if name not in known and name != "all"]
    if unknown:
        raise SystemExit(f"There is no stage {', '.join(unknown)}. Stages: {', '.join(known)}, or all.")
    for stage in STAGES:
        state = "done" if stage.done() else "to do"
        if not names:
            print(f"{stage.name:16} {state:6} about {stage.minutes:2} min; needs {stage.needs}; leaves {stage.leaves}")
        elif stage.name in names or "all" in names:
            print(f"{stage.name}: {state if state == 'done' else 'running'}", flush=True)
            if state != "done":
                stage.run()


if __name__ == "__main__":
    main(sys.argv[1:])
