"""One observed forward pass: what a model computed, and what changes when something in it is broken."""

from core.trace.interventions import (
    AblateHead,
    BlockKey,
    Intervention,
    LeftContextOnly,
    NoScaling,
    ShuffledPositions,
    UniformAttention,
    WithoutPositions,
)
from core.trace.observe import observing
from core.trace.record import Tokens, Trace, tokenize, trace, trace_tokens

__all__ = [
    "AblateHead",
    "BlockKey",
    "Intervention",
    "LeftContextOnly",
    "NoScaling",
    "ShuffledPositions",
    "Tokens",
    "Trace",
    "UniformAttention",
    "WithoutPositions",
    "observing",
    "tokenize",
    "trace",
    "trace_tokens",
]
