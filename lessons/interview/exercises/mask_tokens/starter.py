import torch


def mask_tokens(ids, special, draw, fate, words, mask_id):
    """all [batch, position] -> (what the model reads, labels), both [batch, position]"""
    ...
