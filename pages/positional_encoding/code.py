"""The few lines of Python that reproduce each lab of the page on positions."""

WAVES = """
from core.theory.positions import similarity_by_distance, sinusoidal_encoding

encoding = sinusoidal_encoding({length}, {width}, {base})
print(encoding[{a}])
print(encoding[{a}] @ encoding[{b}])
print(similarity_by_distance(encoding).cosine)
"""

_START = """
from core.engine import Engine, default_setting
"""

LEARNED = (
    _START
    + """from core.labs.positional_encoding.encodings import path, position_table
from core.theory.positions import similarity_by_distance

engine, setting = Engine(), default_setting()
table = position_table(engine, setting, setting.teacher)
print(table.norm(dim=-1), similarity_by_distance(table).cosine)
print(path(table, first={first}).periods)
"""
)

ORDER = (
    _START
    + """from core.labs.positional_encoding.order import prediction, surgery

engine, setting = Engine(), default_setting()
text, order = {text!r}, {order}
found = surgery(engine, setting, setting.teacher, text, order)
print(found.with_positions, found.without_positions, found.other_way)
# print(prediction(engine, setting, setting.teacher, text, order, positions=False))  # needs a [MASK]
"""
)

RELATIVE = (
    _START
    + """from core.labs.positional_encoding.relative import Knobs, add, head_scores

engine, setting = Engine(), default_setting()
scores = head_scores(engine, setting, setting.teacher, {text!r}, layer={layer}, head={head})
found = add(scores, {scheme!r}, {knobs})
print(found.added, found.after)
"""
)
