import torch


def rotary(x, base=10000.0):
    """x [..., position, d] -> the same shape"""
    ...
