import math

import torch


def attention(query, key, value, mask=None):
    """query [..., q, d_k], key [..., k, d_k], value [..., k, d_v], mask [..., q, k] -> [..., q, d_v]"""
    # Scaling the query, not the scores, keeps float16 from overflowing at 65 504.
    scores = query / math.sqrt(query.shape[-1]) @ key.transpose(-2, -1)  # [..., q, k]
    if mask is None:
        return scores.softmax(dim=-1) @ value
    # A row of nothing but -inf would become NaN, here and in the gradient: fill before and after the softmax.
    nothing = ~mask.any(dim=-1, keepdim=True)  # [..., q, 1]
    scores = scores.masked_fill(~mask, -math.inf).masked_fill(nothing, 0.0)
    return scores.softmax(dim=-1).masked_fill(nothing, 0.0) @ value
