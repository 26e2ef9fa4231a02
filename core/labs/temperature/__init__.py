"""Temperature and soft labels: soft labels, losses, gradients, and the value of a teacher."""

from core.course import Lesson

LESSON = Lesson("temperature", "course", ":material/thermostat:", 35, needs=("mlm_masking",), leads_to="layer_outputs")
