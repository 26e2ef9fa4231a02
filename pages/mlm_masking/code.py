"""The few lines of Python that reproduce each lab of the page on masked language modelling."""

_START = """
from core.engine import Engine, default_setting
from core.labs.mlm_masking import context as mlm_context
from core.labs.mlm_masking import masking as mlm_draws
from core.labs.mlm_masking import gaps as mlm_masking

engine, setting = Engine(), default_setting()
text = {text!r}
"""

GAP = (
    _START
    + """
found = mlm_masking.fill_gaps(engine, setting, text, {positions})
for gap in found.gaps:
    print(gap.truth, gap.teacher.rank, gap.teacher.loss, gap.student.rank, gap.student.loss)
print(found.teacher_loss, found.student_loss)
"""
)

PAIR = (
    _START
    + """
teacher, student = mlm_masking.hide_pair(engine, setting, text, {first}, {second})
print(teacher.independent - teacher.chained, student.independent - student.chained)
"""
)

DRAW = (
    _START
    + """
how = mlm_draws.Masking(probability={probability}, shares={shares}, whole_words={whole})
drawn = mlm_draws.draw(engine, setting, text, how, seed={seed})
print(drawn.after, drawn.masked.counts())
found = mlm_draws.read_draw(engine, setting, text, drawn)
print(found.teacher_loss, found.student_loss)
"""
)

EPOCHS = (
    _START
    + """
for copies in (1, 10, None):  # static, BERT's script, dynamic
    seen = mlm_draws.epochs_of(engine, setting, text, {probability}, epochs={epochs}, copies=copies, seed={seed})
    print(copies, seen.covered[-1], seen.expected[-1])
"""
)

CONTEXT = (
    _START
    + """
sides = mlm_context.both_sides_and_left(engine, setting, {name!r}, text, {position})
print(sides.both.loss, sides.left.loss)
for word in mlm_context.influences(engine, setting, {name!r}, text, {position}):
    print(word.word, word.change)
"""
)

LENS = (
    _START
    + """
for name in (setting.teacher, setting.student):
    seen = mlm_context.lens(engine, setting, name, text, {position})
    print(name, [row[0].word for row in seen.best], seen.rank, seen.entropy)
"""
)
