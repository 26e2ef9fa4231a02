"""What "Reproduce this" on the temperature page begins with, or consists of."""

OPEN_GAP = """
from core.engine import Engine, default_setting
from core.labs import masked_words as predictions
from core.labs.temperature import soft_labels as study
from core.labs.temperature import gradients
from core.labs.temperature import losses

engine, setting = Engine(), default_setting()
text = {text!r}
tokens = engine.tokens(setting, setting.teacher, text)
position = predictions.masked_positions(engine, setting, setting.teacher, tokens)[{which}]
gap = study.with_truth(engine, setting, study.open_gap(engine, setting, text, position), {truth!r})
"""

VERDICT = """
from core.engine import Engine, default_setting
from core.labs.temperature import supersenses as kinds

found = kinds.verdict(Engine(), default_setting(), {text!r})
print(kinds.view(found, {temperature:g}))
"""

MAP = """
from core.labs.temperature import supersenses as kinds

found = kinds.{call}
print(found.pair, found.shares)
"""

EXPERIMENT = """
from core.measure.label_budgets import experiment

for gain in experiment({measure!r}).gains:
    print(gain.mean, gain.error, gain.verdict)
"""
