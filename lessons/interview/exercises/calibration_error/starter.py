import torch


def calibration_error(probabilities, labels, bins):
    """probabilities [example, class], labels [example] -> one number"""
    ...
