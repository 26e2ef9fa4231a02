"""The card that a finished student carries: how it came to be, and how it compares with its teacher and its control.

For example:

    write_card(folder, student, plan, arm="distilled", seed=0, steps=300, scores=scores, held_out=held_out)
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml
from torch import nn

from core.distill.evaluation import Evaluator, Metrics
from core.distill.objectives.objective import Stage
from core.files import write_whole
from core.models.finished import find_card
from core.runs.plan import RunPlan


def write_card(
    folder: Path,
    student: nn.Module,
    plan: RunPlan,
    arm: str,
    seed: int,
    steps: int,
    scores: Mapping[str, Metrics],
    held_out: Evaluator | None,
) -> None:
    """Write `README.md` into the student's folder: front matter as `core.models.card` reads it, and prose.

    Args:
        scores: of each arm on the held-out texts.
        held_out: those texts with the teacher's own scores; None where nothing was measured.

    Raises:
        LabError: `no_space`.
    """
    config = student.config
    rows = dict(scores)
    if held_out is not None and held_out.of_teacher is not None:
        rows = {"teacher": held_out.of_teacher, **rows}
    front = {
        "license": "apache-2.0",
        "distillery": {
            "role": "student",
            "task": _task(plan),
            "labels": _labels(student, plan),
            "title": plan.title,
            "layers": config.num_hidden_layers,
            "width": config.hidden_size,
            "heads": config.num_attention_heads,
            "vocabulary": config.vocab_size,
            "parameters": sum(parameter.numel() for parameter in student.parameters()),
            "size_bytes": sum(file.stat().st_size for file in folder.glob("*.safetensors")),
            "origin": f"distilled in Distillery from {', '.join(plan.teachers)}",
            "metrics": {name: _rounded(asdict(found)) for name, found in rows.items()},
        },
    }
    teachers = " and ".join(f"`{name}`" for name in plan.teachers)
    training = plan.training
    prose = f"""
# {plan.title}: {arm}

A student of {config.num_hidden_layers} layers × {config.hidden_size}, {config.num_attention_heads} heads, for the task
`{plan.task}`. Teacher: {teachers}. It started from {_start(plan, arm)}.

{f"Texts: {plan.origin}." if plan.origin else ""}

## Recipe

{_objective(plan.arms[arm].stages)}

AdamW, peak learning rate {training.learning_rate}, {training.batch_tokens or training.batch_size}
{"tokens" if training.batch_tokens else "texts"} a batch, {steps} of {training.steps} steps, seed {seed}.

## Measured

{_table(rows, arm)}

The whole plan is in `run.json` of the run's folder; with it and `texts.safetensors` the run can be repeated.

## Files

| file | SHA-256 |
|---|---|
{_hashes(folder)}
"""
    header = yaml.safe_dump(front, sort_keys=False, allow_unicode=True)
    write_whole(folder / "README.md", f"---\n{header}---\n\n{prose.strip()}\n")


def _task(plan: RunPlan) -> str:
    """Task of the student, as the catalogue names it: the task of its first teacher."""
    known = find_card(plan.teachers[0])
    return known.task if known else "words" if plan.task == "masked_words" else ""


def _labels(student: nn.Module, plan: RunPlan) -> list[str]:
    """The names of its classes, in the order of its logits; none where it guesses words."""
    names = student.config.id2label if plan.task != "masked_words" else {}
    return [str(names[index]) for index in sorted(names)]


def _hashes(folder: Path) -> str:
    rows = [(file.name, hashlib.sha256(file.read_bytes()).hexdigest()) for file in sorted(folder.glob("*.safetensors"))]
    return "\n".join(f"| `{name}` | `{digest}` |" for name, digest in rows)


def _start(plan: RunPlan, arm: str) -> str:
    student = plan.arms[arm].student
    if student.folder is not None:
        return f"the checkpoint `{Path(student.folder).name}`"
    if student.layers is not None:
        silent = ", ".join(f"{layer}.{head}" for layer, head in student.heads_off)
        kept = f"the teacher's layers {', '.join(map(str, student.layers))} (counted from 0)"
        return kept + (f", its heads {silent} (layer.head) set to zero for good" if silent else "")
    return "random weights" + (", with the teacher's word embeddings" if student.words == "teacher" else "")


def _objective(stages: tuple[Stage, ...]) -> str:
    lines = ["| stage | loss | weight | options |", "|---|---|---|---|"]
    for number, stage in enumerate(stages, start=1):
        for name, term in zip(stage.objective.names, stage.objective.terms, strict=True):
            options = {key: value for key, value in asdict(term).items() if key != "weight"}
            written = ", ".join(f"{key} {value}" for key, value in options.items())
            lines.append(f"| {number} ({stage.share:.0%} of the steps) | {name} | {term.weight} | {written} |")
    return "\n".join(lines)


def _table(rows: Mapping[str, Metrics], arm: str) -> str:
    if not rows:
        return "Nothing was measured."
    lines = ["| model | accuracy | loss | agreement with the teacher |", "|---|---|---|---|"]
    for name, found in rows.items():
        shown = f"**{name}** (this one)" if name == arm else name
        agreement = "" if math.isnan(found.agreement) else f"{found.agreement:.1%}"
        lines.append(f"| {shown} | {found.accuracy:.1%} | {found.loss:.3f} | {agreement} |")
    best = max((name for name in rows if name != "teacher"), key=lambda name: rows[name].accuracy, default=arm)
    if best != arm:
        lines += ["", f"In this run `{best}` was more accurate than this model."]
    return "\n".join(lines)


def _rounded(found: dict[str, Any]) -> dict[str, Any]:
    return {
        key: round(value, 4) if isinstance(value, float) and math.isfinite(value) else None if value != value else value
        for key, value in found.items()
    }
