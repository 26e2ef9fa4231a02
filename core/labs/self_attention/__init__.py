"""Self-attention: all heads of a model, one head in numbers, and the cost of ablating it."""

from core.course import Lesson

LESSON = Lesson("self_attention", "course", ":material/grid_on:", 25, leads_to="positional_encoding")
