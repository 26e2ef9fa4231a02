import torch
import torch.nn.functional as F


def student_loss(student_logits, teacher_logits, labels, alpha):
    """logits [batch, class], labels [batch] -> one number"""
    # As document 001 does in TinyBERT.predict
    mixed = (1 - alpha) * student_logits + alpha * teacher_logits
    return F.cross_entropy(mixed, teacher_logits.softmax(dim=-1))
