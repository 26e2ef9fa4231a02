import math

import torch
from torch import nn


class MultiHeadAttention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def split(self, projected):
        """[batch, position, width] -> [batch, head, position, width / heads]"""
        return projected.unflatten(-1, (self.heads, -1)).transpose(1, 2)

    def forward(self, hidden, mask=None):
        """hidden [batch, position, width], mask [batch, position] -> [batch, position, width]"""
        query, key, value = (self.split(layer(hidden)) for layer in (self.query, self.key, self.value))
        scores = query @ key.transpose(-2, -1) / math.sqrt(query.shape[-1])  # [batch, head, query, key]
        if mask is not None:
            scores = scores.masked_fill(mask[:, None, None, :] == 0, -math.inf)
        context = scores.softmax(dim=-1) @ value  # [batch, head, position, width / heads]
        return self.output(context.transpose(1, 2).flatten(2))
