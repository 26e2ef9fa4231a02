"""The example in each module's docstring runs."""

from __future__ import annotations

import importlib
import textwrap

import pytest
import torch

from core.distill import distiller, evaluation, students
from core.distill.inputs import encoding
from core.distill.objectives import objective

MODULES = (
    "distiller evaluation forward students teacher_cache trainer training inputs.batching inputs.encoding inputs.texts "
    "inputs.words objectives.features objectives.layer_maps objectives.losses objectives.objective objectives.recipes "
    "objectives.schedules objectives.terms"
).split()


def example(module) -> str:
    """The indented lines of a module's docstring."""
    lines = [line for line in module.__doc__.splitlines() if line.startswith("    ")]
    assert lines, f"{module.__name__} shows no example"
    return textwrap.dedent("\n".join(lines))


@pytest.mark.parametrize("name", MODULES)
def test_the_example_runs(name, model, texts, tiny, tmp_path, monkeypatch):
    module = importlib.import_module(f"core.distill.{name}")
    teacher, data, training = model(layers=6), texts(), distiller.TrainingConfig(steps=3, batch_size=10)
    namespace = {
        **{
            key: value
            for part in (distiller, encoding, evaluation, objective, students)
            for key, value in vars(part).items()
        },
        **vars(importlib.import_module("core.distill.inputs.batching")),
        **vars(importlib.import_module("core.distill.objectives.layer_maps")),
        **vars(importlib.import_module("core.distill.forward")),
        **vars(importlib.import_module("core.distill.objectives.terms")),
        **vars(importlib.import_module("core.distill.objectives.recipes")),
        **vars(importlib.import_module("core.distill.objectives.schedules")),
        **vars(module),
        **{"torch": torch, "teacher": teacher, "student": model(seed=2), "twin": model(seed=2), "model": model(seed=2)},
        **{"texts": data, "training": training, "tokenizer": tiny("bert").tokenizer, "folder": tmp_path / "student"},
        **{"rows": torch.tensor([0, 5]), "batch": data.batch(torch.tensor([0, 5]))},
    }
    namespace["needs"] = namespace["FeatureRequest"](logits=True, scores=frozenset({1}))
    namespace["taught"] = namespace["forward"](teacher, namespace["batch"], "single_label", namespace["needs"])
    short = "steps=3, batch_size=10"  # the numbers of steps in the examples are for a real training
    code = example(module).replace("steps=300, learning_rate=2e-3", short).replace("steps=100", "steps=3")
    exec(compile(code, module.__name__, "exec"), namespace)


def test_the_packages_example_runs(model, texts, tiny, sentences, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    students.save(model(layers=3), tmp_path / "teacher")
    namespace = {
        "folder": tmp_path / "teacher",
        "tokenizer": tiny("bert").tokenizer,
        "sentences": sentences,
        "classes": texts().labels.tolist(),
    }
    code = example(importlib.import_module("core.distill")).replace("steps=300", "steps=3")
    exec(compile(code, "core.distill", "exec"), namespace)
    students.open_for(tmp_path / "my-student", "single_label")
