import torch
import torch.nn.functional as F


def value_relation_loss(student_values, teacher_values):
    """[batch, head, position, d], the d may differ -> one number"""
    ...
