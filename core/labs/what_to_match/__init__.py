"""The lesson "What to match": layer maps, and students that match logits, attention or values."""

from core.course import Lesson

LESSON = Lesson(
    "what_to_match",
    "distilling",
    ":material/compare_arrows:",
    30,
    needs=(
        "layer_outputs",
        "distil",
    ),
    leads_to="worth_it",
)
