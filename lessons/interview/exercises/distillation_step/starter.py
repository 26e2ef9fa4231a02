import torch
import torch.nn.functional as F


def distil(student, teacher, optimizer, batches, temperature, soft_weight):
    """batches: pairs of inputs [batch, feature] and labels [batch] -> the loss of each batch, as floats"""
    ...
