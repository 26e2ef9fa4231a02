"""What the temperature page's "Reproduce this" begins with."""

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
