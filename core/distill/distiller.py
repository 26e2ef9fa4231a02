"""The training loop: a frozen teacher, and any number of students that are trained in step on the same batches.

    arms = {"distilled": Arm(student, mixture(0.9, 4.0)), "control": Arm(twin, CONTROL)}
    distiller = Distiller(teacher, arms, texts, TrainingConfig(steps=300, learning_rate=2e-3))
    for step in distiller:                                   # one Step a batch, for as long as steps are left
        print(step.number, step.arms["distilled"].terms, step.arms["control"].loss)
    distiller.finish()                                       # the students are plain models again

Training pauses while no step is requested. `state_dict` holds all that a resumed training needs.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from core.distill.forward import FeatureRequest, shape_of
from core.distill.inputs.batching import derive_seed, plan
from core.distill.inputs.texts import Batch, TokenizedTexts
from core.distill.inputs.words import whole_again
from core.distill.objectives.objective import stages_of
from core.distill.objectives.terms import Matching, Soft
from core.distill.students import name_of, refuse_untrained_head
from core.distill.teacher_cache import TeacherCache
from core.distill.trainer import Arm, StudentTrainer
from core.distill.training import Step, TrainingConfig
from core.errors import LabError

__all__ = ["Arm", "Distiller", "Step", "TrainingConfig"]


class Distiller:
    """Training of students on a teacher's outputs and on labels. The teacher's weights stay as they are, bit by bit.

    Args:
        teacher: a model, several (the mean of their logits teaches, and the first one's internals), or None where every
            objective is the hard loss alone: plain training.
        arms: students by name, all different models. The same seed, batches and steps are everyone's.
        texts: what is learned from; `texts.task` names the output of the heads.
        training: see `TrainingConfig`.
        device: where to compute; where the first student is, if None.
        known_logits: the teacher's logits for each text, `[text, class]`, if they were computed before; then it runs only
            where the losses look inside it.
        teaching: the teacher's answers as another `Distiller` of the same teacher, texts and batch size has them; it is
            used if it knows all that these objectives look at.
        grouping_seed: the seed of the run that `teaching` came from, when that run is to be repeated to the last bit; the
            training's own if None.
        cache_folder: for teacher's answers beyond `training.cache_bytes`; a temporary folder if None.

    Raises:
        LabError: `zero_labels`, `untrained_head`, `different_vocabulary`, `different_labels`, `different_heads`,
            `bad_layers`: the objectives do not fit the models.
    """

    def __init__(
        self,
        teacher: nn.Module | Sequence[nn.Module] | None,
        arms: Mapping[str, Arm],
        texts: TokenizedTexts,
        training: TrainingConfig,
        device: torch.device | str | None = None,
        known_logits: Tensor | None = None,
        teaching: TeacherCache | None = None,
        grouping_seed: int | None = None,
        cache_folder: Path | None = None,
    ) -> None:
        teachers = [] if teacher is None else [teacher] if isinstance(teacher, nn.Module) else list(teacher)
        first = next(iter(arms.values())).student
        self.device = torch.device(device or next(first.parameters()).device)
        self.texts, self.training, self.teachers = texts, training, teachers
        autocast = training.autocast(self.device)
        self.done = self.epoch = self._place = 0
        self._batches = self._plan(0)
        self._read = texts.at_epoch(0)
        self._trainers: dict[str, StudentTrainer] = {}
        needs = FeatureRequest()
        for name, arm in arms.items():
            _check(arm, teachers, texts)
            trainer = StudentTrainer(name, arm, teachers[0] if teachers else None, texts, training, self.device)
            self._trainers[name] = trainer
            needs |= trainer.needs_of_teacher
        if needs.logits:
            for model in teachers:
                refuse_untrained_head(model)
        if teaching is not None and teaching.texts is texts and teaching.needs | needs == teaching.needs:
            self.teaching = teaching
            return
        groups = self._batches if grouping_seed is None else self._plan(0, grouping_seed)
        self.teaching = TeacherCache(
            teachers, texts, needs, groups, training.cache_bytes, cache_folder, self.device, autocast
        )
        if known_logits is not None:
            self.teaching.preload(known_logits)

    @property
    def students(self) -> dict[str, nn.Module]:
        """The students by name, as they are now; they answer for any text, also between two steps."""
        return {name: trainer.student for name, trainer in self._trainers.items()}

    @property
    def finished(self) -> bool:
        """True once no step is left."""
        return self.done >= self.training.steps

    def __iter__(self) -> Iterator[Step]:
        """The steps that are left."""
        while not self.finished:
            yield self.step()

    def step(self) -> Step:
        """Train every student on the next batch.

        Raises:
            LabError: `nan_loss` if a loss is not a finite number. No student has then taken this step.
        """
        started = time.perf_counter()
        batch = self._next_batch()
        features = self.teaching.features(batch)
        taught = time.perf_counter() - started
        batch = batch.to(self.device)
        rate = self.training.rate_at(self.done)
        progress = self.done / self.training.steps
        for trainer in self._trainers.values():
            trainer.backward(batch, features, progress, derive_seed(self.training.seed, self.done), self.done + 1)
        arms = {name: trainer.step(rate) for name, trainer in self._trainers.items()}
        self.done += 1
        self._place += 1
        seconds = time.perf_counter() - started
        return Step(self.done, self.epoch, len(batch.rows), batch.tokens, rate, seconds, taught, arms)

    def finish(self) -> dict[str, nn.Module]:
        """Make the students plain models of transformers again, in eval mode, and return them by name."""
        for trainer in self._trainers.values():
            whole_again(trainer.student)
            trainer.student.eval()
        return self.students

    def state_dict(self) -> dict[str, Any]:
        """State of the training: plain numbers, and for each arm tensors by name, see `StudentTrainer.state_dict`."""
        arms = {name: trainer.state_dict() for name, trainer in self._trainers.items()}
        return {"done": self.done, "epoch": self.epoch, "place": self._place, "arms": arms}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from the state of another `Distiller` with the same arguments."""
        self.done, self.epoch, self._place = state["done"], state["epoch"], state["place"]
        self._batches, self._read = self._plan(self.epoch), self.texts.at_epoch(self.epoch)
        for name, trainer in self._trainers.items():
            trainer.load_state_dict(state["arms"][name])

    def _plan(self, epoch: int, seed: int | None = None) -> list[Tensor]:
        training = self.training
        seed = training.seed if seed is None else seed
        return plan(self.texts.lengths, training.batch_size, seed, epoch, training.batch_tokens)

    def _next_batch(self) -> Batch:
        if self._place >= len(self._batches):
            self.epoch, self._place = self.epoch + 1, 0
            self._batches, self._read = self._plan(self.epoch), self.texts.at_epoch(self.epoch)
        return self._read.batch(self._batches[self._place])


def _check(arm: Arm, teachers: Sequence[nn.Module], texts: TokenizedTexts) -> None:
    """Refuse objectives and models that do not fit, with an error that names the reason."""
    objectives = [stage.objective for stage in stages_of(arm.objective)]
    hard_only = not any(objective.needs_teacher for objective in objectives)
    if hard_only and not texts.changes and not texts.labelled:
        raise LabError("zero_labels")
    if not teachers and not hard_only:
        raise ValueError("These terms need a teacher.")
    ours = arm.student.config
    for teacher in teachers:
        theirs = teacher.config
        names = {"teacher": name_of(teacher), "student": name_of(arm.student)}
        if theirs.vocab_size != ours.vocab_size:
            raise LabError("different_vocabulary", **names)
        compared = any(isinstance(term, Soft | Matching) for objective in objectives for term in objective.terms)
        if texts.task != "masked_words" and compared and theirs.num_labels != ours.num_labels:
            raise LabError("different_labels", teacher=theirs.num_labels, student=ours.num_labels)
    if teachers:
        for objective in objectives:
            objective.check(shape_of(arm.student), shape_of(teachers[0]))
