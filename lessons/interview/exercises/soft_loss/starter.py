import torch
import torch.nn.functional as F


def soft_loss(student_logits, teacher_logits, temperature):
    """both [batch, class] -> one number, float32"""
    ...
