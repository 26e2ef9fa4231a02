"""MLM masking: masked positions, masking draws, one-sided context, sentence pairs."""

from core.course import Lesson

LESSON = Lesson(
    "mlm_masking", "course", ":material/visibility_off:", 30, needs=("self_attention",), leads_to="temperature"
)
