import torch
import torch.nn.functional as F


def attention_loss(student_scores, teacher_scores):
    """lists of raw scores, one [batch, head, query, key] a layer -> one number"""
    block = len(teacher_scores) // len(student_scores)
    total = 0.0
    for number, scores in enumerate(student_scores):
        target = teacher_scores[(number + 1) * block - 1]  # the last teacher layer of each block
        total = total + F.mse_loss(scores, target.detach())
    return total
