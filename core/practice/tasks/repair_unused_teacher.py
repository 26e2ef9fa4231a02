"""The training loop of document 002, whose teacher is computed and never used."""

from __future__ import annotations

from core.practice.task import Task
from core.practice.tasks import distillation_step as same

TASK = Task("distil", same.reference, same.cases, same.MISCONCEPTIONS)
