"""One student in training: its objective, its projections and its optimizer.

    trainer = StudentTrainer("distilled", Arm(student, mixture(0.9, 4.0)), teacher, texts, TrainingConfig(steps=100), "cpu")
    trainer.backward(batch, taught, progress=0.0, seed=0, step=1)      # losses and gradient
    trainer.step(rate=1e-3)                                         # the optimizer's step

`core.distill.distiller` drives any number of them over the same batches.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from core.distill.forward import FeatureRequest, Features, asked_labels, forward, observed, shape_of
from core.distill.inputs.texts import Batch, TokenizedTexts
from core.distill.inputs.words import WordsInUse, with_words_in_use
from core.distill.objectives.objective import Objective, Recipe, Stage, stages_of
from core.distill.objectives.terms import LossContext
from core.distill.training import ArmStep, TrainingConfig
from core.errors import LabError

FIRST_SCALE = 2.0**10
"""First scale of a float16 loss. PyTorch's 2¹⁶ overflows at a loss of 10, and short runs have no steps to spare."""


@dataclass(frozen=True)
class Arm:
    """A student and what it minimises."""

    student: nn.Module
    objective: Objective | Recipe | Sequence[Stage]


class StudentTrainer:
    """One student with its objective, its projections and its optimizer."""

    def __init__(
        self,
        name: str,
        arm: Arm,
        teacher: nn.Module | None,
        texts: TokenizedTexts,
        training: TrainingConfig,
        device: torch.device | str,
    ) -> None:
        self.name, self.training, self.task, self.device = name, training, texts.task, torch.device(device)
        self.student = observed(arm.student).to(device).requires_grad_(True).train(training.dropout)
        self.stages = stages_of(arm.objective)
        self.shape = shape_of(self.student)
        self.teacher_shape = shape_of(teacher) if teacher is not None else self.shape
        words = self.student.get_input_embeddings()
        if training.train_embeddings == "frozen":
            words.requires_grad_(False)
        elif training.train_embeddings == "in_use" and not isinstance(words, WordsInUse):
            with_words_in_use(self.student, texts.vocabulary)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(training.seed)
            made = [stage.objective.projections(self.shape, self.teacher_shape) for stage in self.stages]
        self.projections = nn.ModuleDict({key: value for part in made for key, value in part.items()}).to(device)
        self._needs = [stage.objective.needs(self.shape, self.teacher_shape) for stage in self.stages]
        self.parameters = self._named_parameters()
        self.optimizer = self._optimizer()
        self._autocast = training.autocast(self.device)
        # Switched off, it hands on the loss and the step as they are.
        self._scaler = torch.amp.GradScaler(self.device.type, FIRST_SCALE, enabled=self._autocast == torch.float16)
        # One kernel for all tensors, not one each; asked for where it exists, since the CPU does not take it unasked.
        self._foreach = None if self.device.type == "mps" else True
        self._pending: tuple[Tensor, dict[str, Tensor], Tensor] | None = None

    @property
    def needs_of_teacher(self) -> FeatureRequest:
        """Features of the teacher that all stages together read."""
        total = FeatureRequest()
        for _, theirs in self._needs:
            total |= theirs
        return total

    def backward(self, batch: Batch, taught: Features, progress: float, seed: int, step: int) -> None:
        """Compute the losses and the gradient, and refuse what is not finite before any weight has moved."""
        number = self._stage(progress)
        # Every arm drops out the same positions, also after a resumption: no generator's state has to be kept.
        drawing = _drawing_from(seed, self.device) if self.training.dropout else nullcontext()
        with drawing, torch.autocast(self.device.type, self._autocast) if self._autocast else nullcontext():
            learned = forward(self.student, batch, self.task, self._needs[number][0])
            context = LossContext(
                self.task, asked_labels(batch, self.task), progress, self.shape, self.teacher_shape, self._project
            )
            loss, terms = self.stages[number].objective.losses(learned, taught, context)
        self.optimizer.zero_grad(set_to_none=True)
        if loss.requires_grad:
            self._scaler.scale(loss).backward()
        scale = self._scaler.get_scale()
        gradients = [parameter.grad for parameter in self.parameters.values() if parameter.grad is not None]
        length = nn.utils.get_total_norm(gradients, foreach=self._foreach) / scale
        # A gradient that is too large only because it was scaled is left out by `move`, and the scale is halved.
        fits = math.isfinite(length.item()) or scale > 1
        if not (math.isfinite(loss.item()) and fits):
            raise LabError("nan_loss", arm=self.name, loss=loss.item(), step=step)
        self._pending = (loss, terms, length)

    def step(self, rate: float) -> ArmStep:
        """Take the step that `weigh` prepared."""
        loss, terms, length = self._pending
        self._pending = None
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        if loss.requires_grad:
            self._scaler.unscale_(self.optimizer)
            nn.utils.clip_grads_with_norm_(
                self.parameters.values(), self.training.max_grad_norm, length, foreach=self._foreach
            )
            self._scaler.step(self.optimizer)
            self._scaler.update()
        return ArmStep(loss.item(), {name: term.item() for name, term in terms.items()}, length.item())

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        """Sets of tensors by name; the optimizer's are called parameter.moment, and "scaler" is empty but in float16."""
        moments = {
            f"{name}.{key}": value
            for name, parameter in self.parameters.items()
            for key, value in self.optimizer.state.get(parameter, {}).items()
        }
        return {
            "student": dict(self.student.state_dict()),
            "projections": dict(self.projections.state_dict()),
            "optimizer": moments,
            "scaler": {name: torch.tensor(value) for name, value in self._scaler.state_dict().items()},
        }

    def load_state_dict(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Restore the state that `state_dict` returned."""
        self.student.load_state_dict(state["student"])
        self.projections.load_state_dict(state["projections"])
        self.optimizer.state.clear()
        for full_name, value in state["optimizer"].items():
            name, _, key = full_name.rpartition(".")
            parameter = self.parameters[name]
            self.optimizer.state[parameter][key] = value.to(parameter.device, copy=True)  # files are read on the CPU
        if state["scaler"]:
            self._scaler.load_state_dict({name: value.item() for name, value in state["scaler"].items()})

    def _stage(self, progress: float) -> int:
        reached = 0.0
        for number, stage in enumerate(self.stages):
            reached += stage.share
            if progress < reached - 1e-9:
                return number
        return len(self.stages) - 1

    def _project(self, name: str, states: Tensor) -> Tensor:
        return self.projections[name](states) if name in self.projections else states

    def _named_parameters(self) -> dict[str, nn.Parameter]:
        """Trainable parameters by name; a tied matrix once."""
        found = {f"student.{name}": parameter for name, parameter in self.student.named_parameters()}
        found |= {f"projections.{name}": parameter for name, parameter in self.projections.named_parameters()}
        return {name: parameter for name, parameter in found.items() if parameter.requires_grad}

    def _optimizer(self) -> torch.optim.AdamW:
        decayed = [p for name, p in self.parameters.items() if p.ndim > 1 and "embeddings" not in name]
        kept = {id(parameter) for parameter in decayed}
        plain = [p for p in self.parameters.values() if id(p) not in kept]
        groups = [
            {"params": decayed, "weight_decay": self.training.weight_decay},
            {"params": plain, "weight_decay": 0.0},
        ]
        return torch.optim.AdamW(groups, lr=self.training.learning_rate, betas=self.training.betas, fused=True)


@contextmanager
def _drawing_from(seed: int, device: torch.device) -> Iterator[None]:
    """Draw from a seed on the CPU and on the device; afterwards both go on as if nothing had been drawn."""
    beside = [] if device.type == "cpu" else [device]
    with torch.random.fork_rng(beside, device_type=device.type if beside else None):
        torch.manual_seed(seed)
        yield
