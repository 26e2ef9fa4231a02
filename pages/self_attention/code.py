"""The few lines of Python that reproduce each lab of the page on self-attention."""

HEAD = """
from core.engine import Engine, default_setting
from core.labs.self_attention import heads as self_attention

trace = Engine().trace(default_setting(), {name!r}, {text!r})
habits = self_attention.habits(trace.probabilities, trace.tokens.special)
print(habits.kind({layer}, {head}), habits.entropy[{layer}, {head}])
row = self_attention.steps(trace, layer={layer}, head={head}, query={query})
print(row.dots[{key}], row.scores[{key}], row.weights[{key}], row.context)
print(trace.check())
"""

BREAK = """
from core.engine import Engine, default_setting
from core.labs.self_attention import ablations as breaking
from core.trace import *

engine, setting, name, text = Engine(), default_setting(), {name!r}, {text!r}
before = engine.trace(setting, name, text, ids={ids})
after = engine.trace(setting, name, text, ids={ids}, interventions={interventions})
found = breaking.compare(engine, setting, name, before, after, position={position}, true_id={true_id})
print(found.words, found.before, found.after, found.divergence)
"""

TOY = """
import torch
from core.theory.attention import causal_mask, scaled_dot_product_attention

x, w_q, w_k, w_v = map(torch.tensor, {matrices})
print(scaled_dot_product_attention(x @ w_q, x @ w_k, x @ w_v, {mask}))
"""
