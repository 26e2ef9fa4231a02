"""The finished students of a run, and each as one file to take away."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from pathlib import Path

from core.errors import LabError
from core.runs.run import Run


@dataclass(frozen=True)
class Made:
    """A student that a run has saved.

    Attributes:
        arm, seed: which.
        folder: plain transformers opens it.
    """

    arm: str
    seed: int
    folder: Path

    @property
    def name(self) -> str:
        """As the run calls it: "distilled-0"."""
        return self.folder.name


def students(run: Run) -> list[Made]:
    """All saved students, in the order of the plan's arms and seeds."""
    plan = run.written_plan
    every = [Made(arm, seed, run.student_folder(arm, seed)) for arm in plan["arms"] for seed in plan["seeds"]]
    return [made for made in every if (made.folder / "README.md").exists()]


def parcel(made: Made) -> bytes:
    """A student's folder with its card as one zip file.

    Raises:
        LabError: `run_missing` if the folder is gone.
    """
    files = sorted(path for path in made.folder.rglob("*") if path.is_file()) if made.folder.is_dir() else []
    if not files:
        raise LabError("run_missing", name=made.folder.parent.parent.name)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as archive:  # weights do not get smaller by packing
        for path in files:
            archive.write(path, Path(made.name) / path.relative_to(made.folder))
    return content.getvalue()
