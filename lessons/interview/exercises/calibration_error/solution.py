import torch


def calibration_error(probabilities, labels, bins):
    """probabilities [example, class], labels [example] -> one number"""
    confidence, choice = probabilities.max(dim=-1)
    right = (choice == labels).double()
    total = 0.0
    for number in range(bins):
        inside = (confidence > number / bins) & (confidence <= (number + 1) / bins)
        if inside.any():
            gap = (right[inside].mean() - confidence[inside].double().mean()).abs()
            total += float(gap * inside.double().mean())
    return total
