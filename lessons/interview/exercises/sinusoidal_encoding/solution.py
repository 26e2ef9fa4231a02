import torch


def sinusoidal_encoding(length, width):
    """-> [position, dimension], float32"""
    position = torch.arange(length, dtype=torch.float64)[:, None]
    pair = torch.arange(0, width, 2, dtype=torch.float64)  # 2i
    angle = position / 10000 ** (pair / width)  # [position, pair]; float64, since far positions turn fast
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(-2).float()
