import math

import torch


def attention(query, key, value, mask=None):
    """query [..., q, d_k], key [..., k, d_k], value [..., k, d_v], mask [..., q, k] -> [..., q, d_v]"""
    ...
