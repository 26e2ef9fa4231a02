import torch


def attention_bias(attention_mask, causal):
    """attention_mask [batch, position], 1 or 0 -> [batch, 1, query or 1, key], 0 or -inf"""
    ...
