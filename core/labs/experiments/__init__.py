"""Experiments: five claims put to the test."""

from core.course import Lesson

LESSON = Lesson("experiments", "distilling", ":material/labs:", 25, needs=("distil",))
