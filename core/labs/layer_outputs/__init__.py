"""Layer outputs: hidden states, similarity of layers, heads that match."""

from core.course import Lesson

LESSON = Lesson("layer_outputs", "course", ":material/layers:", 25, needs=("self_attention",), leads_to="distil")
