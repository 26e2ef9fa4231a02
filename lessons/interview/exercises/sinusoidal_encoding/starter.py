import torch


def sinusoidal_encoding(length, width):
    """-> [position, dimension], float32"""
    ...
