"""Was it worth it?: the report of a run: quality, calibration, costs."""

from core.course import Lesson

LESSON = Lesson("worth_it", "distilling", ":material/balance:", 25, needs=("distil",), leads_to="experiments")
