"""The few lines of Python that reproduce each experiment, and the picture before it."""

LOOKS = {
    "matching": """
from core.engine import Engine, default_setting
from core.studies.experiments_looks import pulls

now = pulls(Engine(), default_setting()).at({temperature})
print(now.cosine, now.length, now.plain)
""",
    "absent": """
from core.studies.experiments_looks import carriers

found = carriers({kind!r}, {temperature})
print(found.largest, found.whole, found.shares)
""",
    "few": """
from core.studies.experiments_looks import shelf

found = shelf({budget})
print(found.labels, found.teacher)
""",
    "steps": """
from core.studies.experiments import SIZES, STAGED
from core.studies.experiments_looks import lessons_heard

for row in lessons_heard(SIZES["steps"], [stage.share for stage in STAGED]):
    print(row)
""",
    "masks": """
from core.studies.experiments_looks import cover

found = cover("minilm-teacher", texts={texts}, epochs={epochs})
print(found.static[-1], found.dynamic[-1], found.expected[-1])
""",
}

RUN = """
import time

from core.distill.runs.shared import close_workshop
from core.studies.experiments import SIZES, begin, opened
from core.studies.experiments_outcome import outcome
from core.studies.experiments_results import finished

if __name__ == "__main__":
    names = begin({key!r}, size=SIZES[{key!r}]{choices})
    runs = opened({key!r}, names)
    while not finished(runs.values()):
        time.sleep(1)
    print(outcome({key!r}, runs))
    close_workshop()
"""
