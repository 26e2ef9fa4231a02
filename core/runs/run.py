"""A run as a folder: its plan, its state, its metrics, its checkpoints and its students. Importing this costs nothing.

For example:

    run = Run.create(Path("runs/first"), plan, texts, held_out)
    run = Run(Path("runs/first"))
    run.status().state, run.status().seconds_left
    lines, offset = run.metrics(offset)                   # what came since the last look
    run.snapshots("distilled")                            # the steps that `core.runs.snapshots` can open
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from core.errors import LabError

if TYPE_CHECKING:
    from torch import Tensor

    from core.distill.inputs.texts import TokenizedTexts
    from core.runs.plan import RunPlan

State = Literal["new", "queued", "running", "paused", "stopped", "finished", "failed", "interrupted"]

RENAMED = {"batch": "batch_size", "rate": "learning_rate", "clip": "max_grad_norm", "words": "train_embeddings"}
"""Names of fields of `core.distill.training.TrainingConfig` when older runs were written, and their names now."""

RESUMABLE = ("paused", "stopped", "failed", "interrupted")
"""States from which a run can go on."""


@dataclass(frozen=True)
class Status:
    """Status of a run.

    Attributes:
        state: "interrupted" is a run whose process ended unasked; the others speak for themselves.
        done, steps: steps of all seeds, done and in all.
        seed: in progress.
        per_second: steps per second, all arms together, lately; 0 before the first.
        seconds_left: of computing, not of waiting in the queue.
        seconds: of computing so far.
        checkpoint: steps done when the last checkpoint was written.
        owner: the visitor who started it.
        error: the code and details of the `LabError` that stopped it.
        submitted, updated: seconds since 1970.
    """

    state: State = "new"
    done: int = 0
    steps: int = 0
    seed: int = 0
    per_second: float = 0.0
    seconds_left: float = 0.0
    seconds: float = 0.0
    checkpoint: int = 0
    owner: str = ""
    error: Mapping[str, Any] = field(default_factory=dict)
    submitted: float = 0.0
    updated: float = 0.0

    @property
    def active(self) -> bool:
        """True if it is running or waits for its turn."""
        return self.state in ("queued", "running")

    @property
    def share(self) -> float:
        """Of all steps, those that are done, 0 to 1."""
        return min(self.done / self.steps, 1.0) if self.steps else 0.0

    @property
    def lab_error(self) -> LabError | None:
        """Error that stopped it, to be shown in the learner's language."""
        return LabError(self.error["code"], **self.error["details"]) if self.error else None


class Run:
    """The folder of a run.

    Raises:
        LabError: `run_missing` if there is no such folder.
    """

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)
        try:
            is_there = (self.folder / "run.json").exists()
        except (OSError, ValueError):  # a name out of an address may be longer than any file's, or no name at all
            is_there = False
        if not is_there:
            raise LabError("run_missing", name=self.folder.name)

    @classmethod
    def create(
        cls,
        folder: Path | str,
        plan: RunPlan,
        texts: TokenizedTexts,
        held_out: TokenizedTexts | None = None,
        known_logits: Tensor | None = None,
        known_held_out_logits: Tensor | None = None,
    ) -> Run:
        """Write a new run with all that it needs.

        Args:
            texts: what the students learn from.
            held_out: what they are measured on, or None.
            known_logits: the teacher's logits for each of `texts`, `[text, class]`, if they are known already.
            known_held_out_logits: the same for `held_out`.

        Raises:
            LabError: `no_space`.
            FileExistsError: the folder exists.
        """
        from core.files import write_whole, writing
        from core.runs.storage import save_tensors, save_texts

        folder = Path(folder)
        folder.mkdir(parents=True)
        with writing(folder):
            save_texts(texts, folder / "texts.safetensors")
            if held_out is not None:
                save_texts(held_out, folder / "held_out.safetensors")
            known = {"texts": known_logits, "held_out": known_held_out_logits}
            known = {name: logits for name, logits in known.items() if logits is not None}
            if known:
                save_tensors(known, folder / "known_logits.safetensors")
            # Last, since a folder without it is no run.
            write_whole(folder / "run.json", json.dumps(plan.to_dict(), ensure_ascii=False, indent=1))
        run = cls(folder)
        run.write_status(Status(steps=plan.steps))
        return run

    @property
    def name(self) -> str:
        """The folder's name, by which a run queue knows the run."""
        return self.folder.name

    @property
    def written_plan(self) -> dict[str, Any]:
        """The plan as JSON holds it; the training of an older run under the names of today.

        Raises:
            LabError: `broken_run`, `run_missing`.
        """
        plan = self._json("run.json")
        if isinstance(plan, dict) and isinstance(plan.get("training"), dict):
            plan["training"] = {RENAMED.get(name, name): value for name, value in plan["training"].items()}
        return plan

    @property
    def plan(self) -> RunPlan:
        """The plan. This imports torch.

        Raises:
            LabError: `broken_run`, `run_missing`.
        """
        from core.runs.plan import RunPlan

        written = self.written_plan
        try:
            return RunPlan.from_dict(written)
        except (KeyError, TypeError, ValueError) as error:
            raise LabError("broken_run", name=self.name, reason=f"run.json: {error}") from error

    def status(self) -> Status:
        """Status of the run, as its process last wrote it.

        Raises:
            LabError: `broken_run`, `run_missing`.
        """
        try:
            return Status(**self._json("status.json"))
        except TypeError as error:  # JSON, but of something else
            raise LabError("broken_run", name=self.name, reason=f"status.json: {error}") from error

    def write_status(self, status: Status) -> None:
        """Write the status.

        Raises:
            LabError: `no_space`, `run_missing`.
        """
        from core.files import write_whole

        write_whole(self.folder / "status.json", json.dumps(asdict(replace(status, updated=time.time()))))

    def metrics(self, offset: int = 0) -> tuple[list[dict[str, Any]], int]:
        """The lines of metrics from a place in the file on, and the place to continue from.

        A line is a `Step` of `core.distill.training` with its "seed"; or, with "scores", a measurement on the held-out
        texts: `Metrics` by arm, and the teacher's under "teacher". After a resumption the file may have become shorter than
        `offset`: then all lines are returned, and the place shows it (it is below `offset` plus what was read).

        Raises:
            LabError: `run_missing`.
        """
        if not self.folder.exists():
            raise LabError("run_missing", name=self.name)
        file = self.folder / "metrics.jsonl"
        if not file.exists():
            return [], 0
        with file.open("rb") as stream:
            if stream.seek(0, 2) < offset:
                offset = 0
            stream.seek(offset)
            content = stream.read()
        whole = content[: content.rfind(b"\n") + 1]  # the last line may still be on its way
        return [json.loads(line) for line in whole.splitlines()], offset + len(whole)

    @property
    def checkpoints(self) -> list[Path]:
        """The checkpoints, oldest first."""
        return sorted(path for path in self.folder.glob("checkpoints/*") if path.suffix != ".part")

    def snapshots(self, arm: str, seed: int | None = None) -> list[int]:
        """The steps of which a student was kept, in order."""
        seed = self.written_plan["seeds"][0] if seed is None else seed
        return sorted(int(file.stem) for file in self.folder.glob(f"snapshots/{seed}/{arm}/*.safetensors"))

    def snapshot_file(self, arm: str, seed: int, step: int) -> Path:
        """Path of the student's weights after a step."""
        return self.folder / "snapshots" / str(seed) / arm / f"{step:07}.safetensors"

    def student_folder(self, arm: str, seed: int | None = None) -> Path:
        """Folder of the finished student, which plain transformers opens."""
        seed = self.written_plan["seeds"][0] if seed is None else seed
        return self.folder / "students" / f"{arm}-{seed}"

    def watch(self, text: str) -> None:
        """Request that the process show, as it goes, the students' outputs for this text (see `watched`)."""
        from core.files import write_whole

        write_whole(self.folder / "watch.json", json.dumps({"text": text}, ensure_ascii=False))

    def watched(self) -> dict[str, Any] | None:
        """The latest look at the watched text, or None before the first.

        Keys: "text", "tokens", "seed", "step"; "teacher" and each of "arms" with "attention" `[layer][head][query][key]`
        and, for a task with one answer per text, "probabilities" `[class]`.
        """
        file = self.folder / "watched.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.exists() else None

    def delete(self) -> None:
        """Remove the folder. A process at work on it stops at its next step."""
        # Without its plan it is no run: a process at work sees that before it could write into what is being removed.
        (self.folder / "run.json").unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _json(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.folder / name).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise LabError("run_missing", name=self.name) from error
        except (OSError, ValueError) as error:
            raise LabError("broken_run", name=self.name, reason=f"{name}: {error}") from error
