import torch


def layer_norm(x, weight, bias, eps=1e-5):
    """x [..., width], weight [width], bias [width] -> [..., width]"""
    precise = x.float()  # the square of 300 is beyond float16
    centred = precise - precise.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)  # divided by n, not by n - 1
    normalised = centred * torch.rsqrt(variance + eps)
    return (normalised * weight.float() + bias.float()).to(x.dtype)
