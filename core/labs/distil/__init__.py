"""Distil: the set-up of a live distillation, its curves and its student."""

from core.course import Lesson

LESSON = Lesson("distil", "distilling", ":material/science:", 30, needs=("temperature",), leads_to="layer_surgery")
