import math

import torch
import torch.nn.functional as F


def log_relation(values):
    """[batch, head, position, d] -> log softmax(V V^T / sqrt(d)), [batch, head, position, position]"""
    return F.log_softmax(values @ values.transpose(-2, -1) / math.sqrt(values.shape[-1]), dim=-1)


def value_relation_loss(student_values, teacher_values):
    """[batch, head, position, d], the d may differ -> one number"""
    log_s, log_t = log_relation(student_values), log_relation(teacher_values.detach())
    rows = F.kl_div(log_s, log_t, reduction="none", log_target=True).sum(dim=-1)  # [batch, head, position]
    return rows.mean()
