import torch


def linear_cka(x, y):
    """x [example, feature], y [example, other feature] -> one number from 0 to 1"""
    ...
