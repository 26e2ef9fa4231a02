"""Positional encoding: sinusoids, learned tables, order surgery, relative and rotary schemes."""

from core.course import Lesson

LESSON = Lesson(
    "positional_encoding", "course", ":material/waves:", 25, needs=("self_attention",), leads_to="mlm_masking"
)
