"""Experiments: five claims put to the test."""

from core.labs.lesson import Lesson

LESSON = Lesson("experiments", "distilling", ":material/labs:", 25, needs=("distil",))
