import torch


def rotary(x, base=10000.0):
    """x [..., position, d] -> the same shape"""
    length, width = x.shape[-2:]
    pair = torch.arange(0, width, 2, dtype=torch.float64)  # 2i
    angle = torch.arange(length)[:, None] * base ** (-pair / width)  # [position, d/2]
    cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
    first, second = x.chunk(2, dim=-1)  # dimension i is paired with i + d/2
    return torch.cat((first * cos - second * sin, second * cos + first * sin), dim=-1)
