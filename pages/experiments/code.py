"""The few lines of Python that reproduce each experiment, and the picture before it."""

LOOKS = {
    "matching": """
from core.engine import Engine, default_setting
from core.labs.experiments.previews import pulls

now = pulls(Engine(), default_setting()).at({temperature})
print(now.cosine, now.length, now.plain)
""",
    "absent": """
from core.labs.experiments.previews import carriers

found = carriers({kind!r}, {temperature})
print(found.largest, found.whole, found.shares)
""",
    "few": """
from core.labs.experiments.previews import shelf

found = shelf({budget})
print(found.labels, found.teacher)
""",
    "steps": """
from core.labs.experiments.plans import SIZES, STAGED
from core.labs.experiments.previews import lessons_heard

for row in lessons_heard(SIZES["steps"], [stage.share for stage in STAGED]):
    print(row)
""",
    "masks": """
from core.labs.experiments.previews import cover

found = cover("minilm-teacher", texts={texts}, epochs={epochs})
print(found.static[-1], found.dynamic[-1], found.expected[-1])
""",
}

RUN = """
import time

from core.runs.server import close_workshop
from core.labs.experiments.plans import SIZES, begin, opened
from core.labs.experiments.outcome import outcome
from core.labs.experiments.results import finished

if __name__ == "__main__":
    names = begin({key!r}, size=SIZES[{key!r}]{choices})
    runs = opened({key!r}, names)
    while not finished(runs.values()):
        time.sleep(1)
    print(outcome({key!r}, runs))
    close_workshop()
"""
