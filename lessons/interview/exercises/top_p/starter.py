import torch


def top_p(logits, p):
    """logits [..., token] -> probabilities [..., token]"""
    ...
