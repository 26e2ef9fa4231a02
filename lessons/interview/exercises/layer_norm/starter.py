import torch


def layer_norm(x, weight, bias, eps=1e-5):
    """x [..., width], weight [width], bias [width] -> [..., width]"""
    ...
