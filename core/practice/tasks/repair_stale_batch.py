"""The training loop of document 000, which learns from one stale batch and lets its gradients pile up."""

from __future__ import annotations

from core.practice.task import Task
from core.practice.tasks import distillation_step as same

TASK = Task("distil", same.reference, same.cases, same.MISCONCEPTIONS)
