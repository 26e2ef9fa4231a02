import torch
import torch.nn.functional as F


def student_loss(student_logits, teacher_logits, labels, alpha):
    """logits [batch, class], labels [batch] -> one number"""
    soft = F.cross_entropy(student_logits, teacher_logits.detach().softmax(dim=-1))
    hard = F.cross_entropy(student_logits, labels)
    return alpha * soft + (1 - alpha) * hard
