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
        padding = None if mask is None else mask == 0  # PyTorch's mask is True where a key may not be seen
        attended = self.attention(hidden, hidden, hidden, key_padding_mask=padding, need_weights=False)[0]
        hidden = self.norm1(hidden + attended)
        return self.norm2(hidden + self.down(F.gelu(self.up(hidden))))
