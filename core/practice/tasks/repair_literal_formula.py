"""The formula of document 003, written out literally: KL of logits, and a cross-entropy of a softmax."""

from __future__ import annotations

from core.practice.task import Task
from core.practice.tasks import distillation_loss as same

TASK = Task("distillation_loss", same.reference, same.cases, same.MISCONCEPTIONS | {"kl_of_logits": same.kl_of_logits})
