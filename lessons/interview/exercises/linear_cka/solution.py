import torch


def linear_cka(x, y):
    """x [example, feature], y [example, other feature] -> one number from 0 to 1"""
    x, y = x.double(), y.double()
    x, y = x - x.mean(dim=0), y - y.mean(dim=0)
    scale = (x.T @ x).norm() * (y.T @ y).norm()
    if scale == 0:  # one of the two is the same for all examples: nothing to compare
        return 0.0
    return float((y.T @ x).norm() ** 2 / scale)
