"""Temperature and soft labels: soft labels, losses, gradients, and what a teacher is worth."""

from core.labs.lesson import Lesson

LESSON = Lesson("temperature", "course", ":material/thermostat:", 35, needs=("mlm_masking",), leads_to="layer_outputs")
