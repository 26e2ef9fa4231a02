import math

import torch


def attention_bias(attention_mask, causal):
    """attention_mask [batch, position], 1 or 0 -> [batch, 1, query, key], 0 or -inf"""
    length = attention_mask.shape[-1]
    blocked = (attention_mask == 0)[:, None, None, :]  # padding as a key, for every query
    blocked = blocked.expand(-1, 1, length, length)
    if causal:
        blocked = blocked | torch.ones(length, length, dtype=torch.bool).triu(1)  # the future: key > query
    return torch.zeros(blocked.shape).masked_fill(blocked, -math.inf)
