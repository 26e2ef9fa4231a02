"""What "Reproduce this" on the page of layer surgery shows."""

CUT = """
from core.distill.students import from_layers
from core.engine import Engine, default_setting
from core.labs.layer_surgery import surgery as study
from core.labs.layer_surgery.cut import Cut

engine, setting = Engine(), default_setting()
cut = Cut({keep}, {off})  # the layers that stay, and heads in them that are off: (layer, head), counted from 0
found = study.operate(engine, setting, {name!r}, cut)
print(found.after.loss, found.after.rise, found.after.divergence, found.times, found.weight.rest_megabytes)

# The remainder as a model of its own, which plain transformers can save, open and train:
student = from_layers(engine.checkpoint(setting, {name!r}).model, cut.keep, cut.off)
print(student.config.num_hidden_layers, student.num_parameters())
"""

LAYERS = """
from core.engine import Engine, default_setting
from core.labs.layer_surgery.sweep import every_cut

found = every_cut(Engine(), default_setting(), {name!r}).wait()
print(found.cheapest, found.dearest, [cost.rise for cost in found.without])
for one in found.rounds():
    print(one.count, one.rule, one.keep, one.loss, one.lead, one.best)
"""

HEADS = """
from core.engine import Engine, default_setting
from core.labs.layer_surgery.sweep import every_head

found = every_head(Engine(), default_setting(), {name!r}).wait()
print(found.rise)  # [layer, head], nats
print([(count, cost.rise) for count, cost in found.together])
"""
