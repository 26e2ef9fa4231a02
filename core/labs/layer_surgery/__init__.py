"""Layer surgery: layers and heads switched off, and the cost of it."""

from core.course import Lesson

LESSON = Lesson(
    "layer_surgery", "distilling", ":material/content_cut:", 20, needs=("layer_outputs",), leads_to="what_to_match"
)
