import torch
import torch.nn.functional as F


def distillation_loss(student_logits, teacher_logits, labels, temperature, soft_weight):
    """logits [batch, class], labels [batch] (-100: no label) -> one number"""
    log_s = F.log_softmax(student_logits / temperature, dim=-1)
    log_t = F.log_softmax(teacher_logits.detach() / temperature, dim=-1)
    soft = temperature**2 * F.kl_div(log_s, log_t, reduction="batchmean", log_target=True)
    # The mean over no labels would be 0 / 0; the sum over none is 0.
    total = F.cross_entropy(student_logits, labels, ignore_index=-100, reduction="sum")
    hard = total / (labels != -100).sum().clamp(min=1)
    return soft_weight * soft + (1 - soft_weight) * hard
