import torch
import torch.nn.functional as F
from torch import nn


class EncoderBlock(nn.Module):
    def __init__(self, width, heads, inner):
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm1 = nn.LayerNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, hidden, mask=None):
        """hidden [batch, position, width], mask [batch, position] -> [batch, position, width]"""
        # As document 001 builds its blocks: is anything missing?
        hidden = self.attention(hidden, hidden, hidden)[0]
        return self.down(F.relu(self.up(hidden)))
