"""Sandbox for a learner's code: never in the server's process, behind as many of the kernel's walls as this machine has."""

from core.practice.sandbox.sandbox import LEVELS, SANDBOX, Isolation, Sandbox
from core.practice.sandbox.worker import Limits, Outcome

__all__ = ["LEVELS", "SANDBOX", "Isolation", "Limits", "Outcome", "Sandbox"]
