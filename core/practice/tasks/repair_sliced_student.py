"""A student made of some of its teacher's layers (Sanh et al. 2019, DistilBERT, section 3; document 003 slices the list)."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
from torch import nn

from core.practice.sandbox.inside.harness import build_model
from core.practice.task import Case, Model, Task


def reference(teacher, keep):
    student = copy.deepcopy(teacher)
    student.layer = nn.ModuleList(student.layer[place] for place in keep)
    student.config["num_hidden_layers"] = len(keep)
    return student


def config_not_updated(teacher, keep):
    student = copy.deepcopy(teacher)
    student.layer = nn.ModuleList(student.layer[place] for place in keep)
    return student


def first_layers(teacher, keep):
    return reference(teacher, range(len(keep)))


def weights_shared(teacher, keep):
    student = copy.copy(teacher)
    student._modules = dict(teacher._modules)
    student.config = teacher.config | {"num_hidden_layers": len(keep)}
    student.layer = nn.ModuleList(teacher.layer[place] for place in keep)
    return student


def teacher_cut(teacher, keep):
    teacher.layer = nn.ModuleList(teacher.layer[place] for place in keep)
    teacher.config["num_hidden_layers"] = len(keep)
    return copy.deepcopy(teacher)


def cases(generator: torch.Generator) -> Iterator[Case]:
    def given(layers: int, keep: list[int]) -> dict:
        shapes = build_model("stack", [3, layers]).state_dict()
        state = {name: torch.randn(part.shape, generator=generator) for name, part in shapes.items()}
        return {"teacher": Model("stack", (3, layers), state), "keep": keep}

    yield Case("plain", given(4, [0, 2]))
    yield Case("plain", given(6, [1, 3, 5]))
    yield Case("one_layer", given(3, [2]))


TASK = Task(
    "make_student",
    reference,
    cases,
    {
        "config_not_updated": config_not_updated,
        "first_layers": first_layers,
        "weights_shared": weights_shared,
        "teacher_cut": teacher_cut,
    },
)
