import torch
import torch.nn.functional as F


def attention_loss(student_scores, teacher_scores):
    """lists of raw scores, one [batch, head, query, key] a layer -> one number"""
    ...
