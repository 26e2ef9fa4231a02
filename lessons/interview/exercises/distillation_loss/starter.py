import torch
import torch.nn.functional as F


def distillation_loss(student_logits, teacher_logits, labels, temperature, soft_weight):
    """logits [batch, class], labels [batch] (-100: no label) -> one number"""
    ...
