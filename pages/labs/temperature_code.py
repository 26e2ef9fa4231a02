"""What "Reproduce this" on the temperature page begins with, or consists of."""

OPEN_GAP = """
from core.engine import Engine, default_setting
from core.studies import predictions, temperature as study
from core.studies import temperature_gradients as gradients, temperature_losses as losses

engine, setting = Engine(), default_setting()
text = {text!r}
tokens = engine.tokens(setting, setting.teacher, text)
position = predictions.masked_positions(engine, setting, setting.teacher, tokens)[{which}]
gap = study.with_truth(engine, setting, study.open_gap(engine, setting, text, position), {truth!r})
"""

VERDICT = """
from core.engine import Engine, default_setting
from core.studies import kinds

found = kinds.verdict(Engine(), default_setting(), {text!r})
print(kinds.view(found, {temperature:g}))
"""

MAP = """
from core.studies import kinds

found = kinds.{call}
print(found.pair, found.shares)
"""

EXPERIMENT = """
from core.studies.kinds_experiment import experiment

for gain in experiment({measure!r}).gains:
    print(gain.labels, gain.mean, gain.error)
"""
